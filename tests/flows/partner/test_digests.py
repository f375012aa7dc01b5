"""The switches of a shop's digests, and the ways from a digest into the bot."""

from datetime import UTC, datetime, timedelta

from lib.jobs import table
from lib.loyalty import partners, staff
from lib.reach import choices, digests, periods
from tests.flows.chat import buttons
from tests.flows.partner.conftest import user_id


async def wanted(cafe, chat):
    who = await user_id(cafe.shop, chat)
    return await cafe.run(lambda conn: digests.wanted(conn, cafe.id, who))


async def test_an_owner_switches_digests_on_and_off(cafe):
    await cafe.owner.presses("Статистика")
    await cafe.owner.presses("Сводки")
    message = await cafe.owner.sees("Сводки · Кофейня «Зерно».*В 10 утра по часам магазина")
    assert [label for label in buttons(message) if label[0] in "✅⬜"] == [
        "⬜️ Каждый день",
        "✅ За неделю",
        "✅ За месяц",
    ]
    await cafe.owner.presses("Каждый день")
    assert "✅ Каждый день" in buttons(await cafe.owner.last())
    await cafe.owner.presses("За неделю")
    assert await wanted(cafe, cafe.owner) == ["day", "month"]
    await cafe.owner.presses("Назад")
    await cafe.owner.sees("Статистика · Кофейня")


async def test_a_digest_comes_and_opens_the_broadcast_that_it_suggests(cafe):
    member = await cafe.client("Борис")
    await cafe.run(lambda conn: choices.choose(conn, member.user_id, cafe.id, "news", wants=True, said_in="test"))
    week = periods.closed("week", datetime.now(UTC), "Europe/Moscow")
    joined = "update members set joined_at = %s where partner_id = %s and id = %s returning id"
    for one, at in ((member, week.since - timedelta(days=61)), (await cafe.client("Анна"), week.since)):
        await cafe.shop.rows(joined, at, cafe.id, one.id)
    await cafe.shop.rows("update partners set decided_at = %s where id = %s returning id", week.since, cafe.id)
    owner = await user_id(cafe.shop, cafe.owner)
    order = digests.order(cafe.id, owner, week)
    await cafe.run(lambda conn: table.create_free_jobs(conn, "digest", [order]))
    await cafe.shop.drain_again()
    await cafe.shop.finish("digest", owner)
    message = await cafe.owner.sees("Кофейня «Зерно» · неделя.*1 клиент не был у вас 60 дней")
    await cafe.owner.presses("Написать им", on=message)
    await cafe.owner.sees("кто не был 60 дн.*Получат сообщение: 1")


async def test_a_cashier_cannot_have_them(cafe):
    await cafe.cashier.forges("digests:home")
    await cafe.cashier.sees("управля")
    await cafe.cashier.forges(f"digests:set:{cafe.id}:day:on")
    assert await wanted(cafe, cafe.cashier) == ["week", "month"]


async def test_a_digests_button_of_a_shop_that_let_one_go_opens_no_other(cafe, staffer):
    roman = await staffer("Роман")
    boss, other = await user_id(cafe.shop, cafe.owner), await user_id(cafe.shop, roman)
    link = await cafe.run(lambda conn: staff.invite(conn, cafe.id, boss, "manager"))
    await cafe.run(lambda conn: staff.accept(conn, other, link))
    await roman.says("/menu")
    await roman.forges(f"digests:home:{cafe.id}")
    await roman.sees("Сводки · Кофейня")
    await roman.forges(f"digests:home:{cafe.id + 100_000}")
    await roman.sees("больше не работаете|не работаете")
    assert "Каждый день" not in str(await roman.last())


async def test_a_digests_buttons_are_of_its_own_shop_whichever_was_chosen_last(cafe):
    boss = await user_id(cafe.shop, cafe.owner)
    city = "Казань"
    other = await cafe.run(lambda conn: partners.apply(conn, boss, title="Бар", category="cafe", city=city))
    await cafe.shop.rows("update partners set status = 'approved' where id = %s returning id", other)
    await cafe.owner.forges(f"digests:home:{cafe.id}")
    first = await cafe.owner.sees("Сводки · Кофейня")
    await cafe.owner.says("/menu")
    await cafe.owner.forges(f"digests:home:{other}")
    await cafe.owner.sees("Сводки · Бар")
    await cafe.owner.presses("Каждый день", on=first)
    await cafe.owner.sees("Сводки · Кофейня")
    kinds = "select partner_id, digests from staff where user_id = %s"
    found = {row["partner_id"]: row["digests"] for row in await cafe.shop.rows(kinds, boss)}
    assert found == {cafe.id: ["day", "week", "month"], other: ["week", "month"]}
    await cafe.owner.forges(f"digests:home:{other}")
    await cafe.owner.forges(f"rules:edit:birthday_points:{cafe.id}")
    await cafe.owner.says("100")
    await cafe.owner.sees("Кофейня «Зерно»")
    given = "select birthday_points from partners where id = any(%s) order by id"
    assert [row["birthday_points"] for row in await cafe.shop.rows(given, [cafe.id, other])] == [100, 0]
