"""The sentences of the report, in English and Russian, out of data/words.json and data/features.json."""

import re
from dataclasses import dataclass

from ops.neon.assess import tables

LANGUAGES = ("en", "ru")
UNITS = {
    "ms": "мс", "s": "с", "min": "мин", "h": "ч", "d": "дн.", "B": "Б", "kB": "кБ", "MB": "МБ", "GB": "ГБ", "TB": "ТБ"
}  # fmt: skip
QUANTITY = re.compile(r"(?<=\d)([ \u00a0])(ms|s|min|h|d|B|kB|MB|GB|TB)\b")


@dataclass(frozen=True)
class Words:
    """One language: `words("row.size")` is a sentence of it."""

    language: str = "en"

    def __call__(self, key: str, *given: object, **values: object) -> str:
        """Return the sentence of a key with its values filled in."""
        sentence: str = tables.read("words")[key][LANGUAGES.index(self.language)]
        return self.units(sentence.format(*given, **values))

    def units(self, text: str) -> str:
        """Return figures with the units of this language."""
        if self.language == "en":
            return text
        return QUANTITY.sub(lambda found: found[1] + UNITS[found[2]], text)

    def feature(self, key: str) -> tuple[str, str]:
        """Return the title and the remedy of something that stands in the way."""
        title, remedy = tables.features()[key][self.language]
        return title, remedy
