"""Finds words that no picture may carry or be made of, by a list: the last word where no model can be asked."""

import re
from collections.abc import Iterable

from lib import typed

# Stems, as people bend words; each must stand at the beginning of one.
_STEMS = {
    "sexual": (
        *("порн", "эротик", "интим услуг", "интим-услуг", "проститу", "эскорт услуг", "эскорт-услуг"),
        *(
            "обнажённ",
            "обнаженн",
            "porn",
            "nudity",
            "nude photo",
            "nude girl",
            "nsfw",
            "escort service",
        ),  # a lipstick may be nude
    ),
    "drugs": (
        *("наркот", "кокаин", "героинов", "мефедрон", "марихуан", "гашиш", "амфетамин"),
        *("cocaine", "mephedrone", "marijuana"),
    ),
    "weapons": ("взрывчатк", "боевая граната", "боевой патрон", "тротил", "explosives", "hand grenade"),
    "hate": ("нацист", "нацизм", "свастик", "фашистск", "nazi", "swastika"),
    "documents": (
        *("поддельн паспорт", "поддельн документ", "купить диплом", "фальшив деньг"),
        *("counterfeit money", "fake passport"),
    ),
}
# The forms of a word whose stem other words have, too: героиня is nobody's drug.
_FORMS = {"drugs": ("героин", "героина", "героину", "героином", "heroin")}
_RULES = [
    re.compile(
        r"\b(?:"
        + "|".join([re.escape(stem).replace(r"\ ", r"\w*\s+") + r"\w*" for stem in stems] + [*_FORMS.get(kind, ())])
        + r")\b",
        re.IGNORECASE,
    )
    for kind, stems in _STEMS.items()
]
_LOOKALIKES = str.maketrans("aecopxykAECOPXYK0@3", "аесорхукАЕСОРХУКоаз")


def check_words(texts: Iterable[str]) -> str:
    """Return the first words that break a rule, or ''. Neither letters of the other alphabet nor signs that nobody sees
    hide anything.
    """
    for text in map(typed.visible, texts):
        for shape in (text, text.translate(_LOOKALIKES), typed.latin(text)):
            for rule in _RULES:
                found = rule.search(shape)
                if found:
                    return text[found.start() : found.end()]
    return ""
