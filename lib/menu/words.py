"""How the words of a menu and of a question are made comparable: letters, stems, sound, the other keyboard layout."""

import functools
import re
import unicodedata
from pathlib import Path

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_CYRILLIC = "йцукенгшщзхъфывапролджэячсмитьбюё"
_OTHER_LAYOUT = str.maketrans(_LATIN + _CYRILLIC, _CYRILLIC + _LATIN)

# The longest that fits is cut off. Of verbs only what no noun ends in: букет is no verb.
_ENDING_LETTERS = """
    ами ями иями ов ев ей иев ах ях иях ам ям иям ом ем ием ою ею ью а я о е и ы у ю ь й ия ие ии ию ией иею
    ья ье ьи ьем ьям ьями ьях ьев ьею ьей ьего ьему ьим ьих ьими
    ый ий ой ая яя ое ее ые ие ого его ому ему ым им ых их ую юю ыми ими
    ить ать еть ять ыть уть ться тся ется ится ются утся иться аться ешь ишь айте уйте"""
_ENDINGS = frozenset(_ENDING_LETTERS.split())
_LONGEST_ENDING = max(map(len, _ENDINGS))
_ENGLISH_ENDINGS = ("ies", "ing", "es", "ed", "s")
# веток is ветк, огурец is огурц, вафель is вафл, батареек is батарейк
_FLEETING = re.compile(r"(?<=\w[бвгджзйклмнпрстфхцчшщ])[ое](?=[кцнлр]$)|ь(?=к$)")
_DIMINUTIVES = re.compile(r"(?<=\w{3})(?:[еои]чк|[уюе]шк|[ое]ньк|(?<!н)ч?ик|(?<=[бвгджзлмнпрстфхцчшщ])к)$")
_FORMS_FILE = Path(__file__).with_name("forms.txt")

_SUFFIXES = re.compile(
    r"(?<=\w{3})(?:иван|ыван|овани?|евани?|лени?|ени|ани|ен|ан|ительн|альн|очн|ичн|ешн|ник|н|ов|ев|ск|ист|к|ц|ч|щик|чик)$"
)
_PREFIXES = re.compile(r"^(?:пере|пред|про|под|при|раз|рас|над|от|об|вы|до|за|на|по|из|ис|со|о|у|с)(?=\w{4})")
_ALTERNATING = str.maketrans("гжзкчцхшсщ", "кккккксссс")
_VERB = re.compile(
    r"\w{2}(?:ть|ться|тись|ите|йте|ишь|ешь|уй|ай|ею|аю|ую|ил|ила|ал|ала|или|али|[аяеу]ете?|[аяу]ют|[аяеу]ем)$"
)

_SOUNDS = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i i k l m n o p r s t u f h ts ch sh sh _ i _ e u a".replace("_", "").split(" "),
        strict=True,
    )
)
_LATIN_SOUNDS = (
    *(("shch", "sh"), ("sch", "sh"), ("tch", "ch"), ("kh", "h"), ("ph", "f"), ("ck", "k"), ("th", "t"), ("x", "ks")),
    *(("yu", "u"), ("ya", "a"), ("yo", "e"), ("ye", "e"), ("ju", "u"), ("ja", "a"), ("w", "v"), ("q", "k")),
    *(("ee", "i"), ("oo", "u"), ("j", "zh"), ("y", "i"), ("cc", "k")),
)
_CYRILLIC_SPELLING = (
    *(("shch", "щ"), ("sch", "щ"), ("sh", "ш"), ("ch", "ч"), ("zh", "ж"), ("kh", "х"), ("ts", "ц"), ("yu", "ю")),
    *(("ya", "я"), ("yo", "е"), ("ju", "ю"), ("ja", "я"), ("ye", "е"), ("ph", "ф"), ("ck", "к"), ("x", "кс")),
    *zip("abvgdeziklmnoprstufhcywjq", "абвгдезиклмнопрстуфхкывйк", strict=True),
)


