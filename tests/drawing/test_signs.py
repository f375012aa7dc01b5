"""Signs of benefits, held against lists that were written apart from what was learned, and judged: benefits.csv.

Each line has the signs that suit a benefit of a product; a line without one has none that would.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from dev.signs import learn
from lib.drawing.cover import signs

LIST = Path(__file__).parent / "benefits.csv"


@pytest.mark.parametrize("language", ["ru", "en"])
def test_few_benefits_have_no_sign_and_hardly_one_has_a_wrong_one(language):
    with LIST.open(encoding="utf-8", newline="") as file:
        suiting = {
            (row["product"], row["benefit"]): row["signs"].split()
            for row in csv.DictReader(file)
            if row["language"] == language
        }
    found = {said: signs.chosen([said[1]], said[0])[0] for said in suiting}
    without = [benefit for benefit, sign in found.items() if not sign]
    wrong = {benefit: sign for benefit, sign in found.items() if sign and sign not in suiting[benefit]}
    assert len(suiting) >= 500
    assert len(without) <= 0.12 * len(suiting), without
    assert len(wrong) <= 0.03 * len(suiting), wrong


@pytest.mark.parametrize(
    ("benefit", "thing"),
    [
        ("Без шоколада", "candy"),
        ("Без карманов", "layout-grid"),
        ("Без грубых швов", "needle-thread"),
        ("Не нужны чернила", "printer"),
        ("Порошок не нужен", "wash-machine"),
        ("Соли нет", "salt"),
        ("Without pockets", "layout-grid"),
    ],
)
def test_a_word_that_is_denied_has_no_sign_of_its_own(benefit, thing):
    assert signs.chosen([benefit], "")[0] != thing


@pytest.mark.parametrize(
    ("product", "benefit"),
    [
        ("Хлебопечка домашняя белая", "съёмная чаша"),
        ("Slim bathroom shelf with trays", "three removable trays"),
        ("Блузка белая с коротким рукавом", "асимметричная застёжка"),
        ("Платье чёрное мини с бантом", "открытые плечи"),
        ("Рюкзак", "передний карман на молнии"),
    ],
)
def test_a_sign_that_shows_another_thing_is_refused(product, benefit):
    assert signs.chosen([benefit], product) == [""]


@pytest.mark.parametrize(
    ("benefit", "sign"),
    [
        ("Быстрая зарядка", "battery-charging"),
        ("Для детей с 3 лет", "mood-kid"),
        ("Fragrance free", "wind-off"),
        ("Запах новой машины", "perfume"),
        ("Лёгкая походка", "feather"),
        ("Шоколад Дубай", "candy"),
        ("Сам включается", "settings-automation"),
        ("Долго держит тепло", "temperature-plus"),
        ("Видно на улице днём", "eye"),
        ("Gluten free", "wheat-off"),
        ("No batteries needed", "ban"),
    ],
)
def test_a_benefit_has_the_sign_of_what_it_says(benefit, sign):
    assert signs.chosen([benefit], "") == [sign]


@pytest.mark.parametrize("benefit", ["", "Неплохой", "Абракадабра", "Qwerty xyz", "%", "🙂"])
def test_what_says_nothing_that_was_learned_has_no_sign(benefit):
    assert signs.chosen([benefit], "Кружка") == [""]


def test_a_denied_word_is_another_word_and_of_a_number_only_the_length_counts():
    assert signs.features("До 100 кг", "Плед") == signs.features("до 120 КГ", "Плед")
    assert signs.features("До 100 кг", "Плед") != signs.features("до 1200 кг", "Плед")
    assert signs.features("Ещё лёд", "Сыр") == signs.features("еще лед", "Сыр")
    assert "=~сахара" in signs.features("Без соли и сахара", "Сыр")
    assert "=сахара" in signs.features("Без соли, но с сахаром или вместо сахара", "Сыр")
    assert {"=~sugar", "=free"} <= signs.features("Sugar-free", "Сыр")


def test_what_a_benefit_says_goes_by_the_goods():
    assert signs.features("Хрустит", "Сыр") != signs.features("Хрустит", "Кукла")
    assert signs.features("Капюшон", "Коляска прогулочная") != signs.features("Капюшон", "Кукла")


def test_a_sign_stands_once_on_a_card_and_every_sign_has_a_cell():
    twice = signs.chosen(["Быстрая зарядка", "Заряжается быстро"], "")
    assert twice == ["battery-charging", ""]
    for name in signs.names():
        assert signs.mask(name, 32).getextrema()[1] > 128


def test_the_likelihood_of_all_signs_and_of_none_is_one():
    likely = signs.likelihood(signs.features("Мягкий хлопок", "Платье"))
    assert len(likely) == len(signs.names()) + 1
    assert float(likely.sum()) == pytest.approx(1, abs=1e-4)


def test_what_is_learned_is_what_is_read(tmp_path, monkeypatch):
    said = {"Тёплый пух": "feather", "Быстро сохнет": "wind", "Цвет хаки": "-"}
    number = {name: place for place, name in enumerate([*signs.names(), "-"])}
    examples = [
        learn.Example("Плед", frozenset(signs.features(benefit, "Плед")), number[name])
        for benefit, name in said.items()
        for _ in range(learn.SEEN)
    ]
    learn.write(learn.learned(examples), tmp_path / "signs.npz")
    (tmp_path / "signs.csv").write_bytes((signs.FOLDER / "signs.csv").read_bytes())
    monkeypatch.setattr(signs, "FOLDER", tmp_path)
    signs._learned.cache_clear()
    try:
        likely = {benefit: signs.likelihood(signs.features(benefit, "Плед")) for benefit in said}
    finally:
        signs._learned.cache_clear()
    assert {benefit: int(one.argmax()) for benefit, one in likely.items()} == {
        benefit: number[name] for benefit, name in said.items()
    }


def test_a_sign_that_there_is_none_of_is_named(tmp_path, monkeypatch):
    (tmp_path / "one.txt").write_text("Плед | тёплый = feather | мягкий = fether\n", encoding="utf-8")
    monkeypatch.setattr(learn, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="мягкий = fether"):
        learn.read()


@pytest.mark.long
def test_the_stored_weights_are_those_of_the_benefits_beside_the_code(tmp_path):
    learn.write(learn.learned(learn.read()), tmp_path / "signs.npz")
    with np.load(tmp_path / "signs.npz") as now, np.load(signs.FOLDER / "signs.npz") as stored:
        assert np.array_equal(now["gaps"], stored["gaps"])
        assert np.allclose(now["bias"], stored["bias"], atol=0.05)
        assert abs(len(now["labels"]) - len(stored["labels"])) < 0.01 * len(stored["labels"])
