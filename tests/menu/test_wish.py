import time

import pytest

from lib.menu import wish


@pytest.mark.parametrize(
    ("question", "least", "most"),
    [
        ("букет до 2500", None, 2500),
        ("букет до 1 290 ₽", None, 1290),
        ("кофе дешевле двухсот", None, 199.99),
        ("растение до тысячи", None, 1000),
        ("что есть от 5000 до 7000", 5000, 7000),
        ("поесть на 150 рублей", None, 150),
        ("не дороже 2 тыс", None, 2000),
        ("дороже 900", 900.01, None),
        ("bouquet under 3000", None, 2999.99),
        ("лимонад за 45 рублей", None, 45),
        ("букет до двух тысяч пятисот", None, 2500),
        ("что-нибудь до трёхсот пятидесяти рублей", None, 350),
        ("до полутора тысяч", None, 1500),
        ("букет за 5к", None, 5000),
        ("букет на 2 тыс", None, 2000),
        ("бюджет 2000", None, 2000),
        ("на тысячу", None, 1000),
        ("до 2-х тысяч", None, 2000),
        ("торт за 3000", None, 3000),
        ("рублей 500", None, 500),
        ("500 max", None, 500),
        ("уложиться в 2000", None, 2000),
        ("не дороже 1.000 рублей", None, 1000),
        ("до полтинника", None, 50),
        ("a cake, no more than 300", None, 300),
        ("not over 300", None, 300),
        ("свыше 1000 рублей", 1000.01, None),
        ("до пяти тысяч", None, 5000),
    ],
)
def test_a_limit_is_read(question, least, most):
    asked = wish.read(question)
    assert (asked.least, asked.most) == tuple(None if one is None else round(one * 100) for one in (least, most))


@pytest.mark.parametrize(
    "question",
    [
        *("капучино 300 мл", "айфон 13", "открыты до 9", "букет из 101 розы", "10-15 роз", "торт на 100 человек"),
        *("карта памяти на 128", "до 100 км", "cake for 500"),
    ],
)
def test_a_size_a_model_or_an_hour_is_no_limit(question):
    asked = wish.read(question)
    assert (asked.least, asked.most) == (None, None)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("двадцать пять роз", "25 роз"),
        ("букет из ста одной розы", "букет из 101 розы"),
        ("пятнадцать тюльпанов", "15 тюльпанов"),
        ("два латте и три круассана", "два латте и три круассана"),
        ("роза пять шесть", "роза пять шесть"),
        ("двадцать тридцать", "двадцать тридцать"),
    ],
)
def test_a_number_in_words_is_read_and_a_count_stays(question, text):
    assert wish.read(question).text == text


@pytest.mark.parametrize(
    ("question", "without"),
    [
        ("десерт без сахара", ("сахара",)),
        ("букет без роз и лилий", ("роз", "лилий")),
        ("кабель, только не Lightning", ("lightning",)),
        ("gluten-free dessert", ("gluten",)),
        ("я не ем мясо и рыбу", ("мясо", "рыбу")),
        ("у меня аллергия на орехи и мёд", ("орехи", "мед")),
        ("what can I eat, I am allergic to nuts", ("nuts",)),
        ("телефон не заряжается", ()),
        ("меня не слышат", ()),
        ("меня не слышно", ()),
        ("не надо звонить", ()),
        ("торт без добавления сахара", ("сахара",)),
        ("без никаких орехов", ("орехов",)),
        ("не переношу лактозу", ("лактозу",)),
        ("что не содержит молока", ("молока",)),
        ("бургер, не надо лук", ("лук",)),
        ("I don't eat meat", ("meat",)),
        ("I can't eat nuts", ("nuts",)),
    ],
)
def test_a_negation_is_read_and_a_complaint_is_none(question, without):
    assert wish.read(question).without == without


@pytest.mark.parametrize("question", ["до 1 " * 60, "без " * 75, "9" * 300, "от 1-" * 60, "(" * 300, "не " * 100])
def test_no_question_keeps_the_reader_busy(question):
    began = time.process_time()
    wish.read(question)
    assert time.process_time() - began < 0.2
