"""What of a model's own words may reach a client: no sums of money, no links, no names, nothing of our rules.

A model writes no price: it refers to an item, and the price comes from the menu (`render`). Whatever else of its words
speaks of money is taken for made up, in digits or in words, and its sentence does not go out.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable

from lib import typed

LEAK = 8  # words in a row that are ours

_UNIT = (
    r"(?:мл|л|литр\w*|г|гр|грамм\w*|кг|шт|штук\w*|см|мм|м|гб|тб|мач|вт|в|порц\w*|персон\w*|человек|чашк\w*|роз\w*"
    r"|часов|часа|час|ч|мин|минут\w*|дн\w*|день|дня|недел\w*|месяц\w*|лет|год\w*|градус\w*|ккал"
    r"|ml|l|g|kg|pcs|pieces?|cm|mm|gb|hours?|h|min|minutes?|days?|weeks?|months?|years?|kcal|people|persons?|servings?)"
)
_MONEY = (
    r"(?:₽|\$|€|руб\w*|rub\w*|rouble\w*|р\b|p\b|тыс\w*|тыщ\w*|косар\w*|штук\w* рублей|к\b|k\b|коп\w*|доллар\w*"
    r"|dollar\w*|евро|euros?|usd|eur|bucks?|бакс\w*|балл\w*|бонус\w*|points?|%|процент\w*|percent)"
)
_ABOUT = re.compile(
    rf"{_MONEY}|\b(?:стоит|стоят|стоим\w*|стоил\w*|цен[аыуеой]\w*|почем|обойд\w*|обход\w*|итог\w*|сумм\w*|оплат\w*"
    r"|заплат\w*|плат[ия]\w*|скид\w*|дешев\w*|дорож\w*|costs?|price\w*|total|pay|pays|paid|discount\w*|cheap\w*|off)\b"
)
# A promise that needs no number.
_PROMISE = re.compile(
    r"\b(?:бесплатн\w*|задаром|даром|за счет заведения|промокод\w*|free of charge|for free|is free|are free|gratis"
    r"|(?:сдела|да[мюе]|дад|дари|назнач|предостав|получ)\w*\s+(?:\w+\s+){0,3}скид\w+"
    r"|on the house|promo ?codes?|official offer|официальн\w+ предложени\w+)\b"
)
_WORDS = (
    r"(?:ноль|нол[ья]|один|одн\w{1,3}|два|две|двух|три|трех|четыр\w*|пят[ьи]\w*|шест[ьи]\w*|сем[ьи]\w*|восем\w*|восьм\w*"
    r"|девят\w*|девянос\w*|десят\w*|\w+надцат\w*|двадцат\w*|тридцат\w*|сорок\w*|сто|ста|двести|двухсот|триста|трехсот|\w+ста|\w+сот"
    r"|тысяч\w*|полтор\w*|полтинник\w*|сотн\w*|сотк\w*|стольник\w*|червон\w*|half|zero|one|two|three|four|five|six|seven"
    r"|eight|nine|ten|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|грош\w*)"
)
_LARGE = re.compile(
    r"\b(?:сто|двести|триста|четыреста|\w+сот|полторы тысячи|тысяч[аиу]?|полтинник|стольник|сотня|косарь"
    r"|\w+ hundred|\w+ thousand)\b"
)
_NUMBER_WORD = re.compile(rf"\b{_WORDS}\b")
_DIGITS = re.compile(r"\d(?:[\d.,' ]*\d)?")
_SIZE = re.compile(rf"\d+(?:[.,]\d+)?(?:\s*[-x×]\s*\d+(?:[.,]\d+)?)?\s*{_UNIT}\b")
_CLOCK = re.compile(
    r"\b\d{1,2}[:.]\d{2}\b(?!\s*(?:₽|руб|р\b))|\b(?:с|до|в|at|from|till|until)\s+\d{1,2}\s*(?:час\w*|am|pm)"
)
_COUNT = re.compile(rf"(?<![\d.,])\d{{1,2}}(?![\d.,%])(?!\s*{_MONEY})")
_NEXT_TO_MONEY = re.compile(rf"\d\s*{_MONEY}|(?:{_MONEY}|за|по|цен\w+|стоит|стоят|for|costs?|[-–—:=])\s*\d")
_SUM = re.compile(r"\d\s*(?:₽|\$|€|руб|rub|р\b|р\.|коп|тыс|тыщ|%|dollar|доллар|евро|балл|бонус|usd|eur\b)")
_LINK = re.compile(
    r"(?:https?|ftp|tg|mailto)\s*:\s*/{0,2}\S*|\bwww\.\S+|\bt\.me\S*"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:ru|com|net|org|me|io|рф|su|info|shop|store|site|online|app|dev|top|xyz|example|cc|link)\b\S*"
    r"|[\w.+-]+@[\w-]+\.\w+|(?<!\w)@\w{3,}",
    re.IGNORECASE,
)
_CARD = re.compile(r"\b\d(?:[ -]?\d){9,18}\b|\+\d[\d ()-]{8,}\d")
_ASKS = re.compile(
    r"\b(?:паспорт\w*|passport|cvv|cvc|код\w* из (?:смс|sms)|sms code|парол\w*|password|пин-?код\w*)", re.IGNORECASE
)
# No model makes an order, changes one or holds a table: buttons do.
_DEED = re.compile(
    r"\b(?:заказ\w*|бронь|столик)\s+(?:\w+\s+)?(?:принят|оформлен|подтвержд[её]н|создан|выполнен|отправлен|заброниро)\w*"
    r"|\b(?:я\s+)?(?:оформил|подтвердил|принял|забронировал|подтверждаю)\w*(?:\s+\w+)?\s+(?:заказ|столик|бронь)"
    r"|\border (?:is |has been )?(?:confirmed|placed|accepted|created|done)"
    r"|\bi(?:'ve| have)? (?:placed|confirmed|booked)",
    re.IGNORECASE,
)
_LOOKALIKE = str.maketrans("aceopxykmtbhn3", "асеорхукмтвнпз")


def flat(text: str) -> str:
    """Return a text for comparing: one width, small letters, ё as е, no marks that nobody sees."""
    return typed.visible(unicodedata.normalize("NFKC", text)).lower().replace("ё", "е")


def speaks_of_money(text: str, known: Collection[str] = ()) -> bool:
    """Tell if a sentence names a sum, in digits or words, or promises something free. `known`: numbers in titles."""
    said = flat(text)
    mixed = re.sub(r"\b(?=\w*[а-я])(?=\w*[a-z0-9])[a-zа-я0-9]+\b", lambda one: one[0].translate(_LOOKALIKE), said)
    return any(_money(one, known) for one in {said, mixed})


def _money(said: str, known: Collection[str]) -> bool:
    if _PROMISE.search(said) or _LARGE.search(said) or _SUM.search(said):
        return True
    rest = _CLOCK.sub(" ", _SIZE.sub(" ", said))
    rest = re.sub(r"\b[a-zа-я]+-?\d+\w*\b|\b\d+[a-zа-я]{2,}\b(?<!руб)(?<!тыс)(?<!rub)", _model_number, rest)
    about = bool(_ABOUT.search(rest))
    if _NEXT_TO_MONEY.search(rest) and about:
        return True
    numbers = [one for one in _DIGITS.findall(rest) if one.strip() not in known]
    if about and (numbers or _NUMBER_WORD.search(rest)):
        return True
    return bool(_DIGITS.search(_COUNT.sub(" ", rest))) and any(len(re.sub(r"\D", "", one)) > 2 for one in numbers)


def _model_number(found: re.Match[str]) -> str:
    """Keep what may be a sum with its currency; a name such as A54 or 13Pro is none."""
    return found[0] if re.search(_MONEY, found[0]) else " "


def without_links(text: str, allowed: Iterable[str] = ()) -> str:
    """Return a text without addresses, names of accounts and long numbers, but for the shop's own."""
    own = [flat(one) for one in allowed if one]

    def keep(found: re.Match[str]) -> str:
        return found[0] if any(flat(found[0]).rstrip(".,;") in one for one in own) else ""

    return _CARD.sub(keep, _LINK.sub(keep, text))


def is_forbidden(text: str) -> bool:
    """Tell if a sentence asks for what nobody needs to sell a coffee, or claims a deed that only a button does."""
    said = flat(text)
    return bool(_ASKS.search(said) or _DEED.search(said))


def leaks(text: str, ours: Iterable[str], names: Iterable[str]) -> bool:
    """Tell if a text repeats so many words of ours in a row, or names one of our tools."""
    said = re.findall(r"\w+", flat(text))
    if any(name in said for name in names):
        return True
    runs = {tuple(said[at : at + LEAK]) for at in range(len(said) - LEAK + 1)}
    for one in ours:
        own = re.findall(r"\w+", flat(one))
        if any(tuple(own[at : at + LEAK]) in runs for at in range(len(own) - LEAK + 1)):
            return True
    return False


def masked(text: str) -> str:
    """Return a client's words without their phone, card and mail address: a model needs none of them."""
    text = re.sub(r"[\w.+-]+@[\w-]+\.\w+", "[почта]", text)
    text = re.sub(r"(?<!\d)(?:\d[ -]?){15,18}\d(?!\d)", "[карта]", text)
    return re.sub(r"(?<!\d)(?:\+?\d[ ()-]{0,2}){10,14}\d(?!\d)", "[телефон]", text)
