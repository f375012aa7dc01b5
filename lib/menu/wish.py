"""What a question asks for besides its words: a price limit, something it must not hold, the cheapest, a whole shelf.

All of it is read before the search, and taken out of the question. A number is a price only after a word such as
"до" or before a currency; below 50 without a currency it is an hour or a count.
"""

import re
from dataclasses import dataclass

from lib.menu import words

_UNIT = r"(?!\s*(?:мл|л|г|гр|кг|шт|см|мм|м|гб|мач|вт|часов|часа|час|дней|дня|минут|лет|роз|ml|pcs|cm|gb)\b)"
_MONEY = r"(?:₽|руб\w*|р\b\.?|rub\w*|roubles?)"
_NUMBER = rf"(\d[\d ]*(?:[.,]\d+)?)\s*(тыс\w*\.?|т\.?р\.?|к\b|k\b)?{_UNIT}\s*({_MONEY})?"
_UNDER = r"(?:дешевле|меньше|ниже|less than|cheaper than|below|under)(?: чем)?(?: за)?"
_UP_TO = (
    r"(?:до|не дороже|не больше|не более|не выше|максимум|в пределах|в районе|укладыва\w+ в|up to|at most|within|max)"
)
_OVER = r"(?:дороже|больше|выше|more than|above|over)(?: чем)?"
_FROM = r"(?:от|не дешевле|не меньше|не менее|минимум|at least|from)"
_RANGE = re.compile(rf"\b(?:от|с|from|between)\s+{_NUMBER}\s*(?:-|до|to|and)\s*{_NUMBER}|{_NUMBER}\s*-\s*{_NUMBER}")
_LIMITS = tuple(
    (re.compile(rf"\b{word}\s+{_NUMBER}"), kind)
    for word, kind in ((_UP_TO, "max"), (_FROM, "min"), (_UNDER, "under"), (_OVER, "over"))
)
_CEILING = re.compile(rf"\b(?:на|за|for)\s+{_NUMBER}|\b{_MONEY}\s+(?:на|за)\s+(\d[\d ]*)|{_NUMBER}")
_SPELLED = {
    word: number
    for number, forms in (
        *(
            (0.5, "пол"),
            (1.5, "полтора полторы полутора"),
            (1, "один одна одну одной одного одним"),
            (2, "два две двух"),
        ),
        *((3, "три трех"), (4, "четыре четырех"), (5, "пять пяти"), (6, "шесть шести"), (7, "семь семи")),
        *((8, "восемь восьми"), (9, "девять девяти"), (10, "десять десяти"), (11, "одиннадцать одиннадцати")),
        *((12, "двенадцать двенадцати"), (13, "тринадцать тринадцати"), (14, "четырнадцать четырнадцати")),
        *((15, "пятнадцать пятнадцати"), (16, "шестнадцать шестнадцати"), (17, "семнадцать семнадцати")),
        *((18, "восемнадцать восемнадцати"), (19, "девятнадцать девятнадцати"), (20, "двадцать двадцати")),
        *(
            (30, "тридцать тридцати"),
            (40, "сорок сорока"),
            (50, "пятьдесят пятидесяти"),
            (60, "шестьдесят шестидесяти"),
        ),
        *((70, "семьдесят семидесяти"), (80, "восемьдесят восьмидесяти"), (90, "девяносто девяноста")),
        *((100, "сто ста"), (200, "двести двухсот"), (300, "триста трехсот"), (400, "четыреста четырехсот")),
        *((500, "пятьсот пятисот"), (600, "шестьсот шестисот"), (700, "семьсот семисот"), (800, "восемьсот восьмисот")),
        *((900, "девятьсот девятисот"), (1000, "тысяча тысячи тысячу тысяч")),
    )
    for word in forms.split()
}
_SPELLED_WORD = "|".join(sorted(_SPELLED, key=len, reverse=True))
_NUMBER_WORDS = re.compile(rf"(?<!\d )\b(?:{_SPELLED_WORD})(?: (?:{_SPELLED_WORD}))*\b")
_COUNTED = 10  # up to here a number in words counts things: два латте
_VERB = re.compile(r"(?:ет|ит|ут|ют|ат|ят|ешь|ишь|ете|ите|ть|ся|сь|ну|жу|лю|али|или|ал)$")
_WITHOUT = re.compile(
    r"\b(?:без|кроме|не (?:ем|пью|хочу|люблю)|without|except|no|not)\s+(\w+(?:-\w+)*)"
    r"(?:,?\s+(?:и|или|and|or)\s+(?:без\s+)?(\w+))?"
    r"|\bне\s+(\w+)|(\w+)[- ]free\b"
    # an allergy forbids what a menu does not speak of, too: an answer with nuts would be the worst of all
    r"|\b(?:аллерги\w+ (?:на|к)|непереносимость|нельзя(?: есть)?|allergic to|allergy to)\s+(?P<allergy>\w+)"
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
_GRAMMAR_WORDS = "ли этого того всего нас вас меня них него нее всех никаких лишнего добавленного any the a"
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
    text = _NUMBER_WORDS.sub(_in_digits, words.plain(question).replace("–", "-"))
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


def _in_digits(found: re.Match[str]) -> str:
    """Write a number in digits: двадцать пять is 25. What is small or no number stays as it was said."""
    total, part, before = 0.0, 0.0, 1000.0
    for number in (_SPELLED[one] for one in found[0].split()):
        order = 100 if number >= 100 else 10 if number >= 20 else 1
        if number == 1000:
            total, part, before = total + 1000 * (part or 1), 0.0, 1000.0
        elif order < before:
            part, before = part + number, order
        else:
            return found[0]
    value = total + part
    return f"{value:.0f}" if value > _COUNTED and value.is_integer() else found[0]


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
    if found[4] or found[2] or found[3]:
        return _kopecks(found[4] or found[1], found[2], "₽")
    return _kopecks(*found.groups()[4:]) if found[7] or (found[6] or "").startswith("тыс") else None


def _kopecks(number: str | None, thousands: str | None, money: str | None) -> int | None:
    if not number or len(number) > 12:
        return None
    value = float(number.replace(" ", "").replace(",", ".")) * (1000 if thousands else 1)
    return round(value * 100) if money or value >= 50 else None


def _negations(text: str) -> tuple[str, tuple[str, ...], bool]:
    without: list[str] = []
    allergic = any(found["allergy"] for found in _WITHOUT.finditer(text))

    def take(found: re.Match[str]) -> str:
        if found[3] and (_VERB.search(found[3]) or words.is_passing(found[3]) or len(found[3]) < 3):
            return found[0]  # "не заряжается" is a complaint, no negation
        without.extend(one for one in found.groups() if one and one not in _GRAMMAR)
        return " "

    return _WITHOUT.sub(take, text), tuple(without), allergic


def _cut(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"
