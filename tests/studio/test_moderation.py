import pytest

from lib.studio import moderation


@pytest.mark.parametrize(
    "words",
    [
        "Кокаин в подарок", "порнография", "Pornhub", "поддельные документы", "кoкаин", "Тротил 1 кг", "Героин",
        "героином", "героиновый", "heroin", "роrn", "ко\u00adкаин", "коka\u200bин", "K0каин", "nude photo",
    ],
)  # fmt: skip
def test_words_that_nobody_may_carry_are_found(words):
    assert moderation.check_words(["Кружка", words])


def test_the_whole_word_is_named_as_it_was_written():
    assert moderation.check_words(["Набор «Кoкаинoвый»"]) == "Кoкаинoвый"


@pytest.mark.parametrize(
    "words",
    [
        "Кружка керамическая", "Свеча ароматическая", "Нож кухонный", "Игрушечный пистолет", "Скатерть",
        "Крем для тела", "Сапоги зимние", "Сироп от кашля", "Диплом в рамке", "Нитки", "Гирлянда-граната", "Mascara",
        "Кукла-героиня", "Костюм героини", "Для героинь", "Heroine", "Помада nude", "Оттенок Nude 02", "Heroines",
    ],
)  # fmt: skip
def test_ordinary_goods_are_let_through(words):
    assert moderation.check_words([words]) == ""
