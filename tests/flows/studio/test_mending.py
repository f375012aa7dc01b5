"""A finished card gets other words, free, three times; a bad result is made once more, and then the credits go back."""

import json
from dataclasses import replace

import pytest

from lib import db
from lib.tasks import notice
from lib.telegram import client
from tests import factories
from tests.flows.chat import buttons, words
from tests.flows.studio.test_order import to_confirm


@pytest.fixture
async def card(seller, photo, shop):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.sees("Файл в полном качестве")
    await shop.settle(seller)
    return await seller.message_with("Изменить слова")


async def redrawn(seller, shop, number):
    await shop.settle(seller)
    await seller.sees("Файл в полном качестве")
    jobs = await shop.jobs(seller)
    assert [job["price"] for job in jobs] == [1, *[0] * number]
    return jobs[-1]


async def as_if_ordered(shop, seller, args, checkpoint=None):
    """Change what the seller's card was ordered as, and what its worker noted; return its row."""
    return await shop.rows(
        "update job_history set args = args || %s::jsonb, checkpoint = checkpoint || %s::jsonb"
        " where user_id = (select id from users where tg_id = %s) and task = 'card' returning id",
        json.dumps(args),
        json.dumps(checkpoint or {}),
        seller.user["id"],
    )


async def test_words_are_changed_free_three_times(seller, card, shop):
    await seller.presses("Изменить слова", on=card)
    form = await seller.sees("Кружка керамическая\nДержит тепло.*осталось: 3")
    assert buttons(form)["Назад"] == f"history:open:{(await shop.jobs(seller))[0]['id']}"
    await seller.says("Кружка синяя\nСкидка 50%")
    await seller.sees("Скидка")
    assert len(await shop.jobs(seller)) == 1, "the marketplace would refuse it"
    await seller.says("Кружка синяя\nЛёгкая")
    job = await redrawn(seller, shop, 1)
    [first, _] = await shop.jobs(seller)
    assert (job["args"]["title"], job["args"]["benefits"]) == ("Кружка синяя", ["Лёгкая"])
    assert (job["args"]["mends"], job["args"]["source"]) == (first["id"], first["checkpoint"]["source"])
    changed = await seller.message_with("Изменить слова")
    assert form["message_id"] < changed["message_id"], "the new card is below"
    assert buttons(changed)["Вырезать иначе"] == f"order:recut:{job['id']}", "and is cut with its own words"
    for number, title in ((2, "Кружка белая"), (3, "Кружка чёрная")):
        await seller.presses("Изменить слова")  # on the card that is mended already
        await seller.sees(f"осталось: {4 - number}")
        await seller.says(title)
        await redrawn(seller, shop, number)
    await seller.presses("Изменить слова", on=card)
    assert "уже было 3 бесплатные правки" in seller.toast["text"]
    assert await shop.balance(seller) == 1


@pytest.mark.long
async def test_fewer_words_than_a_set_has_slides_are_refused(seller, card, shop):
    items = {"item1": {"by": "local:card"}, "item2": {"by": "local:card"}}
    await as_if_ordered(shop, seller, {"product": "set", "count": 3}, items)
    await seller.presses("Изменить слова", on=card)
    await seller.says("Кружка")
    await seller.sees("В этом наборе 3 слайда.*не меньше 1")
    assert len(await shop.jobs(seller)) == 1


@pytest.mark.long
async def test_the_way_back_from_the_form_leads_to_the_result_and_forgets_the_form(seller, card, shop):
    await seller.presses("Изменить слова", on=card)
    await seller.presses("Назад")
    await seller.sees("Заказ №.*Кружка керамическая.*Готов")
    await seller.says("Чашка")
    assert "Чашка" in words(await seller.sees("Чашка|Перерисовываю"))
    assert len(await shop.jobs(seller)) == 1, "the words belong to the next order"


