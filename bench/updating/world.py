"""The services far away, as one process of their own: an Upstash over a real Valkey, and a Telegram that agrees.

`python -m bench.updating.world <folder> <Valkey's socket>`. Each listens on a Unix socket, in front of which the bench
puts its distance. A line of stdin is answered with what was asked for since the last.
"""

import asyncio
import itertools
import json
import re
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from bench.updating import letters, wire
from ops.serving.bridge import Bridge, read_batch, read_command
from ops.serving.resp import Address

UPSTASH, TELEGRAM = "upstash.sock", "telegram.sock"


class World:
    """Both services and their counts; the commands that scripts ran are Valkey's own count."""

    def __init__(self, valkey: Path) -> None:
        self._bridge = Bridge(Address(path=str(valkey)), "unasked")  # nobody sends it: the wire below asks for no token
        self._ids = itertools.count(1)
        self.counts: dict[str, int] = {}
        self.calls: list[tuple[str, int, float]] = []
        self.screens: dict[int, int] = {}  # the last message that each chat was sent

    async def redis(self, path: str, body: bytes) -> bytes:
        """Answer a pipeline or a single command, base64 as the clients ask for."""
        commands = read_batch(body) if path.endswith("pipeline") else [read_command(body)]
        self._count("redis", 1)
        self.calls.append(("redis", 0, time.monotonic()))
        self._count("redis_commands", len(commands))
        entries = await self._bridge.answers_to(commands, encode=True)
        return json.dumps(entries if path.endswith("pipeline") else entries[0]).encode()

    def telegram(self, path: str, body: bytes) -> bytes:
        """Do what is asked and say so: nobody reads the chats here."""
        method = path.rpartition("/")[2]
        if method == "screen":  # no method of Telegram's: which message a chat was sent last, for who plays its person
            return json.dumps({"result": self.screens.get(int(json.loads(body)["chat_id"]), 0)}).encode()
        self._count("telegram", 1)
        asked = json.loads(body) if body[:1] == b"{" else dict(parse_qsl(body.decode(errors="replace")))
        chat = int(asked.get("chat_id", 0) or 0)
        self.calls.append((method, chat, time.monotonic()))
        self._greet(chat, str(asked.get("text", "")))
        return json.dumps({"ok": True, "result": self._result(method, chat, asked)}).encode()

    def _result(self, method: str, chat: int, asked: dict[str, str]) -> Any:
        if method == "answerCallbackQuery":
            return True
        message_id = int(asked.get("message_id", 0)) or next(self._ids)
        self.screens[chat] = message_id
        person = {"id": chat, "type": "private", "first_name": "Алиса"}
        bot = {"id": 1, "is_bot": True, "first_name": "Лоток"}
        message = {"message_id": message_id, "date": 1, "chat": person, "from": bot, "text": asked.get("text", "")}
        return message | ({"reply_markup": json.loads(asked["reply_markup"])} if "reply_markup" in asked else {})

    def _greet(self, chat: int, text: str) -> None:
        """Count the greetings that name somebody else than the chat's person."""
        named = re.search(r"Алиса(\d+)", text)
        if named and int(named[1]) != chat - letters.FIRST:
            self._count("mixed_up", 1)

    def _count(self, name: str, number: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + number

    def told(self) -> dict[str, Any]:
        """Return the counts and the calls since the last time."""
        counts, calls, self.counts, self.calls = self.counts, self.calls, {}, []
        return {**counts, "calls": calls, "screens": self.screens}


async def main(folder: Path, valkey: Path) -> None:
    """Serve until stdin ends."""
    world = World(valkey)
    await wire.serve(folder / UPSTASH, world.redis)
    await wire.serve(folder / TELEGRAM, world.telegram)
    print("ready", flush=True)
    while await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        print(json.dumps(world.told()), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