def plain(text: str) -> str:
    """Return the text in small letters of one width, without ё, invisible characters and wide spaces."""
    folded = unicodedata.normalize("NFKC", text).lower().replace("ё", "е").replace("'", "'")
    return re.sub(r"\s+", " ", "".join(one for one in folded if one.isprintable() or one.isspace())).strip()


def split(text: str) -> list[str]:
    """Split plain text into words; a word with a hyphen is also found when it is written as one."""
    words: list[str] = []
    for word in re.findall(r"\w+(?:-\w+)*", text):
        parts = word.split("-")
        words += [*parts, "".join(parts)] if len(parts) > 1 else parts
    return words


@functools.lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Cut off what declines: пирожков, пирожки and пирожок share a stem."""
    if not word.isalpha():
        return word
    if word.isascii():
        ending = next((one for one in _ENGLISH_ENDINGS if word.endswith(one) and len(word) - len(one) >= 3), "")
        return word.removesuffix(ending) + ("y" if ending == "ies" else "")
    return _forms().get(word) or _cut(word)


def _cut(word: str) -> str:
    longest = min(_LONGEST_ENDING, len(word) - 3)
    ending = next((word[-size:] for size in range(longest, 0, -1) if word[-size:] in _ENDINGS), "")
    root = re.sub(r"(?<=[аеоу])ек$", "йк", word.removesuffix(ending))
    return re.sub(r"(нн)$", "н", _DIMINUTIVES.sub("", _FLEETING.sub("", root)))


@functools.cache
def _forms() -> dict[str, str]:
    """Return the words that the rules would cut wrongly, each with its stem: водка is no вода."""
    lines = (line.split() for line in _FORMS_FILE.read_text(encoding="utf-8").splitlines() if line[:1] not in {"", "#"})
    return {form: stem for stem, *forms in lines for form in forms}


@functools.lru_cache(maxsize=20_000)
def roots(stem: str) -> frozenset[str]:
    """Return what a Russian stem shares with words made of it: покрас- and окрашиван-, мясн- and мяс-.

    Suffixes and prefixes are cut off, and consonants that alternate count as one.
    """
    if not stem.isalpha() or stem.isascii():
        return frozenset()
    found = {stem, bare(stem), _FLEETING.sub("", bare(stem))}
    found |= {_PREFIXES.sub("", one) for one in found}
    return frozenset(one.translate(_ALTERNATING) for one in found if len(one) >= 4 or one == bare(stem))


@functools.lru_cache(maxsize=20_000)
def bare(stem: str) -> str:
    """Return a stem without the suffix that makes an adjective or a noun of it: безалкогольн- has алкогол-."""
    return _SUFFIXES.sub("", stem).rstrip("ь")


def is_verb(word: str) -> bool:
    """Tell whether a word looks like a Russian verb; those around what is asked for say little of it."""
    return bool(_VERB.search(word))


@functools.lru_cache(maxsize=20_000)
def sound(word: str) -> str:
    """Return one spelling for what sounds alike in Latin and Cyrillic letters."""
    text = "".join(_SOUNDS.get(letter, letter) for letter in word)
    for pair in _LATIN_SOUNDS:
        text = text.replace(*pair)
    text = re.sub(r"c(?=[ei])", "s", text)
    text = re.sub(r"c(?!h)", "k", text)
    return re.sub(r"(.)\1+", r"\1", text)


@functools.lru_cache(maxsize=20_000)
def in_cyrillic(word: str) -> str:
    """Spell a Latin word in Cyrillic letters: rozy becomes розы."""
    for pair in _CYRILLIC_SPELLING:
        word = word.replace(*pair)
    return word


def in_other_layout(text: str) -> str:
    """Return what the same keys write on the other keyboard."""
    return plain(text).translate(_OTHER_LAYOUT)


def edits(one: str, other: str, most: int) -> int:
    """Count the letters to change, add, drop or swap between two words; more than `most` is not counted further."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
