"""Choice by picture: the covers below the confirm screen, a number, the next page; late and forged ones are nothing."""

import io
import json

import pytest
from PIL import Image

from lib.drawing.cover.choice import DESIGNS
from tests.flows.chat import buttons, words
from tests.flows.studio.test_order import to_confirm
from tests.sizes import few


@pytest.fixture(scope="class")
async def strips(shop):
    async with shop.setting("STRIPS_A_DAY", "3"):
        yield


@pytest.mark.usefixtures("strips")
class TestStrip:
    async def test_a_cover_is_chosen_by_its_number_and_ordered(self, seller, photo, shop):
        confirm = await to_confirm(seller, photo)
        strip = await seller.sees("Нажмите номер")
        assert strip["message_id"] > confirm["message_id"]
        assert [label for label in buttons(strip) if label.isdecimal()] == ["1", "2", "3", "4"]
        wanted = buttons(strip)["3"].split(":")[2]
        await seller.presses("3", on=strip)
        assert "№ 3" in seller.toast["text"]
        below = await seller.sees("Обложка: № 3.*Цена: 1 кредит")
        assert below["message_id"] > strip["message_id"]
        assert confirm["message_id"] not in [one["message_id"] for one in await seller.messages()], "one screen"
        await seller.presses("2", on=strip)
        again = await seller.sees("Обложка: № 2")
        assert again["message_id"] == below["message_id"], "it is below the strip already"
        await seller.presses("3", on=strip)
        await seller.presses("Сделать")
        await seller.sees("Карточка готова")
        [job] = await shop.jobs(seller)
        assert (job["args"]["design"], job["args"]["variant"], job["price"]) == (wanted, 0, 1)
        assert wanted in DESIGNS
        await shop.settle(seller)
        await self._is_remembered(seller, photo, shop, wanted)

    async def _is_remembered(self, seller, photo, shop, wanted):
        """The seller's next order begins with it, and a press leaves the choice to us again."""
        await to_confirm(seller, photo, text="Кружка синяя\nДержит тепло")
        await seller.sees("Обложка: как вы выбрали раньше")
        strip = await seller.sees("№ 1 — обложка, которую вы выбрали раньше")
        assert buttons(strip)["1"].split(":")[2] == wanted
        await seller.presses("На ваш выбор", on=strip)
        assert "Обложка" not in words(await seller.sees("Кружка синяя.*Цена: 1 кредит"))

    async def test_the_next_covers_come_in_the_same_message(self, seller, photo, shop):
        await to_confirm(seller, photo)
        strip = await seller.sees("Нажмите номер")
        await seller.presses("Показать ещё", on=strip)
        user = (await shop.jobs_of(seller, "strip"))[0]["user_id"]
        await shop.finish("strip", user, "done", "done")
        turned = await seller.message_with("Показать ещё")
        assert turned["message_id"] == strip["message_id"]
        assert {"5", "6", "7", "8"} <= set(buttons(turned))
        assert "возьму № 1" in words(turned)
        picture = Image.open(io.BytesIO(await shop.download(turned["photo"][-1]["file_id"])))
        assert picture.width < 1200

    async def test_the_next_covers_speak_of_the_one_that_was_chosen(self, seller, photo, shop):
        await to_confirm(seller, photo)
        strip = await seller.sees("Нажмите номер")
        await seller.presses("2", on=strip)
        await seller.presses("Показать ещё", on=strip)
        user = (await shop.jobs_of(seller, "strip"))[0]["user_id"]
        await shop.finish("strip", user, "done", "done")
        turned = await seller.sees("Сейчас выбран № 2")
        assert turned["message_id"] == strip["message_id"]
        assert "возьму" not in words(turned)

    @pytest.mark.long
    async def test_a_finished_card_gets_another_cover(self, seller, photo, shop):
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        await seller.sees("Файл в полном качестве")
        await seller.presses("Другая обложка")
        strip = await seller.sees("Другие обложки")
        wanted = buttons(strip)["2"].rpartition(":")[2]
        await seller.presses("2", on=strip)
        await seller.presses("2", on=strip)
        assert "Уже сделано" in seller.toast["text"]
        await shop.settle(seller)
        [first, second] = await shop.jobs(seller)
        assert (second["args"]["design"], second["args"]["mends"], second["price"]) == (wanted, first["id"], 0)
        assert second["args"]["title"] == first["args"]["title"]
        await seller.presses("Другая обложка")
        await shop.finish("strip", second["user_id"], "done", "done", "done")
        strip = await seller.message_with("1")
        assert not [data for data in buttons(strip).values() if data.endswith(f":{wanted}")], "the card has it"
        await seller.forges(f"order:redesigned:{second['id']}:{wanted}")
        assert "уже стоит" in seller.toast["text"]
        assert len(await shop.jobs(seller)) == 2

    async def test_the_next_covers_asked_for_twice_are_drawn_once(self, seller, photo, shop):
        await to_confirm(seller, photo)
        strip = await seller.sees("Нажмите номер")
        args = (await shop.jobs_of(seller, "strip"))[0]["args"]
        await self._is_asked_for(seller, shop, args | {"page": 1, "message_id": strip["message_id"]})
        await seller.presses("Показать ещё", on=strip)
        assert "Уже рисую" in seller.toast["text"]
        assert len(await shop.jobs_of(seller, "strip")) == 2
        await shop.rows("update jobs set created_at = now() - interval '3 minutes' where task = 'strip' returning id")
        await seller.presses("Показать ещё", on=strip)
        assert "Рисую другие" in seller.toast["text"], "that one would be dropped"

    async def _is_asked_for(self, seller, shop, args):
        """Let a strip wait for its turn, for as long as the test runs."""
        [user] = await shop.rows("select id from users where tg_id = %s", seller.user["id"])
        row = "insert into jobs (user_id, task, key, args, run_at) values (%s, 'strip', %s, %s::jsonb, now() + interval"
        key = f"strip:waits:{seller.user['id']}"
        await shop.rows(f"{row} '1 hour') returning id", user["id"], key, json.dumps(args))

    async def test_a_strip_that_was_dropped_comes_when_its_words_are_seen_again(self, seller, photo, shop):
        await to_confirm(seller, photo)
        strip = await seller.sees("Нажмите номер")
        await seller.presses("На ваш выбор", on=strip)
        await seller.sees("Цена: 1 кредит")
        assert len(await shop.jobs_of(seller, "strip")) == 1, "it was shown"
        done = """update job_history set checkpoint = '{"late": true}' where id = %s returning id"""
        job = (await shop.jobs_of(seller, "strip"))[0]
        await shop.rows(done, job["id"])
        await seller.presses("На ваш выбор", on=strip)
        await shop.finish("strip", job["user_id"], "done", "done")
        assert (await seller.message_with("На ваш выбор"))["message_id"] > strip["message_id"]

    @pytest.mark.long
    async def test_a_number_of_other_words_changes_nothing(self, seller, photo):
        await to_confirm(seller, photo)
        strip = await seller.sees("Нажмите номер")
        await seller.says("Кружка другая")
        await seller.sees("Кружка другая.*Цена: 1 кредит")
        await seller.presses("2", on=strip)
        assert "для прежних слов" in seller.toast["text"]
        assert "Обложка" not in words(await seller.message_with("Сделать"))

    @pytest.mark.long
    async def test_a_number_pressed_after_the_order_says_where_its_cover_is_changed(self, seller, photo):
        await to_confirm(seller, photo)
        strip = await seller.sees("Нажмите номер")
        await seller.presses("Сделать")
        await seller.sees("Файл в полном качестве")
        await seller.presses("2", on=strip)
        assert "«Другая обложка»" in seller.toast["text"]

    @pytest.mark.long
    async def test_no_more_are_drawn_than_a_day_may_have(self, seller, photo, shop):
        await to_confirm(seller, photo)
        for title in ("Кружка вторая", "Кружка третья", "Кружка четвёртая"):
            await seller.says(title)
            await seller.sees(f"{title}.*Цена: 1 кредит")
        assert len(await shop.jobs_of(seller, "strip")) == 3


