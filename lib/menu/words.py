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
# Where letters and digits were written together: айфон13, 200мл. A54 is a name of its own.
_SEAMS = re.compile(r"(?<=[^\W\d_]{2})(?=\d)|(?<=\d)(?=[^\W\d_]{2})")
_SIZES = re.compile(
    r"\d+(?:[.,]\d+)?(?:\s*[x×х–-]\s*\d+(?:[.,]\d+)?)*\s*(?:%|(?:мл|л|литр\w*|г|гр|кг|шт|см|мм|м|гб|мач|вт|минут\w*|мин|час\w*|ч|дн\w*|день|недел\w*|месяц\w*"
    r"|лет|год\w*|ml|l|g|kg|pcs|cm|mm|gb|w|min\w*|hours?|days?|weeks?|months?)\b)"
)
_LOOKALIKES = str.maketrans("авекмнорстух", "abekmhopctyx")
_FORMS_FILE = Path(__file__).with_name("forms.txt")

_SUFFIXES = re.compile(
    r"(?<=\w{3})(?:иван|ыван|овани?|евани?|лени?|ени|ани|ен|ан|ительн|альн|очн|ичн|ешн|ник|н|ов|ев|ск|ист|к|ц|ч|щик|чик"
    r"|ыш|иш|иц|йк|(?<=\w{4})[аеиуыя]л)$"
)
_PREFIXES = re.compile(r"^(?:пере|пред|про|под|при|раз|рас|над|от|об|вы|до|за|на|по|из|ис|со|о|у|с)(?=\w{4})")
_ALTERNATING = str.maketrans("гжзкчцхшсщ", "кккккксссс")
_VERB = re.compile(
    r"\w{2}(?:ть|ться|тись|ите|йте|ишь|ешь|уй|ай|ею|аю|ую|ил|ила|ал|ала|или|али|[аяеу]ете?|[нмвз]ете|[аяу]ют|[аяеу]ем)$"
)
_QUALITY = re.compile(r"\w{3}(?:[ыи]й|[ая]я|[ое]е|ые|[ое]го|[ое]му|[ыи]х|[ую]ю|[ыи]ми)$")
_ADVERB = re.compile(r"\w{3}(?:[йнсчшь]но|ро|ко|ски|ому)$|^по\w{3,}(?:ее|че|ше|же)$|^(?:видно|слышно|нужно)$")

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
    for word in re.findall(r"\w+(?:-\w+)*", _SEAMS.sub(" ", text)):
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


def is_quality(word: str) -> bool:
    """Tell whether a word looks like a Russian adjective: it says what something is like, and not what it is."""
    return bool(_QUALITY.search(word))


def is_passing(word: str) -> bool:
    """Tell whether a word looks like a Russian verb or adverb; those around what is asked for say little of it."""
    return bool(_VERB.search(word) or _ADVERB.search(word))


@functools.lru_cache(maxsize=20_000)
def sound(word: str) -> str:
    """Return one spelling for what sounds alike in Latin and Cyrillic letters."""
    text = "".join(_SOUNDS.get(letter, letter) for letter in word)
    for pair in _LATIN_SOUNDS:
        text = text.replace(*pair)
    text = re.sub(r"c(?=[ei])", "s", text)
    text = re.sub(r"c(?!h)", "k", text)
    return re.sub(r"(.)\1+", r"\1", text)


def spellings(model: str) -> frozenset[str]:
    """Return what a name with digits may be written as: А54 in Cyrillic is A54, and С23 may be S23 or C23."""
    heard = re.sub(r"[^\W\d_]+", lambda found: sound(found[0]), model)
    return frozenset((model, heard, model.translate(_LOOKALIKES)))


def is_numbered(text: str) -> bool:
    """Tell whether a text names a number that is no size and no time: iPhone 13, 25 роз."""
    return any(one.isdigit() for one in _SIZES.sub(" ", plain(text)))


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
