"""The simulator's page in a real browser: what a person does and sees there."""

import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, async_playwright, expect

from dev.stack import Stack
from tests.flows.chat import PATIENCE, Chat

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

pytestmark = [pytest.mark.long, pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium")]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        expect.set_options(timeout=PATIENCE * 1000)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        await browser.close()


@pytest.fixture
async def looks(browser: Browser, stack: Stack) -> AsyncIterator[Callable[..., Awaitable[Page]]]:
    """Open a person's chat in the page. Any error of the page, or that it logs, fails the test."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            errors.append(f"{message.text} {message.location}")

    async def look(chat: Chat, *, theme: str = "light", **window: Any) -> Page:
        page = await browser.new_page(reduced_motion="reduce", **window)
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{stack.page}/?chat={chat.bot}:{chat.user['id']}&theme={theme}&lang=ru")
        return page

    yield look
    for context in browser.contexts:
        await context.close()
    assert errors == []


# The elements that reach over an edge of the window, apart from what lies in a row that scrolls sideways by itself.
TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter((element) => {
    const { left, right, width } = element.getBoundingClientRect();
    const scrolls = (parent) => parent && (/auto|scroll/.test(getComputedStyle(parent).overflowX)
        && parent.dataset.test !== "messages" || scrolls(parent.parentElement));
    return width && (left < -0.5 || right > innerWidth + 0.5) && element.checkVisibility() && !scrolls(element);
}).map((element) => element.outerHTML.slice(0, 120))"""


def message(page: Page, words: str) -> Locator:
    """The bot's messages with these words."""
    return page.locator("[data-test=message][data-side=in]").filter(has_text=words)


async def press(page: Page, label: str) -> None:
    await page.get_by_test_id("inline-button").filter(has_text=label).last.click()


async def say(page: Page, text: str) -> None:
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("send").click()


async def send_photo(page: Page, photo: bytes) -> None:
    await page.get_by_test_id("attach").click()
    async with page.expect_file_chooser() as choosing:
        await page.get_by_test_id("attach-photo").click()
    await (await choosing.value).set_files({"name": "mug.jpg", "mimeType": "image/jpeg", "buffer": photo})
    await expect(page.get_by_test_id("upload-as-photo")).to_have_attribute("aria-checked", "true")
    await page.get_by_test_id("upload-send").click()
    await expect(page.get_by_test_id("upload-sheet")).to_have_count(0)


async def expect_picture(place: Locator, *, at_least: int) -> None:
    """Wait until a picture has come and is drawn, not only its frame."""
    image = place.get_by_test_id("photo").locator("img")
    await expect(image).to_be_visible()
    await image.evaluate("image => image.decode()")
    assert await image.evaluate("image => image.naturalWidth") >= at_least


async def test_a_photo_becomes_a_card_before_ones_eyes(stranger, photo, looks):
    page = await looks(stranger, viewport={"width": 1280, "height": 900})
    await page.get_by_test_id("start").click()
    await press(page, "Принимаю")
    await expect(message(page, "2 кредита")).to_be_visible()
    await send_photo(page, photo)
    await expect_picture(page.locator("[data-test=message][data-side=out]").last, at_least=480)
    await expect(message(page, "напишите название")).to_be_visible()
    await say(page, "Кружка керамическая\nДержит тепло\n350 мл")
    await press(page, "Карточка товара")
    await press(page, "Wildberries")
    await expect(message(page, "Цена: 1 кредит")).to_be_visible()
    await press(page, "Сделать")

    card = message(page, "Карточка готова: Wildberries").filter(has=page.get_by_test_id("photo"))
    await expect(card).to_contain_text("Баланс: 1 кредит")
    await expect_picture(card, at_least=600)
    file = page.locator("[data-test=message]").last
    await expect(file.get_by_test_id("document")).to_contain_text(".png")
    await expect(file).to_be_in_viewport()

    await card.hover()
    await card.get_by_test_id("message-inspect").click()
    inspector = page.get_by_test_id("inspector")
    await expect(inspector.get_by_test_id("section-history")).to_contain_text("editMessageMedia")
    await expect(inspector.get_by_test_id("state-diff")).to_be_visible()
    await inspector.get_by_test_id("history-update").last.click()
    for part in ("webhook", "Redis", "SQL", "Bot API"):
        await expect(inspector.get_by_test_id("section-trips")).to_contain_text(part)


async def test_everything_fits_a_narrow_dark_phone(seller, photo, looks):
    await seller.sends_photo(photo)
    await seller.says("Кружка" * 12 + "\n" + "Держит тепло долго, моется в машине " * 6)
    page = await looks(seller, theme="dark", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    await expect(page.get_by_test_id("inline-button").last).to_be_in_viewport()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert await page.evaluate(TOO_WIDE) == []
    await page.get_by_test_id("back").click()
    row = page.locator(f"[data-test=chat-row][data-chat='studio:{seller.user['id']}']")
    await expect(row).to_be_in_viewport()
    await expect(page.get_by_test_id("messages")).not_to_be_visible()
    assert await page.evaluate(TOO_WIDE) == []
    await row.click()
    await expect(page.get_by_test_id("composer")).to_be_in_viewport()
    await expect(page).to_have_url(re.compile("theme=dark"))
