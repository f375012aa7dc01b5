"""Takes docs/simulator.png: the four bots at work, side by side, in a stack that runs without keys and has fresh data.

Анна gets a card, Борис shows the QR code of his card, Вера accrues points on it, and Дина decides about a shop.
"""

import io
import re
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from dev.stack import ROOT

PICTURE = ROOT / "docs" / "simulator.png"
WINDOW = {"width": 1900, "height": 1060}
COLUMNS = "studio:1001,client:1002,partner:1003,admin:1005"
WORDS = "Термос «Лесной» 0,5 л\nДержит тепло 12 часов\nНе протекает\nПищевая сталь"
PATIENCE = 60.0


class Chat:
    """One person's chat with one bot."""

    def __init__(self, http: httpx.Client, bot: str, user_id: int) -> None:
        self._http, self._path = http, f"/sim/chats/{bot}/{user_id}"

    def says(self, text: str) -> None:
        """Write a text."""
        self._act("text", json={"text": text})

    def sends(self, photo: Path) -> None:
        """Send a photo."""
        self._act("upload", files={"files": (photo.name, photo.read_bytes(), "image/jpeg")}, data={"as": "photo"})

    def presses(self, label: str) -> None:
        """Press the newest button with this label."""
        for message in reversed(self._messages()):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if label in button["text"]:
                        pressed = {"message_id": message["message_id"], "data": button["callback_data"]}
                        self._act("press", json=pressed)
                        return
        raise LookupError(f"no button {label!r} in {self._path}")

    def sees(self, pattern: str) -> re.Match[str]:
        """Wait for words of the bot."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for message in reversed(self._messages()):
                if found := re.search(pattern, str(message.get("text") or message.get("caption") or "")):
                    return found
            time.sleep(0.2)
        raise TimeoutError(f"{pattern!r} never came in {self._path}")

    def _messages(self) -> list[dict[str, Any]]:
        shown = self._http.get(self._path).raise_for_status().json()["messages"]
        return [one for one in shown if not one["sim"]["outgoing"] and not one["sim"].get("deleted")]

    def _act(self, action: str, **body: Any) -> None:
        self._http.post(f"{self._path}/{action}", params={"wait": "1"}, **body).raise_for_status()


def take(page: str) -> int:
    """Play the scene in the stack at this address and take the picture."""
    with httpx.Client(base_url=page, timeout=60, trust_env=False) as http:
        http.post("/sim/seed").raise_for_status()
        _play(Chat(http, "studio", 1001), Chat(http, "client", 1002), Chat(http, "partner", 1003))
        dina = Chat(http, "admin", 1005)
        for step in ("На проверку", "Магазины", "1"):
            if step == "На проверку":
                dina.says("/menu")
            dina.presses(step)
        dina.sees("Ждёт решения")
    PICTURE.write_bytes(_smaller(_photograph(f"{page}/?chat={COLUMNS}&theme=light&lang=ru")))
    print(f"docs/simulator.png: {PICTURE.stat().st_size // 1000} kB")
    return 0


def _play(anna: Chat, boris: Chat, vera: Chat) -> None:
    anna.says("/start")
    anna.sends(ROOT / "dev" / "samples" / "thermos.jpg")
    anna.says(WORDS)
    for label in ("Карточка товара", "Wildberries", "Сделать"):
        anna.presses(label)
    anna.sees("Карточка готова")
    boris.says("/menu")
    boris.presses("QR-код")
    digits = boris.sees(r"цифры: (\d{3}\s?\d{3})")[1]
    vera.says("/menu")
    vera.presses("Обслужить клиента")
    vera.says(digits)
    vera.says("480")  # not a bill of the seed, which would be asked about as the same once more
    vera.presses("Начислить")
    boris.sees(r"\+\d+ балл")


def _photograph(address: str) -> bytes:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=WINDOW, reduced_motion="reduce")  # type: ignore[arg-type]
        page.goto(address)
        page.wait_for_selector("[data-test=message]")
        page.wait_for_timeout(2500)  # pictures are drawn after their frames
        taken = page.screenshot()
        browser.close()
    return taken


def _smaller(png: bytes) -> bytes:
    """Pack the picture tightly: of each channel 64 steps are left, which nobody sees in a README."""
    image = Image.open(io.BytesIO(png)).convert("RGB").point(lambda level: min(255, (level + 2) // 4 * 4))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
