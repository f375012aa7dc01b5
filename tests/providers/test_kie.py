"""What KIE.ai's answers, tasks and results mean; anything odd is a refusal of ours."""

import json
from dataclasses import replace

import pytest

from lib import config, errors, fetch
from lib.providers import kie as provider
from lib.providers import makers
from lib.providers.contract import Ticket
from tests.providers.asked import CALLBACK, ODD, ask, finished

OFFER = provider.BANANA_2


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("code_401", errors.Unavailable, "no_access"),
        ("code_402", errors.Unavailable, "out_of_money"),
        ("code_433", errors.Unavailable, "out_of_money"),
        ("code_429", errors.Unavailable, "busy"),
        ("code_455", errors.Unavailable, "down"),
        ("upload_down", errors.Unavailable, "down"),
        ("code_404", errors.Rejected, "not_supported"),
        ("code_422", errors.Rejected, "not_supported"),
        ("code_505", errors.Rejected, "not_supported"),
        ("code_500", errors.Unavailable, "maybe_made"),
        ("code_501", errors.Unavailable, "maybe_made"),
        ("broken", errors.Unavailable, "maybe_made"),
        ("answer_lost", errors.Unavailable, "maybe_made"),
    ],
)
async def test_what_kie_answers_to_a_request_means(keyed, kie, product_photo, fault, error, code):
    wanted = ask("card", product_photo)
    kie.faults.add(fault)
    with pytest.raises(error) as raised:
        await provider.create(OFFER, wanted, await provider.prepare(OFFER, wanted), CALLBACK)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("offer", "number"), [(provider.BANANA_2, 3), (provider._clips(5)[0], 1), (provider._clips(5)[1], 1)]
)
async def test_a_model_is_given_as_many_pictures_as_it_takes(keyed, kie, product_photo, offer, number):
    request = await provider.prepare(offer, replace(ask("card", product_photo), others=(product_photo, product_photo)))
    addresses = request["input"][provider.SHAPES[offer.model].picture]
    assert len(set(addresses)) == number


async def test_kie_that_cannot_be_reached_has_made_nothing(keyed, monkeypatch, product_photo):
    wanted = ask("card", product_photo)
    request = await provider.prepare(OFFER, wanted)
    monkeypatch.setenv("KIE_API_URL", "http://127.0.0.1:9")
    config.get.cache_clear()
    with pytest.raises(errors.Unavailable) as raised:
        await provider.create(OFFER, wanted, request, CALLBACK)
    assert raised.value.code == "down"


def answering(monkeypatch, body):
    """Let KIE answer each question with this object."""

    async def ask(*_, **__):
        return fetch.Answer(200, {}, json.dumps(body).encode())

    monkeypatch.setattr(fetch, "ask", ask)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
async def test_a_task_with_an_odd_id_may_have_been_made_and_is_no_ticket(keyed, monkeypatch, product_photo, odd):
    wanted, request = ask("card", product_photo), {"model": "nano-banana-2", "input": {}}
    answering(monkeypatch, {"code": 200, "data": {"taskId": odd}})
    with pytest.raises(errors.Unavailable) as raised:
        await provider.create(OFFER, wanted, request, "")
    assert raised.value.code == "maybe_made"


@pytest.mark.parametrize("name", ["code", "msg", "data"])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
async def test_an_odd_answer_to_a_request_is_a_refusal_of_ours(keyed, monkeypatch, product_photo, name, odd):
    wanted, request = ask("card", product_photo), {"model": "nano-banana-2", "input": {}}
    answering(monkeypatch, {"code": 500, "msg": "x", "data": None, name: odd})
    with pytest.raises(errors.Upstream) as raised:
        await provider.create(OFFER, wanted, request, "")
    assert len(raised.value.detail) < 400
    raised.value.detail.encode()


RECORD = {
    "state": "success",
    "progress": 50,
    "creditsConsumed": 8,
    "failCode": 1,
    "failMsg": "x",
    "resultJson": '{"resultUrls": ["https://kie.ai/x"]}',
}


