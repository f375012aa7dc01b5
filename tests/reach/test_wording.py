"""The words of a digest in both languages, for a busy shop, a new one and one where nothing happens."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from lib import text
from lib.reach import periods, wording
from lib.reach.digests import Digest, Highlights
from tests.loyalty.test_reports import figures

NOW = datetime(2026, 11, 30, 7, tzinfo=UTC)  # Monday
ZONE = "Europe/Moscow"
SHOP = SimpleNamespace(id=7, title="Кофейня «Зерно» & Ко", tz=ZONE, birthday_points=0)
NOTHING = Highlights(None, None, None, None, None, None, [], 0, False)
BEST = Highlights(
    date(2026, 11, 28),
    1_230_000,
    9,
    840_050,
    3,
    "Долго <ждал>\nи остыло",
    [{"name": "Анна", "spent_minor": 540_000, "receipts": 6}, {"name": "", "spent_minor": 100_000, "receipts": 1}],
    47,
    False,
)
BUSY = {
    **{"receipts": 124, "turnover_minor": 5_430_000, "money_minor": 5_340_000, "active": 60, "issued": 2715},
    **{"redeemed": 900, "expiring": 340, "new_clients": 12, "returning_clients": 48, "ratings": 5, "promoters": 3},
    **{"detractors": 1, "clients": 400},
}
BEFORE = {**BUSY, "receipts": 115, "turnover_minor": 4_850_000, "new_clients": 15, "ratings": 4, "promoters": 1}


def digest(kind="week", now=BUSY, before=BEFORE, best=BEST, **more):
    shop = SimpleNamespace(**{**vars(SHOP), **more.pop("shop", {})})
    return Digest(shop, periods.closed(kind, NOW, ZONE), figures(**now), figures(**before), best, **more)


def words(found, language="ru"):
    return text.plain(wording.digest(found, language)[0]).replace("\u00a0", " ")


def data(found):
    return [[button.data for button in row] for row in wording.digest(found, "ru")[1]]


def test_a_busy_week_in_russian():
    assert words(digest()) == (
        "Кофейня «Зерно» & Ко · неделя\n"
        "23–29 ноября\n"
        "\n"
        "Оборот: 54 300 ₽ ↑ 12 %\n"
        "Чеков: 124 ↑ 8 %\n"
        "Средний чек: 437,90 ₽ ↑ 4 %\n"
        "Новых клиентов: 12 ↓ 20 %\n"
        "Снова пришли: 48 → 0 %\n"
        "\n"
        "Начислили 2 715 баллов, списали 900 — ими оплатили 1,7 % оборота\n"
        "Сгорят за 30 дней: 340\n"
        "\n"
        "Лучший день — суббота, 28 ноября: 12 300 ₽\n"
        "Лучший час — с 9:00 до 10:00: 8 400,50 ₽\n"
        "\n"
        "Больше всех потратили\n"
        "1. Анна — 5 400 ₽, 6 чеков\n"
        "2. Клиент без карты — 1 000 ₽, 1 чек\n"
        "\n"
        "Оценок: 5, NPS +40 ↑ 40\n"
        "Последняя плохая — 3 из 10: «Долго <ждал> и остыло»\n"
        "\n"
        "💡 47 клиентов не были у вас 60 дней. Позовите: сообщение уже написано, останется проверить и отправить."
    )


def test_a_busy_week_in_english():
    said = words(digest(), "en")
    assert said.startswith("Кофейня «Зерно» & Ко · the week\n23–29 November\n\nTurnover: 54,300 ₽ ↑ 12%\n")
    assert "Best day: Saturday, 28 November, 12,300 ₽" in said
    assert "Given: 2,715 points; spent: 900, which paid 1.7% of the turnover" in said
    assert said.endswith(
        "💡 47 clients have not visited your shop for 60 days. "
        "Invite them back: the message is written, you only check and send it."
    )


@pytest.mark.parametrize(
    ("number", "begins"),
    [(1, "💡 1 клиент не был у вас"), (2, "💡 2 клиента не были у вас"), (5, "💡 5 клиентов не были у вас")],
)
def test_a_suggestion_agrees_with_its_number(number, begins):
    assert begins in words(digest(best=replace(BEST, away=number)))


def test_words_of_a_client_stay_words():
    assert "Долго &lt;ждал&gt; и остыло" in wording.digest(digest(), "ru")[0]
    long = words(digest(best=replace(BEST, bad_words="ах " * 300)))
    assert "…»" in long
    assert len(long) < 1200


def test_one_suggestion_has_its_button_and_no_phone_is_in_it():
    assert data(digest()) == [
        ["cast:away:7:60"],
        ["compare:pdf:7:w20261123", "compare:period:7:w20261123"],
        ["digests:home:7"],
    ]
    assert "+7" not in words(digest())


@pytest.mark.parametrize(
    ("more", "first"),
    [
        ({"best": replace(BEST, away=0)}, "rules:edit:birthday_points:7"),
        ({"best": replace(BEST, invites_back=True), "now": {**BUSY, "new_clients": 0}}, "figures:poster:7"),
        ({"best": replace(BEST, away=0), "shop": {"birthday_points": 5}}, "compare:pdf:7:w20261123"),
    ],
)
def test_what_is_suggested_leads_where_it_is_done(more, first):
    assert data(digest(**more))[0][0] == first


def test_a_first_week_is_compared_with_nothing():
    said = words(digest(before={}))
    assert "Оборот: 54 300 ₽\n" in said
    assert not any(arrow in said for arrow in "↑↓→")
    assert "NPS +40\n" in said


def test_a_week_without_ratings_and_bills_of_others_has_no_empty_lines():
    said = words(digest(now={"new_clients": 1}, best=NOTHING))
    assert "\n\n\n" not in said
    assert "Средний чек: —\n" in said
    assert "Оценок пока нет" in said
    assert "Лучший" not in said


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("week", "Кофейня «Зерно» & Ко, 23–29 ноября: за неделю ни одного чека и ни одной новой карты."),
        ("month", "Кофейня «Зерно» & Ко, октябрь 2026: за месяц ни одного чека и ни одной новой карты."),
        ("day", "Кофейня «Зерно» & Ко, 29 ноября: за день ни одного чека и ни одной новой карты."),
    ],
)
def test_an_empty_period_is_one_line(kind, line):
    found = digest(kind, now={"clients": 400, "available": 5}, best=NOTHING)
    assert words(found) == line
    assert data(found) == [["digests:home:7"]]


def test_a_day_is_one_line_and_the_bad_review():
    assert words(digest("day")) == (
        "Кофейня «Зерно» & Ко, 29 ноября: 124 чека на 54 300 ₽ (↑ 12 % к тому же дню неделей раньше), "
        "новых клиентов 12."
        "\n\nПоследняя плохая — 3 из 10: «Долго <ждал> и остыло»"
    )


def test_a_month_is_called_by_its_name():
    assert words(digest("month")).startswith("Кофейня «Зерно» & Ко · месяц\nоктябрь 2026\n")


def test_what_was_read_from_a_copy_says_as_of_when():
    assert words(digest(as_of=datetime(2026, 11, 30, 9, 3, tzinfo=UTC))).endswith("\n\nДанные на 12:03.")
    assert "Данные" not in words(digest())


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize("kind", ["day", "week", "month"])
def test_the_longest_names_and_reviews_fit_a_message(language, kind):
    names = [{"name": "Ж" * 80, "spent_minor": 10**12, "receipts": 10**6}] * 3
    best = replace(BEST, best_clients=names, bad_words="Щ" * 1000)
    said, rows = wording.digest(digest(kind, best=best, shop={"title": "Ю" * 80}), language)
    assert text.fits(said)
    assert all(len(button.data.encode()) <= 64 for row in rows for button in row)
