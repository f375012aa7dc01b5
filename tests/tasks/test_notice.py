"""What a person hears of a job that failed."""

from types import SimpleNamespace

import pytest

from lib import db, text
from lib.jobs import table
from lib.jobs.table import Job
from lib.reach import promises
from lib.tasks import notice
from lib.telegram import client
from tests import factories
from tests.loyalty_lab import make_shop


@pytest.mark.parametrize("task", ["brand", "listing"])
async def test_a_message_that_promised_what_failed_says_so(conn, make_user, monkeypatch, task):
    said = []

    async def edit(_, message_id, words, keyboard=None):
        said.append((message_id, words))
        return True

    monkeypatch.setattr(client.Chat, "edit", edit)
    monkeypatch.setattr(db, "run", lambda work: work(conn))
    place = {"bot": "studio", "chat": 7, "message_id": 5, "language": "ru"}
    await factories.make_job(conn, await make_user(), task=task, args=place, priority=1000)
    [job] = await table.fetch_next_queued_job(conn, [task], factories.LEASE)
    await table.update_job_status(conn, job, "failed", error_code="internal")
    await notice.run(SimpleNamespace(job=SimpleNamespace(args={"job_id": job.id})))
    assert said == [(5, "Не получилось: ошибка на нашей стороне. Попробуйте ещё раз чуть позже.")]


@pytest.mark.parametrize(("gone_on", "told"), [(False, [50]), (True, [])])
async def test_a_screen_that_could_not_be_read_says_so_where_it_was_promised(conn, monkeypatch, gone_on, told):
    said = []

    async def edit(_, message_id, words, keyboard=None):
        said.append((message_id, words, keyboard[0][0].data))
        return True

    async def has_gone_on(asked, tg_id):
        return gone_on

    monkeypatch.setattr(client.Chat, "edit", edit)
    monkeypatch.setattr(promises, "has_gone_on", has_gone_on)
    monkeypatch.setattr(db, "run", lambda work: work(conn))
    shop = await make_shop(conn)
    asked = {"bot": "partner", "partner_id": shop.id, "what": "cohorts", "period": "", "message_id": 50}
    await factories.make_job(conn, shop.owner, task="analysis", args=asked, priority=1000)
    [job] = await table.fetch_next_queued_job(conn, ["analysis"], factories.LEASE)
    await table.update_job_status(conn, job, "failed", error_code="internal")
    await notice.run(SimpleNamespace(job=SimpleNamespace(args={"job_id": job.id})))
    assert [number for number, *_ in said] == told
    assert all("посчитать не получилось" in words for _, words, _ in said)
    assert all(again == f"compare:cohorts:{shop.id}" for *_, again in said)


@pytest.mark.parametrize(
    ("task", "args", "way"),
    [
        ("card", {"preset": "wb", "wishes": "ярче"}, "order:edit:9"),
        ("card", {"preset": "white", "wishes": "ярче"}, "order:rewish:9"),
        ("card", {"preset": "white"}, None),
        ("background", {"scene": "people", "wishes": "ярче"}, "order:rewish:9"),
        ("background", {"scene": "people", "wishes": ""}, None),
        ("background", {"scene": "people", "title": "Кокаин"}, "order:edit:9"),  # the list of ours reads that, too
        ("video", {"template": "broll", "wishes": "ярче"}, "order:rewish:9"),
    ],
    ids=str,
)
def test_an_order_whose_words_were_refused_leads_to_those_that_it_has(task, args, way):
    asked = {"language": "ru", "title": "Кружка"} | args
    fields = {"id": 9, "task": task, "args": asked, "price": 1, "error_code": "rules", "checkpoint": {}}
    failed = Job(**dict.fromkeys(Job.__dataclass_fields__) | fields)
    data = [button.data for row in notice._ways(failed) for button in row]
    assert data == ["order:retry:9", *([way] if way else []), "menu:home"]


def test_the_refused_words_of_a_batch_are_named_from_its_titles_too():
    args = {"title": "Кружка", "titles": ["Кружка", "Кокаин"], "language": "ru"}
    facts = {"state": "failed", "error_code": "words_refused", "price": 2, "checkpoint": {}}
    failed = Job(**dict.fromkeys(Job.__dataclass_fields__) | facts | {"args": args})
    assert "Кокаин" in notice._words(failed, "ru", 2)


@pytest.mark.parametrize(
    ("task", "args", "name", "again"),
    [
        ("chart", {"what": "period", "period": "30"}, "chart", "compare:chart:7:period:30"),
        ("chart", {"what": "owed", "period": ""}, "chart", "compare:chart:7:owed"),
        ("chart", {"what": "pdf", "period": "w20261123"}, "pdf", "compare:pdf:7:w20261123"),
        ("analysis", {"what": "cohorts", "period": ""}, "analysis", "compare:cohorts:7"),
        ("analysis", {"what": "hours", "period": "90"}, "analysis", "compare:hours:7:90"),
        ("sheet", {"what": "clients", "form": "xlsx"}, "clients", "exports:pick:clients:xlsx"),
        ("sheet", {"what": "orders", "form": "xlsx"}, "orders", "history:file"),
        ("sheet", {"what": "every_order", "form": "csv"}, "orders", "orders:home"),
        ("poster", {}, "poster", "figures:poster"),
    ],
)
def test_a_failed_file_is_named_and_ordered_again_by_its_own_button(task, args, name, again):
    failed = SimpleNamespace(task=task, args={"partner_id": 7, **args})
    assert notice._named(failed) == (name, again)
    assert text.knows(f"partner.failed.{name}")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("internal", "studio.touch.failed"),
        ("cut_empty", "studio.touch.empty"),
        ("cut_gone", "studio.touch.gone"),
        ("source_gone", "studio.touch.gone"),
    ],
)
async def test_pieces_that_were_not_put_right_say_what_helps(conn, make_user, monkeypatch, error, words):
    said = []

    async def say(_, words, keyboard=None):
        said.append(words)

    monkeypatch.setattr(client.Chat, "say", say)
    monkeypatch.setattr(db, "run", lambda work: work(conn))
    asked = {"bot": "studio", "chat_id": 7, "message_id": 5, "language": "ru", "like": "cut:1", "pieces": [1]}
    await factories.make_job(conn, await make_user(), task="cut", args=asked, priority=1000)
    [job] = await table.fetch_next_queued_job(conn, ["cut"], factories.LEASE)
    await table.update_job_status(conn, job, "failed", error_code=error)
    await notice.run(SimpleNamespace(job=SimpleNamespace(args={"job_id": job.id})))
    assert said == [text.say("ru", words)]
