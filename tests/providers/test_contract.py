"""What every provider promises, held against the stand-ins, and that a refusal means the same wherever it is from."""

import asyncio
import io
import json
import types

import av
import pytest
from PIL import Image

from lib import config, errors, fetch, providers
from lib.drawing.clip import encoder, promo
from lib.providers import makers
from lib.providers.contract import Ask, Output, Ticket

CALLBACK = "http://127.0.0.1:9/api/callback/kie?job=1"


def offers():
    """Each model once, with the stills that clips begin with."""
    found = {}
    for product, chain in makers.CHAINS.items():
        for offer in chain:
            for step in (offer, offer.still):
                if step:
                    found.setdefault((step.provider, step.model, step.params.get("duration")), (product, step))
    return [pytest.param(*one, id=f"{one[1].name}-{key[2] or ''}") for key, one in found.items()]


def ask(product, photo, **more):
    name, _, preset = product.partition(":")
    size = (1080, 1920) if name.startswith("video") else (1200, 1200) if preset == "white" else (1200, 1600)
    wanted = {"preset": preset or "wb", "scene": "studio", "template": "own", "seconds": 5, "title": "Кружка", **more}
    return Ask(
        more.pop("job_id", 7),
        name,
        "A mug on a table",
        photo,
        *size,
        **{k: v for k, v in wanted.items() if k != "job_id"},
    )


async def finished(provider, made):
    """Poll a ticket to its end and fetch the result; an instant provider's is there."""
    if isinstance(made, Output):
        return made
    async with asyncio.timeout(60):
        while (report := (await provider.poll([made]))[0]).state != "done":
            assert report.state in ("running", "unknown"), report
            await asyncio.sleep(0.02)
    return await provider.collect(made, report)


@pytest.mark.parametrize(("product", "offer"), offers())
async def test_every_model_takes_our_request_and_gives_what_was_ordered(
    keyed, product_photo, product, offer, monkeypatch
):
    for module in (promo, encoder):
        monkeypatch.setattr(module, "FPS", 5)
    provider, wanted = providers.load(offer.provider), ask(product, product_photo)
    request = await provider.prepare(offer, wanted)
    made = await provider.create(offer, wanted, request, CALLBACK)
    assert isinstance(made, Output) == provider.INSTANT
    output = await finished(provider, made)
    if (product.startswith("video") and "image-to-video" in offer.model) or offer.model == "video":
        with av.open(io.BytesIO(output.data)) as film:
            assert film.streams.video[0].codec_context.name == "h264"
    else:
        assert Image.open(io.BytesIO(output.data)).size > (100, 100)
    assert output.cost is None or output.cost <= offer.cost, "the list price is what it may cost at most"


@pytest.mark.parametrize("name", providers.PROVIDERS)
async def test_a_ticket_that_nobody_gave_is_no_success(keyed, name):
    [report] = await providers.load(name).poll([Ticket(name, "m", "task_made_up", "nobody")])
    assert report.state in ("failed", "unknown")


@pytest.mark.parametrize("name", providers.PROVIDERS)
async def test_a_task_that_is_not_ours_is_not_found(keyed, name):
    offer = makers.Offer(name, "nano-banana-2")
    assert (
        await providers.load(name).find(offer, {"model": "nano-banana-2", "input": {"prompt": "x"}}, "task_x") is None
    )


KIE = makers._BANANA_2
OPENAI = makers._OPENAI


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
    provider, wanted = providers.load("kie"), ask("card", product_photo)
    kie.faults.add(fault)
    with pytest.raises(error) as raised:
        await provider.create(KIE, wanted, await provider.prepare(KIE, wanted), CALLBACK)
    assert raised.value.code == code


async def test_kie_that_cannot_be_reached_has_made_nothing(keyed, monkeypatch, product_photo):
    from lib import config

    provider, wanted = providers.load("kie"), ask("card", product_photo)
    request = await provider.prepare(KIE, wanted)
    monkeypatch.setenv("KIE_API_URL", "http://127.0.0.1:9")
    config.get.cache_clear()
    with pytest.raises(errors.Unavailable) as raised:
        await provider.create(KIE, wanted, request, CALLBACK)
    assert raised.value.code == "down"


ODD = [
    None,
    True,
    -1,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "\0",
    "\ud800",
    "x" * 1_000_000,
    [],
    ["\0"],
    {},
    {"a": []},
]


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
        await providers.load("kie").create(KIE, wanted, request, "")
    assert raised.value.code == "maybe_made"


@pytest.mark.parametrize("name", ["code", "msg", "data"])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
async def test_an_odd_answer_to_a_request_is_a_refusal_of_ours(keyed, monkeypatch, product_photo, name, odd):
    wanted, request = ask("card", product_photo), {"model": "nano-banana-2", "input": {}}
    answering(monkeypatch, {"code": 500, "msg": "x", "data": None, name: odd})
    with pytest.raises(errors.Upstream) as raised:
        await providers.load("kie").create(KIE, wanted, request, "")
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
@pytest.mark.parametrize(
    "odd", [*ODD, '{"resultUrls": [1, "\\ud800", {}]}', "[" * 5000], ids=lambda odd: repr(odd)[:20]
)
async def test_an_odd_record_of_a_task_is_a_report_that_a_row_can_hold(keyed, monkeypatch, state, name, odd):
    answering(monkeypatch, {"code": 200, "data": {**RECORD, "state": state, name: odd}})
    [report] = await providers.load("kie").poll([Ticket("kie", "m", "t")])
    assert report.state in ("running", "done", "failed")
    assert report.cost is None or 0 <= report.cost < 2**31
    assert report.progress is None or 0 <= report.progress <= 1
    assert "\0" not in report.error.encode().decode()
    assert len(report.error) <= 700
    assert all(url.isascii() and len(url) <= 2000 for url in report.urls)


