"""The simulator page's switches for the faults of the stand-ins of KIE and OpenAI, in a real browser."""

import pytest
from playwright.async_api import expect

from tests.flows.test_simulator_page import TOO_WIDE, browser, looks, pytestmark

__all__ = ["browser", "looks", "pytestmark"]


@pytest.fixture
def stack(ai_stack):
    return ai_stack


async def opened(looks, chat):
    """Open the chat and the panel of faults beside it."""
    page = await looks(chat, viewport={"width": 1280, "height": 900})
    await page.get_by_test_id("inspector-toggle").click()
    await page.get_by_test_id("tab-faults").click()
    return page


async def test_a_fault_is_switched_on_seen_met_and_gone(studio, looks):
    alice = await studio.seller()
    page = await opened(looks, alice)
    rules = page.get_by_test_id("fault-kie-task_rules")
    await rules.click()
    await expect(rules).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_test_id("fault-badges")).to_contain_text("KIE: нарушает правила")
    job = await studio.order(alice, title="Кружка")
    assert (await studio.end_of(job))["error_code"] == "rules"
    await expect(rules).to_have_attribute("aria-pressed", "false")
    await expect(page.get_by_test_id("fault-badges")).to_have_count(0)


async def test_a_second_press_switches_a_fault_off_and_leaves_the_others(studio, looks):
    page = await opened(looks, await studio.seller())
    await page.get_by_test_id("fault-times").fill("3")
    money, flagged = page.get_by_test_id("fault-kie-code_402"), page.get_by_test_id("fault-openai-flagged")
    await money.click()
    await flagged.click()
    await expect(money).to_contain_text("× 3")
    await money.click()
    await expect(money).to_have_attribute("aria-pressed", "false")
    active = (await studio.http.get("/sim/state")).json()["faults"]
    assert [(fault["part"], fault["kind"], fault["times"]) for fault in active] == [("openai", "flagged", 3)]
    assert await page.evaluate(TOO_WIDE) == []


async def test_every_fault_has_a_name_in_words(studio, looks):
    page = await opened(looks, await studio.seller())
    kinds = (await studio.http.get("/sim/state")).json()["fault_kinds"]
    for part, groups in kinds.items():
        for kind in [kind for group in groups.values() for kind in group]:
            await expect(page.get_by_test_id(f"fault-{part}-{kind}")).not_to_have_text(kind)


@pytest.mark.parametrize("wish", [{"part": "kie", "kind": "earthquake"}, {"part": "bank", "kind": "500"}])
async def test_a_fault_that_no_stand_in_knows_is_refused(studio, wish):
    answer = await studio.http.post("/sim/faults", json=wish)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_fault")
