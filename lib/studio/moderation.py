"""Finds words that no picture may carry or be made of, by a list: the last word where no model can be asked."""

import re
from collections.abc import Iterable

# Stems, as people bend words; each must stand at the beginning of one.
_STEMS = {
    "sexual": (
        *("порн", "эротик", "интим услуг", "интим-услуг", "проститу", "эскорт услуг", "эскорт-услуг"),
        *("обнажённ", "обнаженн", "porn", "nude", "nsfw", "escort service"),
    ),
    "drugs": (
        *("наркот", "кокаин", "героин", "мефедрон", "марихуан", "гашиш", "амфетамин"),
        *("cocaine", "heroin", "mephedrone", "marijuana"),
    ),
    "weapons": ("взрывчатк", "боевая граната", "боевой патрон", "тротил", "explosives", "hand grenade"),
    "hate": ("нацист", "нацизм", "свастик", "фашистск", "nazi", "swastika"),
    "documents": (
        *("поддельн паспорт", "поддельн документ", "купить диплом", "фальшив деньг"),
        *("counterfeit money", "fake passport"),
    ),
}
_RULES = {
    kind: re.compile(
        r"\b(?:" + "|".join(re.escape(stem).replace(r"\ ", r"\w*\s+") for stem in stems) + r")\w*", re.IGNORECASE
    )
    for kind, stems in _STEMS.items()
}
_LOOKALIKES = str.maketrans("aecopxykAECOPXYK0@3", "аесорхукАЕСОРХУКоаз")


def check_words(texts: Iterable[str]) -> str:
    """Return the first words that break a rule, or ''. Latin letters in the shape of Russian ones hide nothing."""
    for text in texts:
        for shape in (text, text.translate(_LOOKALIKES)):
            for rule in _RULES.values():
                found = rule.search(shape)
                if found:
                    return text[found.start() : found.end()]
    return ""
