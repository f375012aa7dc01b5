"""A pasted description becomes the words of a card by rules: it names the thing, and nothing that it does not say."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lib.studio import article
from lib.studio import words as card_words

# As sellers paste them, each with the title it must give and benefits that must be among those found.
with (Path(__file__).parent / "articles.csv").open(encoding="utf-8", newline="") as rows:
    ARTICLES = [(row["text"], row["title"], row["benefits"].split("|")) for row in csv.DictReader(rows)]


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).lower()


@pytest.mark.parametrize(("text", "title", "benefits"), ARTICLES, ids=[title for _, title, _ in ARTICLES])
def test_an_article_gives_its_title_and_its_facts(text, title, benefits):
    assert article.is_article(text)
    found = article.read(text)
    assert found.title == title
    assert set(benefits) <= set(found.benefits), found.benefits
    assert len(found.benefits) >= 2


@pytest.mark.parametrize(("text", "title", "_"), ARTICLES, ids=[title for _, title, _ in ARTICLES])
def test_nothing_is_said_that_does_not_stand_in_the_article_and_all_may_stand_on_a_card(text, title, _):
    found = article.read(text)
    for line in (found.title, *found.benefits):
        assert line.lower() in flat(text)
    assert card_words.read_words("\n".join((found.title, *found.benefits))).left_out == 0
    assert card_words.check_words("wb", found.title, found.benefits) == []


@pytest.mark.parametrize(
    "text",
    [
        "Кружка",
        "Кружка керамическая\nДержит тепло 2 часа\nМожно мыть в посудомойке",
        "Кружка; держит тепло; 350 мл",
        "ш" * 70,
        "Кружка керамическая для чая и кофе с крышкой и ложкой в наборе, белая",
        "",
    ],
)
def test_a_title_with_benefits_is_no_article(text):
    assert not article.is_article(text)


@pytest.mark.parametrize("text", ["???", "Скидка 50 %! Пишите @seller. Хит продаж!", "🔥🔥🔥", ""])
def test_where_there_is_no_title_nothing_is_proposed(text):
    assert article.read(text) is None


@given(some.text(max_size=600))
def test_any_text_is_read_to_what_a_card_takes_or_to_nothing(text):
    article.is_article(text)
    found = article.read(text)
    if found:
        assert 0 < len(found.title) <= card_words.TITLE_LIMIT
        assert all(0 < len(one) <= card_words.BENEFIT_LIMIT for one in found.benefits)


@pytest.mark.parametrize(
    ("lead", "title"),
    [
        ("Представляем вашему вниманию настольную лампу «Луна»", "Настольная лампа «Луна»"),
        ("Встречайте нашу новую сушилку для обуви", "Сушилка для обуви"),
        ("Предлагаем синюю кружку", "Синяя кружка"),
        ("Представляем меню-холдер из дуба", "Меню-холдер из дуба"),
        ("Представляем плед", "Плед"),
        ("Рады представить рагу из кролика", "Рагу из кролика"),
        ("Знакомьтесь: ночник «Мишка»", "Ночник «Мишка»"),
    ],
)
def test_a_thing_that_is_presented_is_named_as_a_title_names_it(lead, title):
    found = article.read(f"{lead}. Мощность 12 Вт, три режима яркости. Складная ножка и корпус из дерева.")
    assert found.title == title


def test_what_a_seller_lists_stands_before_promises_of_the_shop_and_measures_of_nothing():
    found = article.read(
        "Термокружка автомобильная с ситечком. Двойные стенки держат тепло до 6 часов, а холод — до 12 часов.\n"
        "✅ Съемное ситечко для заварки чая\n✅ Можно мыть в посудомоечной машине\n"
        "Высота: 20 см\nДиаметр: 7 см\nГарантия возврата денег 100%. Звоните в любой день 24 часа."
    )
    assert found.benefits[:2] == ("Съемное ситечко для заварки чая", "Можно мыть в посудомоечной машине")
    assert not [line for line in found.benefits if "денег" in line or "Звоните" in line or line == "До 12 часов"]
