"""Numbers that a client writes in words: двадцать пять роз is 25 роз, до двух тысяч is до 2000.

What is small counts things, два латте, and stays as it was said.
"""

import re

_COUNTED = 10
_SPELLED = """
    0.5 пол
    1 один одна одну одной одного одним
    1.5 полтора полторы полутора
    2 два две двух
    3 три трех
    4 четыре четырех
    5 пять пяти
    6 шесть шести
    7 семь семи
    8 восемь восьми
    9 девять девяти
    10 десять десяти
    11 одиннадцать одиннадцати
    12 двенадцать двенадцати
    13 тринадцать тринадцати
    14 четырнадцать четырнадцати
    15 пятнадцать пятнадцати
    16 шестнадцать шестнадцати
    17 семнадцать семнадцати
    18 восемнадцать восемнадцати
    19 девятнадцать девятнадцати
    20 двадцать двадцати
    30 тридцать тридцати
    40 сорок сорока
    50 пятьдесят пятидесяти полтинник полтинника
    60 шестьдесят шестидесяти
    70 семьдесят семидесяти
    80 восемьдесят восьмидесяти
    90 девяносто девяноста
    100 сто ста сотка сотки сотку сотня сотни сотню
    200 двести двухсот
    300 триста трехсот
    400 четыреста четырехсот
    500 пятьсот пятисот
    600 шестьсот шестисот
    700 семьсот семисот
    800 восемьсот восьмисот
    900 девятьсот девятисот
    1000 тысяча тысячи тысячу тысяч тыща тыщи тыщу тыщ косарь косаря"""
_NUMBERS = {
    word: float(number) for number, *forms in (line.split() for line in _SPELLED.strip().splitlines()) for word in forms
}
_WORD = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_RUN = re.compile(rf"(?<!\d )\b(?:{_WORD})(?: (?:{_WORD}))*\b")
_DECLINED = re.compile(r"\b(\d+)-?[хт]и?\b(?= тыс| руб)")  # до 2-х тысяч


def in_digits(text: str) -> str:
    """Write the numbers of a plain text in digits."""
    return _RUN.sub(_figure, _DECLINED.sub(r"\1", text))


def _figure(found: re.Match[str]) -> str:
    total, part, before = 0.0, 0.0, 1000.0
    for number in (_NUMBERS[one] for one in found[0].split()):
        order = 100 if number >= 100 else 10 if number >= 20 else 1
        if number == 1000:
            total, part, before = total + 1000 * (part or 1), 0.0, 1000.0
        elif order < before:
            part, before = part + number, order
        else:
            return found[0]
    value = total + part
    return f"{value:.0f}" if value > _COUNTED and value.is_integer() else found[0]
