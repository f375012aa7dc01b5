"""Requests to a model, parameters that a server lacks, and the ends of an answer."""

import pytest

from lib import cache, errors
from lib.assistant import model

ASK = [
    {"role": "system", "content": '["c03","Кофе","Капучино",[["300 мл",250]],""]'},
    {"role": "user", "content": "капучино?"},
]
TOOLS = [{"type": "function", "function": {"name": "promotions", "parameters": {"type": "object", "properties": {}}}}]


@pytest.fixture(autouse=True)
def unknown(monkeypatch, keyed):
    """Begin with a server that nobody knows anything about, and with a Redis of one's own."""
    stored = {}

    async def get(name):
        return stored.get(name)

    async def put(name, value, ttl):
        stored[name] = value

    monkeypatch.setattr(cache, "get", get)
    monkeypatch.setattr(cache, "set", put)
    monkeypatch.setattr(model, "_gaps", {})
    return stored


async def test_words_come_part_by_part_and_what_they_used_is_known(openai):
    heard = []
    reply = await model.ask(ASK, hear=heard.append, cache_key="1:1")
    assert "".join(heard) == reply.words == "Могу предложить {c03}. Что-нибудь ещё?"
    assert len(heard) > 3
    assert (reply.finish, reply.tokens_in > 0, reply.tokens_out > 0, reply.calls) == ("stop", True, True, ())


async def test_two_calls_in_one_answer_are_put_together_from_their_pieces(openai):
    openai.faults.add("two_calls")
    reply = await model.ask(ASK, TOOLS)
    assert [(one.id, one.name, one.arguments) for one in reply.calls] == [
        ("a", "promotions", {}),
        ("b", "my_points", {}),
    ]
    assert reply.finish == "tool_calls"


async def test_a_call_of_the_old_form_with_an_object_is_taken(openai):
    openai.faults.add("dict_call")
    [call] = (await model.ask(ASK, TOOLS)).calls
    assert (call.name, call.arguments) == ("promotions", {})


@pytest.mark.parametrize(
    ("fault", "finish"),
    [("cut", ""), ("stream_error", ""), ("refused", "refusal"), ("too_long", "length")],
)
async def test_an_answer_that_is_not_whole_says_how_it_ended(openai, fault, finish):
    openai.faults.add(fault)
    reply = await model.ask(ASK)
    assert reply.finish == finish
    assert reply.words


async def test_a_stall_ends_an_answer_that_has_begun(openai, monkeypatch):
    monkeypatch.setattr(model, "PATIENCE", model.timedelta(seconds=1))
    openai.faults.add("stall", seconds=3)
    assert (await model.ask(ASK)).finish == ""


async def test_what_a_server_does_not_know_is_left_out_and_remembered(openai, unknown):
    for fault in ("no_options", "old_tokens"):
        openai.faults.add(fault, times=9)
    assert (await model.ask(ASK)).finish == "stop"
    assert list(unknown.values()) == ["max_completion_tokens,stream_options"]
    before = len(openai.requests)
    model._gaps.clear()
    assert (await model.ask(ASK)).tokens_in > 0, "guessed"
    assert len(openai.requests) == before + 1
    assert "max_tokens" in openai.requests[-1][1]


async def test_a_server_without_tools_is_known_from_then_on(openai):
    openai.faults.add("no_tools", times=9)
    assert await model.has_tools()
    with pytest.raises(errors.Rejected, match="no_tools"):
        await model.ask(ASK, TOOLS)
    assert not await model.has_tools()
    assert (await model.ask(ASK)).finish == "stop"


async def test_a_busy_server_is_asked_once_more_before_the_first_word(openai):
    openai.faults.add("500")
    assert (await model.ask(ASK)).finish == "stop"
    openai.faults.add("500", times=2)
    with pytest.raises(errors.Unavailable):
        await model.ask(ASK)


@pytest.mark.parametrize("fault", ["401", "no_money", "429"])
async def test_a_server_that_will_not_answer_soon_is_not_asked_again(openai, fault):
    openai.faults.add(fault)
    with pytest.raises(errors.Unavailable):
        await model.ask(ASK)
    assert len(openai.faults.taken) == 1


async def test_no_name_and_no_number_of_a_client_goes_out(openai):
    await model.ask(ASK, who="7:12")
    [(_, body)] = openai.requests
    assert len(body["safety_identifier"]) == 32


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"choices": None},
        {"choices": [5]},
        {"choices": [{"delta": {"content": "\0"}}]},
        *({"choices": [{"delta": {"tool_calls": odd}}]} for odd in ([7], 7, True, "two", {"index": 0})),
    ],
)
def test_odd_parts_are_passed_over(part):
    reply = model._GrowingReply()
    model._take(reply, part, print)
    assert (reply.words, reply.calls) == ([], {})


def test_words_and_arguments_that_no_row_can_hold_are_made_ones_that_it_can():
    said = [{"index": 0, "function": {"name": "add", "arguments": '{"words": "a\\ud800\\u0000\ud800b"}'}}]
    reply, heard = model._GrowingReply(), []
    model._take(reply, {"choices": [{"delta": {"content": "Кофе\ud800\0", "tool_calls": said}}]}, heard.append)
    whole = model._whole(reply, [])
    assert (heard, whole.words, whole.calls[0].arguments) == (["Кофе?"], "Кофе?", {"words": "a??b"})
