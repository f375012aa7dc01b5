"""What clients said after a visit, as the shop reads it; and the invitations that it has to decide about."""

import pytest

from lib.loyalty import points, referrals, talk
from tests.flows.chat import buttons, words
from tests.flows.partner.conftest import make_cafe, user_id
from tests.loyalty_lab import new_key


async def visits(cafe, member, bill_minor=50_000):
    till = await user_id(cafe.shop, cafe.cashier)
    options = {"bill_minor": bill_minor, "key": new_key()}
    return await cafe.run(lambda conn: points.accrue(conn, cafe.id, member.id, till, **options))


async def rated(cafe, name, score, said=""):
    member = await cafe.client(name)
    visit = await visits(cafe, member)
    options = {"txn_id": visit.txn_id, "score": score, "words": said}
    await cafe.run(lambda conn: talk.rate(conn, cafe.id, member.user_id, **options))
    return member


async def test_marks_and_words_are_read_and_answered(cafe):
    await rated(cafe, "Анна", 10)
    await rated(cafe, "Борис", 3, "Долго & <b>дорого</b>")
    await cafe.owner.presses("Статистика")
    await cafe.owner.presses("Отзывы")
    await cafe.owner.sees("1\\. 🔴 3 · Борис.*«Долго & <b>дорого</b>».*2\\. 💚 10 · Анна")
    await cafe.owner.presses("1")
    await cafe.owner.sees("Борис.*Напишите ответ")


@pytest.mark.long
async def test_marks_are_ten_a_page(cafe):
    for number in range(11):
        await rated(cafe, f"Клиент{number}", number % 11)
    await cafe.owner.forges("marks:list")
    message = await cafe.owner.sees("10\\. .*Клиент1")
    assert "Клиент0" not in words(message)
    await cafe.owner.presses("Показать ещё")
    await cafe.owner.sees("1\\. 🔴 0 · Клиент0")


async def test_no_marks_explain_themselves(cafe):
    await cafe.owner.forges("marks:list:x:y")
    await cafe.owner.sees("Оценок пока нет")


async def test_a_cashier_reads_neither_marks_nor_invitations(cafe):
    for data in ("marks:list", "invites:list"):
        await cafe.cashier.forges(data)
        await cafe.cashier.sees("только управляющий или владелец")


async def arranged(cafe):
    """Let one client's three guests buy for the same sum at the same till: the third reward is held."""
    top = await cafe.client("Павел")
    for number in range(3):
        guest = await cafe.client(f"Гость{number}", invited_by=top)
        visit = await visits(cafe, guest, 100_000)
        await cafe.run(lambda conn, visit=visit: referrals.settle(conn, cafe.id, visit.txn_id))
    return top


@pytest.mark.long
async def test_what_looks_arranged_is_paid_once(cafe):
    top = await arranged(cafe)
    await cafe.owner.presses("Статистика")
    await cafe.owner.presses("Приглашения")
    await cafe.owner.presses("Павел ← Гость2 · 10")
    question = await cafe.owner.sees("Купил: Гость2, чек 1\u00a0000 ₽.*Награда: 10 баллов.*одинаковых чеков")
    await cafe.owner.presses("Начислить 10")
    await cafe.owner.sees("Награда начислена.*Решать нечего")
    assert (await cafe.balance(top)).pending == 30
    await cafe.owner.forges(buttons(question)["Не начислять"])
    await cafe.owner.sees("уже принято")
    assert (await cafe.balance(top)).pending == 30


async def test_what_looks_arranged_is_refused(cafe):
    top = await arranged(cafe)
    await cafe.owner.forges("invites:list")
    await cafe.owner.presses("Павел ← Гость2")
    await cafe.owner.presses("Не начислять")
    await cafe.owner.sees("Награда не начислена")
    assert (await cafe.balance(top)).pending == 20


async def test_another_shops_reward_is_not_found(cafe, staffer, newcomer, shop):
    other = await make_cafe(shop, await staffer("Зоя"), await staffer("Яна"), newcomer, title="Цветы")
    await arranged(other)
    [held] = await other.run(lambda conn: referrals.held(conn, other.id))
    for verb in ("one", "pay", "refuse"):
        await cafe.owner.forges(f"invites:{verb}:{held.receipt_id}.{held.level}")
        assert "Павел" not in words(await cafe.owner.last())
    assert len(await other.run(lambda conn: referrals.held(conn, other.id))) == 1


async def test_a_long_review_is_read_whole_and_the_next_ones_are_a_page_further(cafe):
    said = [f"{number} " + "очень длинный отзыв " * 49 + f"конец {number}" for number in range(5)]
    for number, words_ in enumerate(said):
        await rated(cafe, f"Клиент{number}", 5, words_)
    await cafe.owner.forges("marks:list")
    first = words(await cafe.owner.sees("конец 4"))
    assert [one for one in said if one in first] == said[2:]
    await cafe.owner.presses("Показать ещё")
    second = words(await cafe.owner.sees("конец 1"))
    assert [one for one in said if one in second] == said[:2]
