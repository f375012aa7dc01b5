import re

import pytest

from lib.loyalty import staff
from lib.office import shops
from tests.flows.chat import Chat, buttons, words
from tests.flows.partner.conftest import qr, user_id


async def invited(cafe, role="Пригласить кассира"):
    await cafe.owner.presses("Сотрудники")
    await cafe.owner.presses("Пригласить")
    await cafe.owner.presses(role)
    message = await cafe.owner.sees("Откройте ссылку")
    return re.search(r"\?start=(s_\S+)", words(message))[1]


@pytest.fixture
async def roman(staffer):
    return await staffer("Роман")


async def test_an_invitation_makes_a_cashier_of_one_person_once(cafe, roman, staffer):
    payload = await invited(cafe)
    await roman.says(f"/start {payload}")
    await roman.sees("в команде: Кофейня «Зерно». Ваша роль: кассир")
    eve = await staffer("Ева")
    await eve.says(f"/start {payload}")
    await eve.sees("уже использовали")
    await roman.presses("Открыть меню")
    message = await roman.sees("Кофейня «Зерно» · кассир")
    assert "Сотрудники" not in buttons(message)


async def test_an_invitation_into_a_suspended_shop_says_so_and_waits(cafe, roman):
    payload = await invited(cafe)
    await cafe.decide("blocked", "Жалобы")
    await roman.says(f"/start {payload}")
    await roman.sees("Магазин заблокирован, поэтому вступить в команду сейчас нельзя. Ссылка не потрачена")
    await cafe.decide("approved")
    await roman.says(f"/start {payload}")
    await roman.sees("в команде: Кофейня «Зерно»")


async def test_the_owner_of_a_suspended_shop_reads_why_nobody_can_be_invited(cafe):
    await cafe.decide("blocked", "Жалобы")
    for label in ("Сотрудники", "Пригласить"):
        await cafe.owner.presses(label)
    await cafe.owner.sees("Магазин заблокирован, поэтому приглашать в команду сейчас нельзя")


async def test_a_shop_that_is_suspended_meanwhile_has_no_link_made(cafe):
    for label in ("Сотрудники", "Пригласить"):
        await cafe.owner.presses(label)
    await cafe.decide("blocked", "Жалобы")
    await cafe.owner.presses("Пригласить кассира")
    await cafe.owner.sees("Магазин заблокирован, поэтому приглашать в команду сейчас нельзя")


async def test_the_team_reads_that_its_shop_is_shut_and_that_it_is_open_again(cafe):
    boss, till = [await user_id(cafe.shop, chat) for chat in (cafe.owner, cafe.cashier)]

    async def decide(**act):
        await cafe.run(lambda conn: shops.decide(conn, "partner", cafe.id, cafe.id, actor_id=boss, **act))
        await cafe.shop.drain_again()

    await decide(status="blocked", was="approved", reason="Жалобы", key=f"shut:{cafe.id}")
    await cafe.shop.finish("tell", till)
    await cafe.cashier.sees(
        "Кофейня «Зерно»: магазин заблокирован, начислять и списывать баллы сейчас нельзя. Когда он откроется"
    )
    await decide(status="approved", was="blocked", key=f"open:{cafe.id}")
    await cafe.shop.finish("tell", till, "done", "done")
    await cafe.cashier.sees("магазин снова работает, можно начислять и списывать баллы")
    await cafe.cashier.presses("Меню")
    await cafe.cashier.sees("Кофейня «Зерно» · кассир")


async def test_the_owner_hears_who_has_joined(cafe, roman):
    await roman.says(f"/start {await invited(cafe)}")
    await roman.sees("Вы в команде")
    await cafe.owner.sees("Роман теперь в команде. Роль: кассир")


async def test_a_stranger_with_an_invitation_consents_and_is_in(cafe, newcomer, shop):
    payload = await invited(cafe)
    roman = Chat(shop.http, "partner", (await newcomer(first_name="Роман")).user)
    await roman.says(f"/start {payload}")
    await roman.sees("согласие")
    await roman.presses("Принимаю")
    await roman.sees("Вы в команде")


@pytest.mark.parametrize("payload", ["s_1_forged", "s_999999_x", "s_", "s_1e9_a"])
async def test_a_forged_invitation_opens_nothing(roman, payload):
    await roman.says(f"/start {payload}")
    await roman.sees("ссылка не подходит|Лоток · Партнёр")


