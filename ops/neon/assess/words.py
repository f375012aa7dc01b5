"""The sentences of the report, in English and Russian, out of data/words.json and data/features.json."""

from dataclasses import dataclass

from ops.neon.assess import tables

LANGUAGES = ("en", "ru")


@dataclass(frozen=True)
class Words:
    """One language: `words("row.size")` is a sentence of it."""

    language: str = "en"

    def __call__(self, key: str, *given: object, **values: object) -> str:
        """Return the sentence of a key with its values filled in."""
        sentence: str = tables.read("words")[key][LANGUAGES.index(self.language)]
        return sentence.format(*given, **values)

    def has(self, key: str) -> bool:
        """Whether there is a sentence of this key."""
        return key in tables.read("words")

    def feature(self, key: str) -> tuple[str, str]:
        """Return the title and the remedy of something that stands in the way."""
        title, remedy = tables.features()[key][self.language]
        return title, remedy
