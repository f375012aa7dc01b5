"""What a person hears of a job that failed."""

from types import SimpleNamespace

import pytest

from lib import db
from lib.jobs import table
from lib.jobs.table import Job
from lib.tasks import notice
from lib.telegram import client
from tests import factories


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


def test_the_refused_words_of_a_batch_are_named_from_its_titles_too():
    args = {"title": "Кружка", "titles": ["Кружка", "Кокаин"], "language": "ru"}
    facts = {"state": "failed", "error_code": "words_refused", "price": 2, "checkpoint": {}}
    failed = Job(**dict.fromkeys(Job.__dataclass_fields__) | facts | {"args": args})
    assert "Кокаин" in notice._words(failed, "ru", 2)