async def test_a_cashier_reaches_no_screen_of_a_manager(cafe):
    for data in ("team:list", "team:link:manager", "team:remove:1"):
        await cafe.cashier.forges(data)
        await cafe.cashier.sees("только управляющий или владелец")


async def test_whoever_is_let_go_hears_so_at_the_next_press(cafe):
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.owner.presses("Сотрудники")
    await cafe.owner.presses("Вера")
    await cafe.owner.presses("Убрать")
    await cafe.owner.sees("Убрать из команды: Вера")
    await cafe.owner.presses("Убрать")
    await cafe.owner.sees("Пока здесь только вы")
    await cafe.cashier.says("4567")
    await cafe.cashier.sees("больше не работаете в этом магазине")


async def test_a_manager_of_another_shop_is_nobody_here(cafe, staffer, newcomer, shop):
    from tests.flows.partner.conftest import make_cafe

    other = await make_cafe(shop, await staffer("Зоя"), await staffer("Яна"), newcomer, title="Цветы")
    await other.owner.says("/menu")
    await other.owner.forges(f"menu:shop:{cafe.id}")
    await other.owner.sees("Цветы · владелец")


@pytest.mark.long
async def test_one_person_at_two_shops_chooses(cafe, staffer, newcomer, shop):
    from tests.flows.partner.conftest import make_cafe

    await make_cafe(shop, cafe.owner, await staffer("Яна"), newcomer, title="Цветы")
    await cafe.owner.says("/cancel")
    await cafe.owner.presses("Сменить магазин")
    await cafe.owner.presses("Цветы")
    await cafe.owner.sees("Цветы · владелец")


@pytest.mark.long
async def test_a_cashier_is_put_into_a_city_and_its_promotion_counts_for_their_bills(cafe):
    await cafe.promotion("Двойные в Самаре", city="Самара", multiplier_bp=20_000)
    boris = await cafe.client("Борис")
    await cafe.owner.presses("Сотрудники")
    await cafe.owner.presses("Вера")
    await cafe.owner.sees("Город кассы: Казань")
    await cafe.owner.presses("Город кассы")
    message = await cafe.owner.sees("В каком городе обслуживает клиентов Вера.*По умолчанию — город магазина: Казань")
    assert [label for label in buttons(message) if label in ("• Казань", "Самара")] == ["• Казань", "Самара"]
    await cafe.owner.presses("Самара")
    await cafe.owner.sees("Город кассы сохранён.*Вера.*Город кассы: Самара")
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.says("1000")
    await cafe.cashier.sees("Двойные в Самаре")
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.sees("✅")
    assert (await cafe.balance(boris)).available == 100


@pytest.mark.long
async def test_a_city_is_typed_and_the_shops_own_is_not_written_down(cafe):
    await cafe.owner.presses("Сотрудники")
    await cafe.owner.presses("Вера")
    await cafe.owner.presses("Город кассы")
    for wrong in ("Ю", "А" * 61):
        await cafe.owner.says(wrong)
        await cafe.owner.sees("Нужно от 2 до 60 знаков.*В каком городе")
    await cafe.owner.says("  <b>Нижний\n Новгород</b> ")
    await cafe.owner.sees("Город кассы: <b>Нижний Новгород</b>")
    [row] = await cafe.shop.rows("select city from staff where partner_id = %s and role = 'cashier'", cafe.id)
    assert row["city"] == "<b>Нижний Новгород</b>"
    await cafe.owner.presses("Город кассы")
    await cafe.owner.says("казань")
    await cafe.owner.sees("Город кассы: Казань")
    [row] = await cafe.shop.rows("select city from staff where partner_id = %s and role = 'cashier'", cafe.id)
    assert row["city"] is None
    trail = "select before, after from loyalty_trail where partner_id = %s and action = 'staff.moved' order by id"
    assert [row["before"]["city"] for row in await cafe.shop.rows(trail, cafe.id)] == [None, "<b>Нижний Новгород</b>"]


