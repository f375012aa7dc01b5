"""What a question asks for besides its words: a price limit, something it must not hold, the cheapest, a whole shelf.

All of it is read before the search, and taken out of the question. A number is a price only after a word such as
"до" or before a currency; below 50 without a currency it is an hour or a count.
"""

import re
from dataclasses import dataclass

from lib.menu import numerals, words

_UNIT = (
    r"(?!\s*(?:мл|л|литр\w*|г|гр|грамм\w*|кг|шт|штук\w*|см|мм|м|метр\w*|км|гб|мач|вт|часов|часа|час|дней|дня|минут|лет|год\w*"
    r"|роз|человек|персон|гост\w+|ml|pcs|cm|km|gb|people|persons)\b)"
)
_MONEY = r"(?:₽|руб\w*|р\b\.?|rub\w*|roubles?)"
_NUMBER = rf"(\d[\d ]*(?:[.,]\d+)?)\s*(тыс\w*\.?|т\.?р\.?|к\b|k\b)?{_UNIT}\s*({_MONEY})?"
_UNDER = r"(?:дешевле|меньше|ниже|less than|cheaper than|below|under)(?: чем)?(?: за)?"
_UP_TO = (
    r"(?:до|не дороже|не больше|не более|не выше|не свыше|максимум|в пределах|в районе|около|примерно|уложить\w+ в"
    r"|укладыва\w+ в|бюджет|budget(?: of)?|up to|at most|within|max|no more than|not (?:over|above|more than))"
)
_OVER = r"(?:дороже|больше|выше|свыше|more than|above|over)(?: чем)?"
_FROM = r"(?:от|не дешевле|не меньше|не менее|минимум|at least|from)"
_RANGE = re.compile(rf"\b(?:от|с|from|between)\s+{_NUMBER}\s*(?:-|до|to|and)\s*{_NUMBER}|{_NUMBER}\s*-\s*{_NUMBER}")
_LIMITS = tuple(
    (re.compile(rf"\b{word}\s+{_NUMBER}"), kind)
    for word, kind in ((_UP_TO, "max"), (_FROM, "min"), (_UNDER, "under"), (_OVER, "over"))
)
_CEILING = re.compile(
    rf"\b(на|за|for)\s+{_NUMBER}|\b{_MONEY}\s+(?:(?:на|за)\s+)?(\d[\d ]*)|{_NUMBER}\s*(максимум|макс\b|maximum|max\b)?"
)
_ROUND = 50  # на 300 is a price, на 128 may be a memory card
_VERB = re.compile(r"(?:ет|ит|ут|ют|ат|ят|ешь|ишь|ете|ите|ть|ся|сь|ну|жу|лю|али|или|ал)$")
_FILLER = r"(?:(?:добавлени\w+|содержани\w+|всяк\w+|никак\w+|лишн\w+|добавленн\w+|any|added|the)\s+)*"
_WITHOUT = re.compile(
    r"\b(?:без|кроме|помимо|за исключением|исключ\w+|не (?:ем|едим|пью|хочу|хотим|люблю|любит|надо)"
    r"|не (?:нужн|содерж)\w+|(?:can't|cannot|can not|don't|do not) (?:eat|have|drink|like|want)|without|except|no|not)"
    rf"\s+{_FILLER}(\w+(?:-\w+)*)"
    r"(?:,?\s+(?:и|или|and|or)\s+(?:без\s+)?(\w+))?"
    r"|\bне\s+(?!перено[сш])(\w+)|(\w+)[- ]free\b"
    # an allergy forbids what a menu does not speak of, too: an answer with nuts would be the worst of all
    r"|\b(?:аллерги\w+ (?:на|к)|непереносимость|не перено[сш]\w+|нельзя(?: есть)?|allergic to|allergy to)"
    rf"\s+{_FILLER}(?P<allergy>\w+)"
    r"(?:,? (?:и|or|and) (\w+))?"
    r"|\bбе[зс](алкогол|глютен|дрожж|кофеин|лактоз|молоч|мяс|орех|сахар|яич)\w+"
)
# Who eats no meat is answered as if it had been said; what a dish says of itself comes first.
_DIETS = (
    (re.compile(r"\b(?:вегетариан|vegetarian|veggie)\w*"), ("мясо", "рыба")),
    (
        re.compile(r"\b(?:веган|постн|vegan|lenten)\w*|\b(?:в|на|про) пост\b"),
        ("мясо", "рыба", "молочное", "сыр", "яйцо"),
    ),
)
_CHEAPEST = re.compile(r"\b(?:сам\w+ (?:недорог|дешев)\w*|подешевле|дешевле всего|cheapest)\b")
_DEAREST = re.compile(r"\b(?:сам\w+ дорог\w*|подороже|дороже всего|most expensive)\b")
_SHELF = re.compile(
    r"\b(?:как(?:ие|ая|ой|ое|их)|что (?:у вас )?(?:есть )?(?:из|в|на)|ассортимент|список|все|what|which|kinds?)\b"
)
# Пиво к шашлыку, соус к острым крылышкам
_BESIDE = re.compile(r"\b(?:к|ко|with(?: (?:a|the|my))?|with)\s+((?:\w+(?:ому|ему|ой|ым|им|ей)\s+)?\w+)")
_PURPOSE = re.compile(r"\b(?:для|for)\s+(\w+(?:\s+\w+)?)")
# Утонул в ванне
_PLACE = re.compile(r"\b(?:в|во|на|под|у|от|со|за|at|in)\s+(\w+)")
_GRAMMAR_WORDS = "ли этого того всего нас вас меня них него нее всех a"
_GRAMMAR = frozenset(_GRAMMAR_WORDS.split())