@pytest.mark.long
async def test_new_words_that_are_delivered_twice_are_drawn_once(seller, card, shop):
    await seller.presses("Изменить слова", on=card)
    await seller.says("Кружка синяя")
    await shop.replay(seller, seller.update_ids[0], times=2)
    await redrawn(seller, shop, 1)


@pytest.mark.long
async def test_without_its_photo_a_card_cannot_be_redrawn(seller, card, shop):
    [job] = await shop.jobs(seller)
    await shop.rows("delete from files where job_id = %s and kind = 'source' returning id", job["id"])
    await seller.presses("Изменить слова", on=card)
    assert "фото этого заказа уже нет" in seller.toast["text"]


async def test_a_bad_result_is_made_once_more_and_then_refunded(seller, card, shop):
    await seller.presses("Плохой результат", on=card)
    asked = await seller.sees("Что не так с результатом.*1 кредит")
    async with shop.without_worker():
        await seller.presses("Плохо вырезан товар", on=asked)
        await seller.sees("Спасибо, что сказали")
        await seller.presses("Плохой результат", on=card)
        assert "ещё переделывается" in seller.toast["text"], "nobody can judge what is not there yet"
    await redrawn(seller, shop, 1)
    await seller.presses("Плохо вырезан товар", on=asked)
    assert len(await shop.jobs(seller)) == 2, "once more, not again and again"
    await seller.presses("Плохой результат")  # on the second result
    offered = await seller.sees("уже переделан один раз")
    assert await shop.balance(seller) == 1
    await seller.presses("Вернуть 1 кредит", on=offered)
    assert "На балансе: 2 кредита" in words(await seller.sees("Вернули 1 кредит"))
    await seller.presses("Вернуть 1 кредит", on=offered)
    await seller.presses("Плохой результат", on=card)
    assert "уже возвращены" in seller.toast["text"]
    await seller.presses("Изменить слова", on=card)
    assert "правок у него больше нет" in seller.toast["text"]
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "charge", "refund"]
    for job, state in zip(await shop.jobs(seller), ("Готов", "Готова"), strict=True):
        await seller.says("/history")
        await seller.presses(f"№{job['id']}")
        await seller.sees(rf"{state}\..*Кредиты за заказ возвращены")


@pytest.mark.long
async def test_a_photo_that_is_never_cut_is_not_called_badly_cut(seller, card, shop):
    await as_if_ordered(shop, seller, {"preset": "classified"})
    await seller.presses("Плохой результат", on=card)
    asked = await seller.sees("Что не так с результатом")
    assert {"Это не мой товар", "Другое"} <= set(buttons(asked))
    assert "Плохо вырезан товар" not in buttons(asked)


@pytest.mark.long
async def test_a_batch_that_would_come_out_the_same_is_spoken_of_as_many_photos(seller, card, shop):
    batch = {"product": "batch", "preset": "white", "photos": ["a", "b"], "count": 2}
    await as_if_ordered(shop, seller, batch, {"earned": 1})
    await seller.presses("Плохой результат", on=card)
    await seller.presses("Плохо вырезан товар")
    await seller.sees("с этих фото не получится.*верну 1 кредит")


@pytest.mark.long
async def test_a_cut_that_would_come_out_the_same_is_refunded_at_once(seller, card, shop):
    made = {"item0": {"by": "local:card", "files": {"note": ["cutout only"]}}}
    [job] = await as_if_ordered(shop, seller, {"preset": "clear"}, made)
    await seller.presses("Плохой результат", on=card)
    await seller.presses("Плохо вырезан товар")
    await seller.sees("вышло бы то же самое.*верну 1 кредит")
    await seller.presses("Вернуть 1 кредит")
    assert "На балансе: 2 кредита" in words(await seller.sees("Вернули 1 кредит"))
    assert [one["id"] for one in await shop.jobs(seller)] == [job["id"]], "it is not made once more"