@pytest.mark.parametrize("state", ["success", "fail", "generating"])
@pytest.mark.parametrize("name", RECORD)
async def test_an_odd_record_of_a_task_is_a_report_that_a_row_can_hold(keyed, monkeypatch, state, name):
    for odd in [*ODD, '{"resultUrls": [1, "\\ud800", {}]}', "[" * 5000]:
        answering(monkeypatch, {"code": 200, "data": {**RECORD, "state": state, name: odd}})
        [report] = await provider.poll([Ticket("kie", "m", "t")])
        said = repr(odd)[:20]
        assert report.state in ("running", "done", "failed"), said
        assert report.cost is None or 0 <= report.cost < 2**31, said
        assert report.progress is None or 0 <= report.progress <= 1, said
        assert "\0" not in report.error.encode().decode(), said
        assert len(report.error) <= 700, said
        assert all(url.isascii() and len(url) <= 2000 for url in report.urls), said


@pytest.mark.parametrize(
    ("fault", "state", "rules"),
    [
        ("task_fail", "failed", False),
        ("task_rules", "failed", True),
        ("task_408", "failed", False),
        ("task_501", "failed", False),
        ("task_unknown", "unknown", False),
        ("read_500", "silent", False),
        ("result_none", "failed", False),
    ],
)
async def test_what_kie_tells_of_a_task_means(keyed, kie, product_photo, fault, state, rules):
    wanted = ask("card", product_photo)
    kie.faults.add(fault)
    ticket = await provider.create(OFFER, wanted, await provider.prepare(OFFER, wanted), CALLBACK)
    await kie.tasks[ticket.id].done.wait()
    [report] = await provider.poll([ticket])
    assert (report.state, report.rules) == (state, rules)


@pytest.mark.parametrize("fault", ["result_missing", "result_redirect", "result_private"])
async def test_a_result_at_an_odd_address_is_not_fetched(keyed, kie, product_photo, fault):
    wanted = ask("card", product_photo)
    kie.faults.add(fault)
    ticket = await provider.create(OFFER, wanted, await provider.prepare(OFFER, wanted), CALLBACK)
    with pytest.raises(errors.Rejected):
        await finished(provider, ticket)


async def test_a_task_is_found_by_its_name_only_when_kies_record_holds_our_request(keyed, kie, product_photo):
    wanted = ask("card", product_photo)
    mine, other = await provider.prepare(OFFER, wanted), await provider.prepare(OFFER, wanted)
    kie.faults.add("answer_lost")
    with pytest.raises(errors.Unavailable):
        await provider.create(OFFER, wanted, mine, CALLBACK)
    [task_id] = kie.tasks
    assert (await provider.find(OFFER, mine, task_id)).id == task_id
    assert await provider.find(OFFER, other, task_id) is None, "another upload, so another request"


async def test_jobs_are_shared_out_among_the_keys_and_stay_with_theirs(keyed, kie, product_photo):
    accounts = set()
    for job_id in range(12):
        wanted = ask("card", product_photo, account=makers.account("kie", job_id))
        made = [
            await provider.create(OFFER, wanted, await provider.prepare(OFFER, wanted), "")
            for _ in range(1 + job_id % 2)
        ]
        assert len({ticket.account for ticket in made}) == 1
        accounts.add(made[0].account)
        assert not any(key in str(made) for key in kie.keys), "a ticket is kept in a row, a key is not"
    assert len(accounts) == 2


async def test_the_callback_goes_with_the_request_and_without_a_secret_there_is_none(keyed, kie, product_photo):
    wanted = ask("card", product_photo)
    request = await provider.prepare(OFFER, wanted)
    with_one, without = (
        await provider.create(OFFER, wanted, request, CALLBACK),
        await provider.create(OFFER, wanted, request, ""),
    )
    assert kie.tasks[with_one.id].param["callBackUrl"] == CALLBACK
    assert "callBackUrl" not in kie.tasks[without.id].param


@pytest.mark.parametrize("offer", [offer for offer in makers.CHAINS["background"] if offer.provider == "kie"])
async def test_the_check_for_indecency_is_on_where_the_model_has_one(offer):
    if offer.model == "seedream/4.5-edit":
        assert offer.params["nsfw_checker"] is True