async def test_more_than_a_day_may_have_is_said(seller, photo, shop):
    async with shop.setting("STRIPS_A_DAY", "1"):
        await to_confirm(seller, photo)
        strip = await seller.sees("Нажмите номер")
        await seller.presses("Показать ещё", on=strip)
    assert "На сегодня образцов достаточно" in seller.toast["text"]


@pytest.mark.parametrize(
    "forged", few(["order:design:../x::9", "order:design:bleed:0123456789:1", "order:covers:1:"], 1)
)
async def test_a_forged_choice_changes_nothing(seller, photo, shop, forged):
    await to_confirm(seller, photo)
    before = await shop.state(seller)
    await seller.forges(forged)
    assert (await shop.state(seller))["data"]["draft"] == before["data"]["draft"]
    assert await shop.jobs_of(seller, "strip") == []


async def test_a_strip_that_comes_too_late_is_dropped(seller, photo, shop):
    """Its stamp is of other words than those of the screen."""
    await to_confirm(seller, photo)
    shown = await seller.messages()
    draft = (await shop.state(seller))["data"]["draft"]
    args = {"bot": "studio", "chat": seller.user["id"], "language": "ru", "preset": "wb", "title": "Другое"}
    args |= {"file_id": draft["file_id"]}
    [user] = await shop.rows("select id from users where tg_id = %s", seller.user["id"])
    made = "insert into jobs (user_id, task, key, args, turn) values (%s, 'strip', %s, %s::jsonb, 1) returning id"
    await shop.rows(made, user["id"], f"strip:{seller.user['id']}", json.dumps(args))
    await shop.drain_again()
    await shop.finish("strip", user["id"])
    assert len(await seller.messages()) == len(shown)
    assert (await shop.jobs_of(seller, "strip"))[0]["checkpoint"] == {"late": True}, "it may be asked for again"