@pytest.mark.long
async def test_a_manager_moves_cashiers_only_and_old_buttons_move_nobody(cafe, staffer):
    roman = await staffer("Роман")
    payload = await invited(cafe, "Пригласить управляющего")
    await roman.says(f"/start {payload}")
    await roman.presses("Открыть меню")
    await roman.presses("Сотрудники")
    await roman.presses("Вера")
    await roman.presses("Город кассы")
    old = await roman.sees("В каком городе")
    await roman.says("Омск")
    await roman.sees("Город кассы: Омск")
    await roman.presses("• Казань", on=old)
    await roman.sees("Сотрудники ·")
    for chat in (roman, cafe.owner):
        await roman.forges(f"team:city:{await user_id(cafe.shop, chat)}")
        await roman.says("Тула")
        await roman.sees("Управляющий может .* только кассиров.*Ничего не изменилось")
    rows = await cafe.shop.rows("select role, city from staff where partner_id = %s order by role", cafe.id)
    assert [(row["role"], row["city"]) for row in rows] == [("cashier", "Омск"), ("manager", None), ("owner", None)]


async def test_a_manager_neither_invites_a_manager_nor_lets_the_owner_go(cafe, staffer):
    roman = await staffer("Роман")
    await roman.says(f"/start {await invited(cafe, 'Пригласить управляющего')}")
    await roman.forges("team:link:manager")
    await roman.sees("Управляющий может .* только кассиров")
    await roman.forges(f"team:remove:{await user_id(cafe.shop, cafe.owner)}")
    assert "только кассиров" in roman.toast["text"]
    await roman.sees("Сотрудники ·")


async def test_an_owner_stays_and_whoever_is_gone_already_is_no_fault_of_the_owners(cafe):
    vera = await user_id(cafe.shop, cafe.cashier)
    await cafe.owner.presses("Сотрудники")
    await cafe.owner.forges(f"team:remove:{await user_id(cafe.shop, cafe.owner)}")
    assert "Владельца нельзя убрать" in cafe.owner.toast["text"]
    for _ in range(2):
        await cafe.owner.forges(f"team:remove:{vera}")
        assert "нельзя" not in (cafe.owner.toast or {}).get("text", "")
    await cafe.owner.sees("Пока здесь только вы")


async def test_an_owner_reads_that_the_shop_goes_with_their_data(cafe):
    await cafe.owner.says("/delete")
    await cafe.owner.sees("Закроется ваш магазин: Кофейня «Зерно»")
    await cafe.cashier.says("/delete")
    message = await cafe.cashier.sees("Удалить ваши данные")
    assert "магазин:" not in words(message)


async def test_a_manager_who_was_let_go_stays_outside(cafe, staffer):
    roman = await staffer("Роман")
    await roman.says(f"/start {await invited(cafe, 'Пригласить управляющего')}")
    await roman.presses("Открыть меню")
    await roman.presses("Сотрудники")
    await roman.presses("Пригласить")
    await roman.presses("Пригласить кассира")
    payload = re.search(r"\?start=(s_\S+)", words(await roman.sees("Откройте ссылку")))[1]
    await cafe.owner.forges(f"team:sure:{await user_id(cafe.shop, roman)}")
    await cafe.owner.presses("Убрать")
    await roman.says(f"/start {payload}")
    await roman.sees("ссылка больше не действует")


@pytest.mark.parametrize(
    ("role", "word"), [("Пригласить кассира", "кассир"), ("Пригласить управляющего", "управляющий")]
)
async def test_somebody_who_is_let_go_is_told_at_once(cafe, roman, role, word):
    await roman.says(f"/start {await invited(cafe, role)}")
    await roman.sees("Вы в команде")
    await cafe.owner.says("/menu")
    await cafe.owner.presses("Сотрудники")
    await cafe.owner.presses("Роман")
    await cafe.owner.presses("Убрать")
    await cafe.owner.presses("Убрать")
    await roman.sees(rf"Вы больше не работаете в магазине Кофейня «Зерно»: ваше место \({word}\) закрыли")
    await roman.says("/menu")
    await roman.sees("не работаете ни в одном магазине")


async def test_who_leaves_by_themselves_is_told_nothing(cafe):
    till = await user_id(cafe.shop, cafe.cashier)
    await cafe.run(lambda conn: staff.remove(conn, cafe.id, till, till))
    told = await cafe.shop.rows("select args from every_job where task = 'tell' and user_id = %s", till)
    assert [one["args"]["key"] for one in told] == []
