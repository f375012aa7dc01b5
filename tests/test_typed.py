import pytest

from lib import money, text, typed
from lib.credits import catalog
from lib.loyalty import phones
from lib.telegram.outgoing import Button

MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u00ad\u200b\u2060\ufeff"


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_that_nobody_sees_changes_no_number_and_no_code(mark):
    assert money.parse(f"{mark}1{mark} 234,50{mark}", limit=10**9) == 123_450
    assert typed.digits(f"{mark}12{mark}3 456{mark}") == "123456"
    assert catalog.read_promo(f"{mark}SPR{mark}ING") == "SPRING"
    assert typed.visible(f"Анна{mark}") == "Анна"


@pytest.mark.parametrize("dash", "\u2010\u2011\u2012\u2013\u2014\u2212")
def test_a_hyphen_that_a_page_has_made_of_a_hyphen_is_one(dash):
    assert catalog.read_promos(f"SALE{dash}10")[0] == "SALE-10"
    assert phones.readings(f"+7 900 123{dash}45{dash}67") == ["+79001234567"]
    assert typed.digits(f"1234{dash}5678") == "12345678"


def test_an_emoji_of_several_stays_one():
    assert typed.visible("👩\u200d🍳 Кухня") == "👩\u200d🍳 Кухня"


@pytest.mark.parametrize("words", ["«350»", "“350”", '"350"', " 350\u00a0₽ ", "\u2009350\u202f", "'350'"])
def test_an_amount_is_read_without_its_quotes_and_odd_spaces(words):
    assert money.parse(words, limit=10**9) == 35_000


@pytest.mark.parametrize("words", ["1\u202f234,50", "1\u00a0234,50", "1'234,50", "1\u2019234,50", "1\u2009234,50"])
def test_thousands_are_separated_by_whatever_a_phone_makes_of_a_space(words):
    assert money.parse(words, limit=10**9) == 123_450


@pytest.mark.parametrize(
    ("typed_so", "first"),
    [
        ("SАLE", "SALE"),  # the second letter is Cyrillic
        ("СКИДКA", "СКИДКА"),  # the last is Latin
        ("SPRING", "SPRING"),
        ("ЛЕТО-26", "ЛЕТО-26"),
    ],
)
def test_a_letter_that_only_one_alphabet_has_decides_for_all(typed_so, first):
    assert typed.spellings(typed_so)[0] == first


def test_a_code_of_look_alikes_only_may_be_of_either_alphabet():
    assert typed.spellings("ВЕСНА") == ["ВЕСНА", "BECHA"]
    assert typed.spellings("BECHA") == ["BECHA", "ВЕСНА"]


@pytest.mark.parametrize("words", ["１２", "٣", "1\u200d2"])
def test_other_scripts_digits_are_no_amount(words):
    with pytest.raises(Exception, match="amount_unclear"):
        money.parse(words, limit=10**9)


def test_a_name_turns_nothing_round_that_stands_beside_it():
    name = "Анна\u202e7654"
    assert text.say("ru", "start.again", name=name).startswith("С возвращением, Анна7654!")
    assert Button(f"{name} ··4567", "till:client:1").markup()["text"] == "Анна7654 ··4567"


@pytest.mark.parametrize(
    "words", ["-", "—", "–", "−", "Нет", "нет.", "«Нет»", " No ", "None", "ничего", "\u202aНет\u202c"]
)
def test_a_no_as_phones_write_it_is_nothing(words):
    assert typed.is_nothing(words)


@pytest.mark.parametrize("words", ["Нет скидок", "0", "нота", "н"])
def test_words_that_only_begin_like_a_no_are_words(words):
    assert not typed.is_nothing(words)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("казань", "Казань"),
        ("г. Казань", "Казань"),
        ("Г.Казань", "Казань"),
        ("город Казань", "Казань"),
        ("«Казань»", "Казань"),
        ("Kaзaнь", "Kазань"[0].replace("K", "К") + "азань"),  # three letters are Latin
        ("Санкт\u2011Петербург", "Санкт-Петербург"),
        ("Нижний\u00a0 Новгород", "Нижний Новгород"),
        ("Городец", "Городец"),
        ("Гомель", "Гомель"),
        ("Almaty", "Almaty"),
        ("", ""),
        ("ереван / Yerevan", "Ереван / Yerevan"),
        ("Нижний Hовгород", "Нижний Новгород"),
    ],
)
def test_a_city_is_called_as_others_call_it(words, name):
    assert typed.city(words) == name


@pytest.mark.parametrize(
    ("words", "inside"), [("«Золото»", "Золото"), ("Клуб «Золото»", "Клуб «Золото»"), ("'", "'"), ("", "")]
)
def test_quotes_around_all_of_it_go_and_those_around_a_part_stay(words, inside):
    assert typed.unquoted(words) == inside
