"""HTTP in: guards that fail closed, a body that is cut off in time, errors as statuses, work after the answer."""

from datetime import timedelta

import httpx
import pytest

from lib import errors, web

ERRORS = [
    (errors.Invalid("odd"), 400),
    (errors.ShortOfCredits(1, 3), 402),
    (errors.Denied(), 403),
    (errors.Missing("no_job"), 404),
    (errors.Conflict("job_begun"), 409),
    (errors.Rejected("rules"), 502),
    (errors.Unavailable("down"), 503),
]


async def ask(endpoint, method="GET", path="/", **request):
    transport = httpx.ASGITransport(app=web.app(endpoint, "GET", "POST"))
    async with httpx.AsyncClient(transport=transport, base_url="http://lotok") as http:
        return await http.request(method, path, **request)


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda one: str(one))
async def test_an_error_is_a_status_and_a_code_without_its_details(error, status):
    async def endpoint(_):
        error.detail = "row 17 of users"
        raise error

    answer = await ask(endpoint)
    assert (answer.status_code, answer.json()) == (status, {"error": {"code": error.code}})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("wait", "header"), [(None, "1"), (timedelta(milliseconds=200), "1"), (timedelta(0, 90), "90")]
)
async def test_what_is_away_says_in_whole_seconds_when_to_come_again(wait, header):
    async def endpoint(_):
        raise errors.Unavailable("busy", retry_after=wait)

    assert (await ask(endpoint)).headers["retry-after"] == header


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ({}, "secret"),
        ({"authorization": "secret"}, "secret"),
        ({"authorization": "Basic secret"}, "secret"),
        ({"authorization": "Bearer other"}, "secret"),
        ({"authorization": "Bearer "}, "secret"),
        ({"authorization": "Bearer "}, ""),
        ({"authorization": "Bearer secret"}, ""),
    ],
)
async def test_only_the_bearer_of_a_secret_that_is_set_gets_in(header, secret):
    async def endpoint(request):
        web.require_bearer(request, secret)
        return web.answer({})

    assert (await ask(endpoint, headers=header)).status_code == 403


async def test_the_bearer_gets_in_however_the_word_is_written():
    async def endpoint(request):
        web.require_bearer(request, "secret")
        return web.answer({})

    for word in ("Bearer", "bearer", "BEARER"):
        assert (await ask(endpoint, headers={"authorization": f"{word} secret"})).status_code == 200


async def test_a_body_over_the_limit_is_refused_before_it_is_read_to_its_end():
    sent = []

    async def chunks():
        for _ in range(100):
            sent.append(1)
            yield b"x" * 10

    class Endless:
        stream = staticmethod(chunks)

    with pytest.raises(errors.Invalid) as raised:
        await web.body(Endless, 25)
    assert (raised.value.code, len(sent)) == ("body_too_large", 3)


async def test_a_body_up_to_the_limit_is_whole():
    async def endpoint(request):
        return web.answer({"bytes": len(await web.body(request, 25))})

    assert (await ask(endpoint, "POST", content=b"x" * 25)).json() == {"bytes": 25}


async def test_a_get_waits_for_the_work_and_a_post_is_answered_before_it():
    done = []

    async def work():
        done.append(1)
        return {"done": len(done)}

    async def endpoint(request):
        return await web.worked(request, work)

    assert (await ask(endpoint)).json() == {"done": 1}
    answer = await ask(endpoint, "POST")
    assert (answer.status_code, answer.json()) == (202, {"started": True})
    assert len(done) == 2, "the invocation ends when its work has"


@pytest.mark.parametrize("path", ["/api/callback/kie", "/api/callback/kie/", "/kie"])
async def test_the_last_part_of_a_path_is_found_whatever_stands_before_it(path):
    async def endpoint(request):
        return web.answer({"name": web.last_segment(request)})

    assert (await ask(endpoint, path=path)).json() == {"name": "kie"}


async def test_another_method_is_refused():
    async def endpoint(_):
        return web.answer({})

    assert (await ask(endpoint, "DELETE")).status_code == 405
