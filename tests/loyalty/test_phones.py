"""Two readers of phone numbers: what Telegram says, and what people type."""

import subprocess
import sys

import pytest

from lib import errors
from lib.loyalty import counter, members, phones
from tests.loyalty_lab import make_client, make_member, make_shop
from tests.test_rules import ROOT


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("8613912345678", "+8613912345678"),
        ("821012345678", "+821012345678"),
        ("819012345678", "+819012345678"),
        ("8801712345678", "+8801712345678"),
        ("84951234567", "+84951234567"),
        ("79001234567", "+79001234567"),
        ("+375291234567", "+375291234567"),
        ("+1 650 253 0000", "+16502530000"),
        ("6834002", "+6834002"),
        ("88801234567", "+88801234567"),
    ],
)
def test_telegrams_number_is_international_whatever_it_begins_with(said, kept):
    assert phones.told(said) == kept


@pytest.mark.parametrize(
    "said", ["", "+", "0079001234567", "09001234567", "12345", "1" * 16, "7900123456a", "٨٩٠٠١٢٣٤٥٦٧"]
)
def test_what_telegram_never_says_is_no_number(said):
    with pytest.raises(errors.Invalid, match="phone_unclear"):
        phones.told(said)


RUSSIAN = [
    *("+7 900 123-45-67", "8 (900) 123-45-67", "89001234567", "79001234567", "9001234567", "+7(900)1234567"),
    *("7 900 123 45 67", "8-900-123-45-67", " +7\u00a0900\u00a0123\u00a045\u00a067 ", "8.900.123.45.67"),
    *("Тел.: 8 900 123-45-67", "телефон 8 900 123-45-67", "+8 900 123-45-67", "8\u201110-7 900 1234567"),
    *("\u202a+7 900 123-45-67\u202c", "\u2066+7\u200e900\u200f1234567\u2069", "«8 900 123-45-67»", "7900\u00ad1234567"),
    *("８９００１２３４５６７", "＋７（９００）１２３－４５－６７", "8\u3000９００ 123-45-67"),
]


@pytest.mark.parametrize("words", RUSSIAN)
def test_a_number_is_one_number_however_it_is_typed(words):
    assert phones.readings(words) == ["+79001234567"]


@pytest.mark.parametrize(
    ("words", "country", "kept"),
    [
        ("8 029 123-45-67", "BY", "+375291234567"),
        ("8 029 123-45-67", "RU", "+375291234567"),
        ("029 123 45 67", "BY", "+375291234567"),
        ("90 123 45 67", "UZ", "+998901234567"),
        ("0551 23 45 67", "KG", "+996551234567"),
        ("8 701 234 56 78", "KZ", "+77012345678"),
        ("89001234567", "BY", "+79001234567"),
        ("8613912345678", "RU", "+8613912345678"),
        ("82 10 1234 5678", "RU", "+821012345678"),
        ("81 90 1234 5678", "RU", "+819012345678"),
        ("880 1712 345678", "RU", "+8801712345678"),
        ("+49 151 23456789", "RU", "+4915123456789"),
        ("375291234567", "RU", "+375291234567"),
        ("00375291234567", "RU", "+375291234567"),
        ("810 375 29 123 45 67", "RU", "+375291234567"),
    ],
)
def test_a_number_is_read_as_its_country_writes_it(words, country, kept):
    assert phones.readings(words, country) == [kept]


def test_a_number_in_doubt_has_both_readings_the_shops_country_first():
    assert phones.readings("8 495 123-45-67", "RU") == ["+74951234567", "+84951234567"]
    assert phones.readings("+84 95 123 45 67", "RU") == ["+84951234567"], "a plus leaves no doubt"
    assert list(map(phones.shown, ("+74951234567", "+84951234567"))) == ["+7 495 123-45-67", "+84 951 234 567"]


@pytest.mark.parametrize(
    "words",
    ["", "12345", "+7900123456", "+7 000 123-45-67", "8 000 123-45-67", "٨٩٠٠١٢٣٤٥٦٧", "8900123456a", "0" * 99, "Анна"],
)
def test_what_is_no_number_is_refused(words):
    with pytest.raises(errors.Invalid, match="phone_unclear"):
        phones.readings(words)


async def test_the_counter_is_asked_only_where_two_readings_are_possible(conn):
    shop = await make_shop(conn)
    lan = await make_member(conn, shop, name="Лан", phone="+84951234567")
    found = await counter.look_up(conn, shop.id, "8 495 123-45-67")
    assert (found.member_id, [one.id for one in found.clients]) == (0, [lan.id])
    assert found.numbers == ["+74951234567", "+84951234567"]
    office = await make_member(conn, shop, name="Офис", phone="+74951234567")
    found = await counter.look_up(conn, shop.id, "8 495 123-45-67")
    assert [one.id for one in found.clients] == [office.id, lan.id]
    assert (await counter.look_up(conn, shop.id, "+7 495 123-45-67")).member_id == office.id
    assert (await counter.look_up(conn, shop.id, "8 495 123-45-68")).numbers == ["+74951234568", "+84951234568"]


async def test_a_list_of_clients_is_searched_by_a_whole_number_too(conn):
    shop = await make_shop(conn)
    anna = await make_member(conn, shop, name="Анна", phone="+79001234567")
    assert [one.id for one in await counter.search(conn, shop.id, "8 (900) 123-45-67")] == [anna.id]
    assert [one.id for one in await counter.search(conn, shop.id, "«Анна»\u200e")] == [anna.id]


async def test_a_number_typed_wide_is_looked_up_as_any_other(conn):
    shop = await make_shop(conn)
    anna = await make_member(conn, shop, name="Анна", phone="+79001234567")
    for words in ("８９００１２３４５６７", "４５６７", "Анна ４５６７"):
        assert (await counter.look_up(conn, shop.id, words)).member_id == anna.id


def test_the_numbering_plans_are_loaded_for_the_first_number_that_somebody_types():
    code = "import sys; from lib.loyalty import counter, phones; phones.told('79001234567');"
    code += " phones.looks_like_one('Анна'); assert 'phonenumbers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


async def test_the_shortest_number_there_is_can_be_kept(conn):
    niue = await make_client(conn, phone="6834002")
    assert await members.phone_owner(conn, "+6834002") == niue.id
