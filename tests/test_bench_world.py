"""The stand-ins of Upstash and Telegram in the benches of updates, of load and of the till."""

import asyncio
import base64
import json

from bench.updating.world import World
from dev import valkey


async def test_the_services_of_the_benches_answer_and_count():
    with valkey.Valkey() as server:
        world = World(server.socket)
        [kept, read] = json.loads(await world.redis("/pipeline", b'[["SET", "a", "1"], ["GET", "a"]]'))
        assert kept == {"result": "OK"}
        assert base64.b64decode(read["result"]) == b"1"
        assert json.loads(await world.redis("/", b'["GET", "none"]')) == {"result": None}
        sent = json.loads(world.telegram("/bot1:A/sendMessage", b'{"chat_id": 5, "text": "x"}'))
        assert sent["ok"]
        assert json.loads(world.telegram("/screen", b'{"chat_id": 5}'))["result"]
        assert world.counts == {"redis": 2, "redis_commands": 3, "telegram": 1}
        await world._bridge.close()
        await asyncio.sleep(0)  # its connections go now
