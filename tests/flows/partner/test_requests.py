"""Requests at the counter: a notice with its steps, two of the staff at once, the list, and what the shop takes."""

import pytest

from lib.assistant import pushes, requests
from lib.loyalty import partners
from lib.menu import versions
from tests.assistant.request_lab import ANSWERS, BUN
from tests.flows.chat import buttons
from tests.flows.partner.conftest import make_cafe, user_id


@pytest.fixture
async def orders(cafe):
    """Let a client send requests for one bun: `await orders(boris)`."""
    owner = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: versions.publish(conn, cafe.id, owner, (BUN,), seen=0))

    async def send(boris, **said):
        async def work(conn):
            await requests.put(conn, cafe.id, boris.user_id, (1, 1, 1))
            draft = await requests.answer(conn, cafe.id, boris.user_id, **{**ANSWERS, **said})
            return await pushes.place(conn, cafe.id, boris.user_id, draft.id, edition=draft.edition)

        request, _ = await cafe.run(work)
        await cafe.shop.drain_again()
        waiting = "select id from jobs where task = 'tell' and key like %s"

        async def told():
            return [not await cafe.shop.rows(waiting, f"tell:request:new:{cafe.id}:{request.id}:%")]

        await cafe.shop.ticks_until(told, all)
        return request

    return send


async def test_a_notice_is_the_card_on_which_the_staff_move_the_request(cafe, orders):
    boris = await cafe.client()
    await orders(boris, comment="без <лука>")
    notice = await cafe.owner.sees(r"Заявка № 1.*1 × Булочка — 90\s₽.*Борис, \+79001234567.*без <лука>")
    others = await cafe.cashier.sees("Заявка № 1")
    await cafe.owner.presses("Принять", on=notice)
    await cafe.owner.sees(r"Сейчас: принята.*принята · Глеб")
    await cafe.cashier.presses("Принять", on=others)
    assert cafe.cashier.toast["text"] == "Заявка уже принята: Глеб"
    await cafe.cashier.sees("Сейчас: принята")
    await cafe.cashier.presses("Готово")
    await cafe.cashier.presses("Выдали")
    done = await cafe.cashier.sees("Сейчас: выполнена.*выполнена · Вера")
    assert not {"Принять", "Готово", "Выдали", "Отменить"} & {*buttons(done)}
    assert [one["key"] for one in await cafe.told(boris)] == [
        "request.told.accepted",
        "request.told.ready_pickup",
        "request.told.done",
    ]


@pytest.mark.long
async def test_the_staff_say_when_it_will_be_ready_with_the_same_press(cafe, orders):
    boris = await cafe.client()
    request = await orders(boris)
    notice = await cafe.owner.sees("Заявка № 1")
    await cafe.owner.forges(f"requests:move:{cafe.id}:{request.id}:cancelled:30")  # minutes are no reason
    await cafe.owner.sees("Сейчас: отменена")
    await orders(boris)
    notice = await cafe.owner.sees("Заявка № 2")
    await cafe.owner.presses("Через полчаса", on=notice)
    card = await cafe.owner.sees(r"Сейчас: принята.*Обещали через 30 мин")
    assert "Через полчаса" not in buttons(card)
    assert [one["key"] for one in await cafe.told(boris)] == ["request.told.cancelled", "request.told.accepted_in"]


async def test_a_refusal_has_a_reason_pressed_or_typed_that_the_client_reads(cafe, orders):
    boris = await cafe.client()
    await orders(boris)
    await cafe.owner.presses("Отказать")
    await cafe.owner.sees("Почему отменяем заявку № 1")
    await cafe.owner.presses("Нет в наличии")
    await cafe.owner.sees("Сейчас: отменена.*Причина: нет в наличии")
    await orders(boris)
    await cafe.owner.sees("Заявка № 2")
    await cafe.owner.presses("Отказать")
    await cafe.owner.says("я" * 201)
    await cafe.owner.sees("Слишком длинно.*200.*Почему отменяем заявку № 2")
    await cafe.owner.says("Печь сломалась & ждём мастера")
    await cafe.owner.sees("Сейчас: отменена.*Печь сломалась & ждём мастера")
    told = await cafe.told(boris)
    assert [one["key"] for one in told] == ["request.told.cancelled_why"] * 2


@pytest.mark.long
async def test_the_list_has_the_states_as_tabs_and_another_shops_request_is_not_found(
    cafe, orders, staffer, newcomer, shop
):
    boris = await cafe.client()
    request = await orders(boris)
    await cafe.cashier.says("/menu")
    await cafe.cashier.presses("Заявки")
    await cafe.cashier.sees("Заявки · Кофейня.*Новые")
    await cafe.cashier.presses("№ 1 · Борис")
    await cafe.cashier.presses("Принять")
    await cafe.cashier.presses("Назад")
    assert any("№ 1" in label for label in buttons(await cafe.cashier.sees("В работе")))
    await cafe.cashier.presses("Отменённые")
    await cafe.cashier.sees("Здесь пусто")
    other = await make_cafe(shop, await staffer("Зоя"), await staffer("Яна"), newcomer, title="Цветы")
    await other.owner.says("/menu")
    for data in (f"requests:move:{cafe.id}:{request.id}:ready", f"requests:one:{other.id}:{request.id}"):
        await other.owner.forges(data)
    assert (await cafe.run(lambda conn: requests.get(conn, cafe.id, request.id))).state == "accepted"


async def test_those_who_manage_say_what_requests_the_shop_takes(cafe):
    await cafe.cashier.forges("terms:on:0")
    await cafe.cashier.sees("управля|владел")
    await cafe.owner.forges("terms:home")
    await cafe.owner.sees("Заявки: принимаем.*только самовывоз.*Сумма: любая")
    await cafe.owner.presses("Доставляем")
    await cafe.owner.presses("Наименьшая сумма")
    await cafe.owner.says("пятьсот")
    await cafe.owner.sees("Не понял сумму")
    await cafe.owner.says("500")
    await cafe.owner.presses("Пояснение")
    await cafe.owner.says("Доставка 200 ₽")
    await cafe.owner.sees(r"самовывоз и доставка.*500\s₽.*Доставка 200 ₽")
    await cafe.owner.presses("Не принимать")
    await cafe.owner.sees("Заявки: не принимаем")
    wanted = requests.RequestTerms(is_on=False, delivers=True, least_minor=50000, note="Доставка 200 ₽")
    assert await cafe.run(lambda conn: requests.terms(conn, cafe.id)) == wanted
    assert (await cafe.run(lambda conn: partners.get(conn, cafe.id))).status == "approved"
