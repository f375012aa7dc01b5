"""Who will make an order, at which price: known before it is paid for, and said truly."""

import re
from datetime import timedelta
from typing import Any

import pytest

from lib import config, db
from lib.flows.studio import order
from lib.flows.studio.order import draft as drafts
from lib.jobs import table
from lib.studio import spending
from lib.telegram import conversation
from lib.telegram.dispatch import Turn
from lib.telegram.update import Incoming, Sender
from tests import factories
from tests.flows.studio.test_proposal import Paper

ALICE = Sender(7, "Алиса", "", "", "ru")
CLIP = {"file_id": "f", "title": "Кружка", "product": "video5", "template": "broll", "wishes": ""}
CARD = {"file_id": "f", "title": "Кружка", "product": "card", "preset": "wb", "wishes": ""}
BY = {"actor": "ops:test", "reason": "test"}


@pytest.fixture
async def alice(database, monkeypatch):
    """A seller of a shop whose models are KIE's."""
    monkeypatch.setenv("KIE_API_KEY", "key-number-one,key-number-two")
    config.get.cache_clear()
    async with database.connect() as conn:
        user = await factories.make_user(conn, credits=10)
    yield conversation.State("order:confirm", {}, {"id": user.id, "language": "ru", "consent": True})
    monkeypatch.undo()
    config.get.cache_clear()


class Screen:
    """What a seller reads and presses."""

    def __init__(self, state: Any) -> None:
        self.state, self.chat, self.opened = state, Paper("studio", 7), 0

    async def opens(self, draft: dict[str, Any]) -> None:
        self.opened += 1
        self.state.data = {"draft": dict(draft), "screen": self.opened}
        await self.does("order:resume")

    async def does(self, data: str) -> None:
        came = Incoming(1, person=ALICE, kind="press", text=data, message_id=self.state.data.get("screen", self.opened))
        await order.handle(Turn(came, self.state, self.chat))

    @property
    def text(self) -> str:
        return re.sub("<[^>]*>", "", self.chat.said[-1][0])

    @property
    def buttons(self) -> dict[str, str]:
        return {button.label: button.data for row in self.chat.said[-1][1] for button in row}


@pytest.fixture
def screen(alice) -> Screen:
    return Screen(alice)


async def spend(budget: int = 0) -> None:
    await db.run(lambda conn: spending.set_daily_limit(conn, "kie", budget, **BY))


async def placed(state):
    return (await db.run(lambda conn: table.get_user_jobs(conn, state.who["id"])))[0]


async def test_a_model_that_can_be_asked_makes_a_clip_at_its_price(screen):
    await screen.opens(CLIP)
    assert "Цена: 4 кредита" in screen.text
    assert "Сцену и движение придумает нейросеть" in screen.text
    assert "без нейросети" not in screen.text
    await screen.does("order:confirm")
    job = await placed(screen.state)
    assert (job.price, job.args["maker"]) == (4, "model"), "nothing cheaper is sold in its place"


async def test_a_spent_budget_is_said_before_the_order_and_our_own_clip_has_its_own_price(screen):
    await spend()
    await screen.opens(CLIP)
    assert "Нейросеть на сегодня исчерпала свой лимит расходов. Сделаю сам" in screen.text
    assert "Цена: 2 кредита" in screen.text
    assert screen.buttons["⏳ Ждать · 4 кредита"] == "order:maker:model"
    await screen.does("order:confirm")
    job = await placed(screen.state)
    assert (job.price, job.args["maker"]) == (2, "own")


async def test_a_seller_can_wait_for_the_model_at_the_full_price_or_change_their_mind(screen):
    await spend()
    await screen.opens(CLIP)
    await screen.does("order:maker:model")
    assert "Заказ подождёт её не дольше суток" in screen.text
    assert "Цена: 4 кредита" in screen.text
    await screen.does("order:maker:own")
    assert "Цена: 2 кредита" in screen.text
    await screen.does("order:maker:model")
    await screen.does("order:confirm")
    job = await placed(screen.state)
    assert (job.price, job.args["maker"]) == (4, "model")


