"""The run of a batch: which photo is next, and what becomes of one that cannot be made."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from lib import db
from lib.studio import orders
from lib.tasks.order import batch
from lib.tasks.order.desk import Desk

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER = orders.Order("studio", 1, 2, "ru", "batch", file_id="a", title="Кружка", count=3, photos=("a", "b", "c"))


class Stage:
    """One run of a batch of three photos: its checkpoint, and whether it gave way."""

    def __init__(self, attempts: int, error_code: str | None = None) -> None:
        self.job = SimpleNamespace(
            **{"id": 7, "task": "card", "user_id": 1, "price": 3, "args": ORDER.args()},
            **{"attempts": attempts, "max_attempts": 5, "error_code": error_code},
        )
        self.checkpoint, self.now, self.gave_way = {}, NOW, False

    async def save(self, **facts):
        self.checkpoint.update(facts)

    def give_way(self):
        self.gave_way = True


@pytest.fixture
def desk(monkeypatch, conn):
    monkeypatch.setattr(db, "run", lambda work: work(conn))

    async def edit(*_):
        return True

    def made(run):
        desk = Desk(run)
        desk.said = []
        desk.chat.edit, desk.chat.say, desk.chat.delete = edit, say(desk), edit
        return desk

    def say(desk):
        async def said(words, keyboard):
            desk.said.append(words)

        return said

    return made


@pytest.mark.parametrize(
    ("code", "said"), [(None, "picture_not_drawn"), ("internal", "picture_not_drawn"), ("unavailable", "unavailable")]
)
async def test_a_photo_that_uses_up_the_attempts_is_left_out_and_the_next_has_its_turn(desk, code, said):
    run = Stage(attempts=5, error_code=code)
    await batch.go_on(desk(run))
    assert [item.failed for item in desk(run).items()] == [said, "", ""]
    assert run.gave_way


async def test_what_follows_a_last_photo_that_used_up_the_attempts_has_its_own(desk):
    run = Stage(attempts=5)
    run.checkpoint = {"item0": {"sent": True}, "item1": {"sent": True}}
    await batch.go_on(desk(run))
    assert (run.checkpoint["item2"]["failed"], run.gave_way, "zip" in run.checkpoint) == (
        *("picture_not_drawn", True, False),
    )


@pytest.mark.parametrize(
    ("price", "said"), [(3, "вернули 1 кредит"), (0, "Готово: 2 из 3. Файлы и ZIP — выше.\nБаланс")]
)
async def test_a_free_batch_with_a_photo_left_out_speaks_of_no_credits(desk, conn, monkeypatch, price, said):
    monkeypatch.setattr(db, "run", lambda work: work(conn))
    run = Stage(attempts=1)
    run.job.price = price
    run.checkpoint = {"zip": 1, "item0": {"sent": True}, "item1": {"sent": True}, "item2": {"failed": "rules"}}
    run.job.checkpoint = run.checkpoint
    closing = desk(run)
    await batch.go_on(closing)
    assert said in closing.said[0]
    assert "Фото 3: " in closing.said[0]


@pytest.mark.parametrize(("design", "led"), [("", "dark"), ("split", "")])
async def test_a_batch_without_a_choice_keeps_the_cover_that_was_shown_first(desk, monkeypatch, design, led):
    async def first_shown(*_):
        return "dark"

    monkeypatch.setattr(batch.strips, "first_shown", first_shown)
    run = Stage(attempts=5)
    run.job.args = run.job.args | {"design": design}
    await batch.go_on(desk(run))
    assert run.checkpoint["led"] == led
    assert run.job.args["design"] == design