@pytest.mark.parametrize(
    "usage", [{"input_tokens": odd, "output_tokens": 10} for odd in ODD], ids=lambda x: str(x)[17:37]
)
def test_odd_numbers_of_tokens_cost_what_is_known_or_nothing_told(usage):
    from lib.providers import openai

    cost = openai._cost(types.SimpleNamespace(**usage))
    assert cost is None or cost >= 0


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
    provider, wanted = providers.load("kie"), ask("card", product_photo)
    kie.faults.add(fault)
    ticket = await provider.create(KIE, wanted, await provider.prepare(KIE, wanted), CALLBACK)
    await kie.tasks[ticket.id].done.wait()
    [report] = await provider.poll([ticket])
    assert (report.state, report.rules) == (state, rules)


@pytest.mark.parametrize("fault", ["result_missing", "result_redirect", "result_private"])
async def test_a_result_at_an_odd_address_is_not_fetched(keyed, kie, product_photo, fault):
    provider, wanted = providers.load("kie"), ask("card", product_photo)
    kie.faults.add(fault)
    ticket = await provider.create(KIE, wanted, await provider.prepare(KIE, wanted), CALLBACK)
    with pytest.raises(errors.Rejected):
        await finished(provider, ticket)


async def test_a_task_is_found_by_its_name_only_when_kies_record_holds_our_request(keyed, kie, product_photo):
    provider, wanted = providers.load("kie"), ask("card", product_photo)
    mine, other = await provider.prepare(KIE, wanted), await provider.prepare(KIE, wanted)
    kie.faults.add("answer_lost")
    with pytest.raises(errors.Unavailable):
        await provider.create(KIE, wanted, mine, CALLBACK)
    [task_id] = kie.tasks
    assert (await provider.find(KIE, mine, task_id)).id == task_id
    assert await provider.find(KIE, other, task_id) is None, "another upload, so another request"


async def test_jobs_are_shared_out_among_the_keys_and_stay_with_theirs(keyed, kie, product_photo):
    provider = providers.load("kie")
    accounts = set()
    for job_id in range(12):
        wanted = ask("card", product_photo, account=makers.account("kie", job_id))
        made = [
            await provider.create(KIE, wanted, await provider.prepare(KIE, wanted), "") for _ in range(1 + job_id % 2)
        ]
        assert len({ticket.account for ticket in made}) == 1
        accounts.add(made[0].account)
        assert not any(key in str(made) for key in kie.keys), "a ticket is kept in a row, a key is not"
    assert len(accounts) == 2


async def test_a_job_whose_key_rests_uses_another_and_none_when_all_rest(keyed):
    known = set(config.get().accounts["kie"])
    mine = makers.account("kie", 7)
    other = makers.account("kie", 7, [mine])
    assert {mine, other} == known
    assert makers.account("kie", 7, known) == makers.account("local", 7) == ""


async def test_an_answer_of_openai_without_a_picture_still_tells_what_it_cost(keyed, openai, product_photo):
    provider, wanted = providers.load("openai"), ask("card", product_photo)
    openai.faults.add("no_picture")
    output = await provider.create(OPENAI, wanted, await provider.prepare(OPENAI, wanted), "")
    assert (output.data, output.cost) == (b"", 56)


async def test_the_callback_goes_with_the_request_and_without_a_secret_there_is_none(keyed, kie, product_photo):
    provider, wanted = providers.load("kie"), ask("card", product_photo)
    request = await provider.prepare(KIE, wanted)
    with_one, without = (
        await provider.create(KIE, wanted, request, CALLBACK),
        await provider.create(KIE, wanted, request, ""),
    )
    assert kie.tasks[with_one.id].param["callBackUrl"] == CALLBACK
    assert "callBackUrl" not in kie.tasks[without.id].param


@pytest.mark.parametrize("offer", [offer for offer in makers.CHAINS["background"] if offer.provider == "kie"])
async def test_the_check_for_indecency_is_on_where_the_model_has_one(offer):
    if offer.model == "seedream/4.5-edit":
        assert offer.params["nsfw_checker"] is True


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("401", errors.Unavailable, "no_access"),
        ("no_money", errors.Unavailable, "out_of_money"),
        ("429", errors.Unavailable, "busy"),
        ("500", errors.Unavailable, "down"),
        ("400", errors.Rejected, "not_supported"),
        ("moderation", errors.Rejected, "rules"),
    ],
)
async def test_what_openai_answers_means(keyed, openai, product_photo, fault, error, code):
    provider, wanted = providers.load("openai"), ask("card", product_photo)
    openai.faults.add(fault)
    with pytest.raises(error) as raised:
        await provider.create(OPENAI, wanted, await provider.prepare(OPENAI, wanted), "")
    assert raised.value.code == code


async def test_openai_is_told_who_asks_only_as_a_hash_and_what_it_cost_is_known(keyed, openai, product_photo):
    provider, wanted = providers.load("openai"), ask("card", product_photo)
    output = await provider.create(OPENAI, wanted, await provider.prepare(OPENAI, wanted), "")
    [(_, asked)] = openai.requests
    assert len(asked["safety_identifier"]) == 32
    assert output.cost == 56  # 900 tokens in, 1600 out