@dataclass(frozen=True)
class MenuWish:
    """A question read: its words, the limits in kopecks, and the words that no answer may hold."""

    text: str
    least: int | None = None
    most: int | None = None
    without: tuple[str, ...] = ()
    allergic: bool = False
    order: str = ""  # "cheapest" or "dearest"
    shelf: bool = False
    beside: tuple[str, ...] = ()  # what it is wanted to go with
    purpose: tuple[str, ...] = ()  # what or whom it is for
    place: tuple[str, ...] = ()  # where it happens, on what, at whose

    def fits(self, kopecks: int) -> bool:
        """Tell whether a price is within the limits."""
        return (self.least is None or kopecks >= self.least) and (self.most is None or kopecks <= self.most)


def read(question: str) -> MenuWish:
    """Read the limits and negations of a question; the words that are left are searched for."""
    text = numerals.in_digits(words.plain(question).replace("–", "-"))
    text, least, most = _limits(text.replace("—", "-"))
    text, without, allergic = _negations(text)
    without += tuple(one for diet, forbidden in _DIETS if diet.search(text) for one in forbidden)
    order = "cheapest" if _CHEAPEST.search(text) else "dearest" if _DEAREST.search(text) else ""
    shelf = bool(_SHELF.search(text))
    words_left = _DEAREST.sub(" ", _CHEAPEST.sub(" ", text))
    beside, purpose, place = (
        tuple(one for found in pattern.finditer(words_left) for one in words.split(found[1]))
        for pattern in (_BESIDE, _PURPOSE, _PLACE)
    )
    return MenuWish(words_left, least, most, without, allergic, order, shelf, beside, purpose, place)


def _limits(text: str) -> tuple[str, int | None, int | None]:
    if (found := _RANGE.search(text)) and (pair := _pair(found)):
        return _cut(text, found), *pair
    bounds: dict[str, int] = {}
    for pattern, kind in _LIMITS:
        found = pattern.search(text)
        if found and (price := _kopecks(*found.groups())) is not None:
            bounds[kind] = price
            text = _cut(text, found)
    if not bounds and (found := _CEILING.search(text)) and (price := _ceiling(found)) is not None:
        return _cut(text, found), None, price
    least = bounds.get("min", bounds["over"] + 1 if "over" in bounds else None)
    return text, least, bounds.get("max", bounds["under"] - 1 if "under" in bounds else None)


def _pair(found: re.Match[str]) -> tuple[int, int] | None:
    first = found.groups()[:6] if found[1] else found.groups()[6:]
    money, thousands = first[2] or first[5], first[1] or first[4]
    low, high = (_kopecks(one, thousands, money) for one in (first[0], first[3]))
    # "10-15" is a time or a count of days; two prices stand after "от" or are large
    return (low, high) if low is not None and high is not None and low <= high else None


def _ceiling(found: re.Match[str]) -> int | None:
    """Return a ceiling that no word such as "до" stands before: на тысячу, за 300, рублей 500, 500 рублей, 500 max."""
    before, spent, thousands, money, roubles, number, of_them, currency, most = found.groups()
    if before:
        price = _kopecks(spent, thousands, money)
        is_round = price is not None and price % (100 * _ROUND) == 0
        return price if money or thousands or before == "за" or (before == "на" and is_round) else None
    if roubles:
        return _kopecks(roubles, None, "₽")
    return _kopecks(number, of_them, currency) if currency or most or (of_them or "").startswith("тыс") else None


def _kopecks(number: str | None, thousands: str | None, money: str | None) -> int | None:
    if not number or len(number) > 12:
        return None
    digits = re.sub(r"(?<=\d)[.,](?=\d{3}$)", "", number.replace(" ", ""))  # 1.000 is no 1
    value = float(digits.replace(",", ".")) * (1000 if thousands else 1)
    return round(value * 100) if money or value >= 50 else None


def _negations(text: str) -> tuple[str, tuple[str, ...], bool]:
    without: list[str] = []
    allergic = any(found["allergy"] for found in _WITHOUT.finditer(text))

    def take(found: re.Match[str]) -> str:
        if (found[1] or "").endswith(("ть", "ться")):
            return found[0]  # "не надо звонить"
        if found[3] and (_VERB.search(found[3]) or words.is_passing(found[3]) or len(found[3]) < 3):
            return found[0]  # "не заряжается" is a complaint, no negation
        without.extend(one for one in found.groups() if one and one not in _GRAMMAR)
        return " "

    return _WITHOUT.sub(take, text), tuple(without), allergic


def _cut(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"