@pytest.mark.long
async def test_a_scene_with_the_only_cut_that_there_is_is_refunded_at_once(seller, card, shop):
    made = {"item0": {"by": "local:background", "files": {"note": ["cutout"]}}}
    [row] = await as_if_ordered(shop, seller, {"product": "background", "scene": "wood"}, made)
    only = {"verdict": "sure", "ways": ["network", "framed"], "alone": ["network"], "white": True}
    await shop.rows("update job_history set checkpoint = %s where task = 'cut' returning id", json.dumps(only))
    await seller.presses("Плохой результат", on=card)
    await seller.presses("Плохо вырезан товар")
    shown = await seller.sees("вышло бы то же самое.*верну 1 кредит")
    assert f"order:back:{row['id']}" in buttons(shown).values(), "another scene would have the same cut"
    assert len(await shop.jobs(seller)) == 1


@pytest.mark.long
async def test_a_mended_result_that_is_bad_keeps_its_words(seller, card, shop):
    await seller.presses("Изменить слова", on=card)
    await seller.says("Кружка синяя")
    await redrawn(seller, shop, 1)
    await seller.presses("Плохой результат")
    await seller.presses("Слова или оформление")
    job = await redrawn(seller, shop, 2)
    [first, *_] = await shop.jobs(seller)
    assert (job["args"]["title"], job["args"]["variant"]) == ("Кружка синяя", 1)
    assert (job["args"]["mends"], job["key"]) == (first["id"], f"redo:{first['id']}")


async def test_another_persons_result_is_neither_changed_nor_refunded(card, newcomer, seller, shop):
    [job] = await shop.jobs(seller)
    mallory = await newcomer(first_name="Mallory", consent=True)
    forged = ("reword", "redesign", "redesigned", "bad", "wrong", "back")
    for action in forged:
        await mallory.forges(f"order:{action}:{job['id']}:cut")
        assert "не действует" in mallory.toast["text"]
    assert not await shop.jobs(mallory)
    assert buttons(card)


async def test_a_result_in_another_variant_may_have_the_cover_that_was_chosen_first(card, seller, shop):
    [order] = await as_if_ordered(shop, seller, {"design": "bento", "variant": 1})
    async with shop.without_worker():
        await seller.forges(f"order:redesigned:{order['id']}:bento")
    [_, drawn] = await shop.jobs(seller)
    assert (drawn["args"]["design"], drawn["args"].get("variant") or 0) == ("bento", 0)


async def told(conn, mend, monkeypatch):
    """Return what the notice of a failed free change says, and the data of its buttons."""
    said = []

    async def edit(_, message_id, words, keyboard=None):
        said.append((words, [button.data for row in keyboard or [] for button in row]))
        return True

    monkeypatch.setattr(client.Chat, "edit", edit)
    monkeypatch.setattr(db, "run", lambda work: work(conn))
    await notice._tell_of_order(mend)
    return said[-1]


@pytest.mark.parametrize(
    ("language", "refund", "kept"),
    [
        ("ru", "Кредиты за него можно вернуть", "остался как был"),
        ("en", "You can have its credits back", "stays as it was"),
    ],
)
async def test_a_free_change_that_fails_names_the_way_on(conn, make_user, monkeypatch, language, refund, kept):
    alice = await make_user(credits=5)
    paid = await factories.make_job(conn, alice, price=2, args={"chat_id": 7})
    args = {"bot": "studio", "chat_id": 7, "message_id": 3, "language": language, "mends": paid.id}
    for key, sentence, ways in (
        (f"redo:{paid.id}", refund, [f"order:back:{paid.id}", f"history:open:{paid.id}", "menu:home"]),
        ("mend:studio:5", kept, [f"history:open:{paid.id}", "menu:home"]),
    ):
        mend = await factories.make_job(conn, alice, key=key, args=args)
        words, data = await told(conn, replace(mend, state="failed", error_code="internal"), monkeypatch)
        assert sentence in words
        assert data == ways