async def test_a_budget_spent_or_freed_between_the_screen_and_the_press_is_shown_anew(screen):
    await screen.opens(CLIP)
    await spend()
    await screen.does("order:confirm")
    assert "Цена: 2 кредита" in screen.text
    await spend(50_000)
    await screen.does("order:confirm")
    assert "Цена: 4 кредита" in screen.text
    assert await db.run(lambda conn: table.get_user_jobs(conn, screen.state.who["id"])) == []


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("money", "Нейросеть временно отключена"),
        ("share", "суточная доля одного человека закончилась"),
    ],
)
async def test_the_true_cause_is_named(screen, cause, words):
    user_id = screen.state.who["id"]
    if cause == "money":
        for account in config.get().accounts["kie"]:
            await db.run(lambda conn, one=account: spending.pause(conn, "kie", timedelta(1), "money", one))
    else:
        query = (
            "insert into provider_calls (job_id, user_id, item, step, provider, model, cost)"
            " values (-1, %s, 0, 'main', 'kie', 'm', 9999)"
        )
        await db.run(lambda conn: conn.execute(query, (user_id,)))
    await screen.opens(CARD)
    assert words in screen.text
    assert "Цена: 1 кредит" in screen.text


async def test_terms_that_changed_at_the_same_price_are_not_called_a_new_price(screen):
    await screen.opens(CARD)
    await spend()
    await screen.does("order:confirm")
    assert "Условия только что изменились" in screen.text


async def test_one_key_that_rests_changes_nothing_for_the_seller(screen):
    one = config.get().accounts["kie"][0]
    await db.run(lambda conn: spending.pause(conn, "kie", timedelta(1), "money", one))
    await screen.opens(CARD)
    assert "Картинку нарисует нейросеть" in screen.text
    assert "ℹ️" not in screen.text, "nothing is in its way"


async def test_a_provider_that_is_away_for_seconds_is_waited_for(screen):
    await db.run(lambda conn: spending.pause(conn, "kie", timedelta(seconds=20), "down"))
    await screen.opens(CARD)
    assert "Картинку нарисует нейросеть" in screen.text
    assert "ℹ️" not in screen.text, "nothing is in its way"


async def test_scenes_of_life_are_offered_where_a_model_fills_them(screen, monkeypatch):
    scene = {"file_id": "f", "title": "Кружка", "product": "background", "wishes": ""}
    await screen.opens(scene)
    assert {"Дома", "На улице", "С людьми", "Студия"} <= screen.buttons.keys()
    await screen.does("order:scene:people")
    assert "Сцену вокруг придумает нейросеть" in screen.text
    monkeypatch.delenv("KIE_API_KEY")
    config.get.cache_clear()
    await screen.opens(scene)
    assert "Студия" in screen.buttons
    assert screen.buttons.keys().isdisjoint({"Дома", "На улице", "С людьми"})


async def test_a_scene_of_life_that_no_model_can_make_now_is_said_to_be_another(screen):
    await spend()
    await screen.opens({"file_id": "f", "product": "background", "scene": "people", "wordless": True, "wishes": ""})
    assert "поставлю товар в сцену «Студия»" in screen.text
    assert "придумает" not in screen.text


async def test_what_is_ours_anyway_names_no_model(screen):
    await spend()
    await screen.opens({**CARD, "preset": "classified"})
    assert "ейросеть" not in screen.text


async def test_the_confirm_screen_asks_neon_once(screen, monkeypatch):
    asked = []
    execute = db.Query._execute

    async def counted(query, *args):
        asked.append(query.name)
        return await execute(query, *args)

    monkeypatch.setattr(db.Query, "_execute", counted)
    await screen.opens(CLIP)
    assert asked == ["offer"]


def test_an_order_that_names_nobody_is_made_by_whoever_can():
    assert drafts.makers.left("card", "classified", "")[-1].provider == "local"


@pytest.mark.parametrize(("maker", "providers"), [("own", {"local"}), ("model", {"kie"}), ("", {"kie", "local"})])
def test_only_who_was_ordered_is_asked(alice, maker, providers):
    assert {offer.provider for offer in drafts.makers.left("video5", "", maker)} == providers


async def test_an_order_that_costs_already_is_not_stopped_without_end(screen, monkeypatch):
    said = []

    async def answer(chat, press_id, text="", *, alert=False):
        said.append(text)

    monkeypatch.setattr(Paper, "answer", answer)
    user_id = screen.state.who["id"]
    call = (
        "insert into provider_calls (job_id, user_id, item, step, provider, model, cost)"
        " select %s, %s, n, 'main', 'kie', 'm', 40 from generate_series(1, 3) n"
    )
    for _ in range(2):
        await screen.opens(CARD)
        await screen.does("order:confirm")
        job = await placed(screen.state)
        await db.run(lambda conn, one=job: conn.execute(call, (one.id, user_id)))
        await screen.does(f"order:cancel:{job.id}")
    assert (await placed(screen.state)).state == "queued", "the second goes on"
    assert said[-1].startswith("Этот заказ уже рисует платная нейросеть, а остановить такие сегодня больше нельзя")
