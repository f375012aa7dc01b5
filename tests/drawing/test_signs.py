"""Signs of benefits, held against lists of them that were written before the rules were looked at: benefits.csv.

Each line has the signs that suit a benefit; a line without one has none that would. Where they suit only because of
the goods, it names the product.
"""

import csv
from pathlib import Path

import pytest

from lib.drawing.cover import goods, signs

LIST = Path(__file__).parent / "benefits.csv"


def test_few_benefits_have_no_sign_and_hardly_one_has_a_wrong_one():
    with LIST.open(encoding="utf-8", newline="") as file:
        suiting = {(row["product"] or "", row["benefit"]): row["signs"].split() for row in csv.DictReader(file)}
    found = {said: signs.chosen([said[1]], said[0])[0] for said in suiting}
    without = [benefit for benefit, sign in found.items() if not sign]
    wrong = {benefit: sign for benefit, sign in found.items() if sign and sign not in suiting[benefit]}
    assert len(suiting) >= 3000
    assert len(without) <= 0.03 * len(suiting), without
    assert len(wrong) <= 0.01 * len(suiting), wrong


@pytest.mark.parametrize(
    "benefit",
    [
        "Без шоколада",
        "Без грубых швов",
        "Против запоров",
        "Без карманов",
        "Не нужны чернила",
        "Порошок не нужен",
        "Соли нет",
    ],
)
def test_a_word_that_is_denied_has_no_sign_of_its_own(benefit):
    assert signs.chosen([benefit], "") in (["ban"], ["shield-check"])


@pytest.mark.parametrize(
    ("benefit", "sign"),
    [
        ("Не боятся воды", "umbrella"),
        ("Быстрая зарядка", "battery-charging"),
        ("Для детей с 3 лет", "mood-kid"),
        ("Не шатается", "shield"),
        ("Без искусственных красителей и сахара", "flask-off"),
        ("Fragrance free", "wind-off"),
        ("Запах новой машины", "perfume"),
        ("Полезные бактерии", "heart"),
        ("Греческий йогурт", "milk"),
        ("Пластиковый бокс", "circles"),
        ("Хрустальное стекло", "glass"),
        ("Ускоряет обмен веществ", "heartbeat"),
        ("Тростниковый сахар", ""),
        ("Автофокусировка", "focus-2"),
        ("Ферментированный чай", "teapot"),
        ("Лёгкая походка", "feather"),
        ("Шоколад Дубай", "candy"),
        ("Лёгкие, 280 г пара", "feather"),
        ("Влагоотталкивающее", "umbrella"),
        ("Запах на груди", "shirt"),
        ("Готовит на пару", "cloud"),
        ("Индивидуальный подход", "user-check"),
        ("Неплохой", ""),
        ("Не менее двух", ""),
        ("Ягодичный мостик", "barbell"),
        ("Берёзовый сок", "wood"),
        ("Вишневый, без косточек", "cherry"),
        ("Повышает тонус", "trending-up"),
        ("Сам включается", "settings-automation"),
        ("Немецкая фурнитура", "flag"),
        ("Без двойного дна", "ban"),
        ("Против пота", "shield-check"),
        ("5 метров", ""),
        ("Порывы ветра не страшны", "wind"),
        ("Запечатано", ""),
        ("Звонкий тембр", "volume"),
        ("Защитные шторки", "shield-check"),
        ("Отдыхает на берегу", "armchair"),
        ("Absorbs odours", "wind-off"),
        ("Small-batch roast", "coffee"),
        ("Develops motor skills", "puzzle"),
        ("Gluten free", "wheat-off"),
    ],
)
def test_a_benefit_has_its_sign_or_none(benefit, sign):
    assert signs.chosen([benefit], "") == [sign]


@pytest.mark.parametrize(
    ("product", "benefit", "sign"),
    [
        ("Печенье овсяное", "Хрустит", "cookie"),
        ("Слайм", "Хрустит", ""),
        ("Набор подарочный", "Хрустит", ""),  # of nothing that is known
        ("Игрушка для собак", "Чистит зубы", "dental"),
        ("Кружка детская", "Для кофе", "coffee"),  # of two families
        ("Набор инструментов", "72 зуба", "settings"),
        ("Скатерть", "Глубокие карманы", ""),
    ],
)
def test_what_a_word_means_goes_by_the_goods(product, benefit, sign):
    assert signs.chosen([benefit], product) == [sign]


@pytest.mark.parametrize(
    ("product", "of"),
    [
        ("Слайм хрустящий", {"kids"}),
        ("Рюкзак городской", {"bags"}),
        ("Кружка детская", {"kitchen", "kids"}),
        ("Смеситель для кухни", {"tools"}),
        ("Электробритва", {"beauty", "tech"}),
        ("Нечто", {goods.UNKNOWN}),
        ("", {goods.UNKNOWN}),
    ],
)
def test_a_title_names_its_families(product, of):
    assert goods.families(product) == of


@pytest.mark.parametrize(
    ("product", "benefit", "sign"),
    [
        ("Рюкзак", "Отсек под ноутбук", "archive"),  # what it is for or goes into
        ("Рюкзак", "Карман для бутылки", "layout-grid"),
        ("Рюкзак", "Для бутылки", ""),
        ("Контейнер", "Для супа", "bowl"),  # nothing else is said
        ("Мёд", "Густой, как сметана", ""),  # what it is likened to
        ("Сапоги", "Легче резины вдвое", ""),
        ("Мёд", "Не подвергался нагреву", "ban"),  # what a denied verb is done to, and by
        ("Пуховик", "Перо не лезет", "shield"),
        ("Форма для выпечки", "Форма не гнётся", "shield"),
        ("Утюг", "Керамика скользит", ""),  # a thing beside a verb
        ("Утюг", "Греется мало", ""),
        ("Пояс", "Греет и охлаждает", ""),  # both of two opposites
    ],
)
def test_what_is_only_mentioned_does_not_decide(product, benefit, sign):
    assert signs.chosen([benefit], product) == [sign]


@pytest.mark.parametrize(
    ("product", "benefit", "sign"),
    [
        ("Ботинки детские", "Протектор", "hand-stop"),  # for whom it is says nothing of what it is
        ("Смеситель для кухни", "Керамический картридж", ""),  # and no more does its place
    ],
)
def test_a_title_tells_what_a_product_is_not_where_or_for_whom(product, benefit, sign):
    assert signs.chosen([benefit], product) == [sign]


def test_every_family_that_a_rule_or_a_sign_names_is_one():
    named = {family for rule in signs.rules() for family in rule.families}
    named |= {family for listed in goods.HOMES.values() for family in listed.removeprefix("-").split()}
    assert named <= {*goods.FAMILIES, goods.UNKNOWN}
    assert goods.HOMES.keys() <= set(signs.names())


def test_a_sign_stands_once_on_a_card_and_every_sign_has_a_cell():
    twice = signs.chosen(["Не боится воды", "Водостойкий корпус"], "")
    assert twice == ["umbrella", ""]
    for name in signs.names():
        assert signs.mask(name, 32).getextrema()[1] > 128
