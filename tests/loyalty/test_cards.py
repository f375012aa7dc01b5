import pytest

from dev.faults import Fault
from lib import errors
from lib.loyalty import cards
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401

SHOP, MEMBER = 7, 42


async def test_six_digits_lead_to_the_member_at_this_shop_only(redis):
    code = await cards.issue_code(SHOP, MEMBER)
    assert len(code) == 6
    card = await cards.open_code(SHOP, f" {code[:3]} {code[3:]} ")
    assert (card.partner_id, card.member_id) == (SHOP, MEMBER)
    with pytest.raises(errors.Missing, match="code_unknown"):
        await cards.open_code(SHOP + 1, code)
    for words in ("12345", "1234567", "٣٣٣٣٣٣", "abcdef"):
        with pytest.raises(errors.Invalid, match="code_unreadable"):
            await cards.open_code(SHOP, words)


async def test_six_digits_live_for_minutes(redis):
    code = await cards.issue_code(SHOP, MEMBER)
    [left] = await redis._redis.run([[b"PTTL", f"local:card:code:{SHOP}:{code}".encode()]])
    assert 0 < left <= cards.CODE_LIFE.total_seconds() * 1000


async def test_a_showing_is_good_for_one_operation_however_often_it_is_repeated(redis):
    payload = cards.issue(SHOP, MEMBER)
    card = await cards.open(payload)
    await cards.use(card.nonce, "operation:1")
    await cards.use(card.nonce, "operation:1")
    with pytest.raises(errors.Conflict, match="card_used"):
        await cards.use(card.nonce, "operation:2")
    with pytest.raises(errors.Conflict, match="card_used"):
        await cards.open(payload)


async def test_six_digits_too_are_good_for_one_operation(redis):
    code = await cards.issue_code(SHOP, MEMBER)
    await cards.use((await cards.open_code(SHOP, code)).nonce, "operation:1")
    with pytest.raises(errors.Conflict, match="card_used"):
        await cards.open_code(SHOP, code)


async def test_two_showings_are_two(redis):
    first, second = await cards.open(cards.issue(SHOP, MEMBER)), await cards.open(cards.issue(SHOP, MEMBER))
    await cards.use(first.nonce, "operation:1")
    await cards.use(second.nonce, "operation:2")
    assert first.nonce != second.nonce


async def test_without_redis_a_card_opens_and_the_digits_do_not(redis):
    redis.faults.now = Fault("503")
    payload = cards.issue(SHOP, MEMBER)
    assert (await cards.open(payload)).member_id == MEMBER
    await cards.use("nonce", "operation:1")
    with pytest.raises(errors.Unavailable):
        await cards.issue_code(SHOP, MEMBER)
    with pytest.raises(errors.Conflict, match="codes_away"):
        await cards.open_code(SHOP, "123456")
