"""A stand-in for Telegram: the Bot API and the people who talk to the bots, by the rules of the real one.

world = World(data_dir)                        state; None keeps it in memory
Mount("/telegram", bot_api(world))             TELEGRAM_API_URL = http://127.0.0.1:PORT/telegram
Mount("/sim", control_api(world, hooks))       what the page and the tests use; docs/simulator.md
await world.start() ... await world.stop()     in the loop that serves the apps
"""

from dev.telegram.bot_api import bot_api
from dev.telegram.control import control_api
from dev.telegram.hooks import Hooks
from dev.telegram.records import Account
from dev.telegram.world import World

__all__ = ["Account", "Hooks", "World", "bot_api", "control_api"]
