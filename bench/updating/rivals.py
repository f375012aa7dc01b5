"""The same trivial bot three times, each in a process of its own: ours, aiogram's, python-telegram-bot's Application.

`rivals.py <ours|aiogram|ptb> <port of a Telegram> <updates>` prints one line of JSON: what importing took, the
processor's time for an update (a command that is answered, a press that edits and is answered), and the memory. None
of them keeps state; the cost of ours is measured apart.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

TOKEN = "123456789:AAbenchbenchbenchbenchbenchbenchben"
PERSON = {"id": 7, "is_bot": False, "first_name": "Алиса", "language_code": "ru"}
CHAT = {"id": 7, "type": "private", "first_name": "Алиса"}
MESSAGE = {"message_id": 5, "date": 1_790_000_000, "chat": CHAT, "from": PERSON}
COMMAND = {"update_id": 1, "message": {**MESSAGE, "text": "/menu"}}
COMMAND["message"]["entities"] = [{"type": "bot_command", "offset": 0, "length": 5}]  # type: ignore[index]
PRESS = {"id": "1", "from": PERSON, "chat_instance": "1", "data": "menu:home", "message": {**MESSAGE, "text": "Меню"}}
BODIES = [json.dumps(COMMAND).encode(), json.dumps({"update_id": 2, "callback_query": PRESS}).encode()]
WORDS, LABEL = "<b>Лоток</b> · карточки товаров", "Новая карточка"

type Feed = Callable[[bytes], Awaitable[Any]]


async def ours(address: str) -> Feed:
    """Parse, choose the flow, answer."""
    from lib.flows import FLOWS
    from lib.telegram import conversation, dispatch, update
    from lib.telegram.client import Button, Chat

    class Flow:
        @staticmethod
        async def handle(turn: dispatch.Turn) -> None:
            await turn.show(WORDS, [[Button(LABEL, "card:new")]])

    sys.modules["lib.flows.studio.menu"] = Flow  # type: ignore[assignment]

    async def feed(raw: bytes) -> None:
        came = update.parse(raw)
        assert came
        state = conversation.State("", {"screen": 5}, {"id": 1, "consent": True, "language": "ru"})
        turn = dispatch.Turn(came, state, Chat("studio", came.person.id))
        await dispatch._flow(FLOWS.menus["studio"], turn, FLOWS)

    return feed


async def aiogram(address: str) -> Feed:
    """The same with aiogram's Dispatcher."""
    from aiogram import Bot, Dispatcher, F
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.filters import Command
    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(address)))
    dispatcher = Dispatcher()

    def keyboard() -> Any:
        return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=LABEL, callback_data="card:new")]])

    @dispatcher.message(Command("menu"))
    async def said(message: Any) -> None:
        await message.answer(WORDS, parse_mode="HTML", reply_markup=keyboard())

    @dispatcher.callback_query(F.data == "menu:home")
    async def pressed(query: Any) -> None:
        edit = query.message.edit_text(WORDS, parse_mode="HTML", reply_markup=keyboard())
        await asyncio.gather(bot(edit), bot(query.answer()))

    async def feed(raw: bytes) -> None:
        await dispatcher.feed_raw_update(bot, json.loads(raw))

    return feed


async def ptb(address: str) -> Feed:
    """The same with the library's own Application, as its serverless recipes have it."""
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
    from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ExtBot

    class Bot(ExtBot):  # type: ignore[type-arg]
        async def get_me(self, *_: Any, **__: Any) -> Any:  # or its start would ask Telegram
            from telegram import User

            self._bot_user = User(1, "Лоток", True, username="lotok_bot")
            return self._bot_user

    application = Application.builder().bot(Bot(TOKEN, base_url=f"{address}/bot")).build()
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton(LABEL, callback_data="card:new")]])

    async def said(update: Any, _: Any) -> None:
        await update.message.reply_text(WORDS, parse_mode="HTML", reply_markup=keyboard)

    async def pressed(update: Any, _: Any) -> None:
        edit = update.callback_query.edit_message_text(WORDS, parse_mode="HTML", reply_markup=keyboard)
        await asyncio.gather(edit, update.callback_query.answer())

    application.add_handler(CommandHandler("menu", said))
    application.add_handler(CallbackQueryHandler(pressed, "^menu:home$"))
    await application.initialize()

    async def feed(raw: bytes) -> None:
        await application.process_update(Update.de_json(json.loads(raw), application.bot))

    return feed


async def main(name: str, port: str, updates: int) -> None:
    """Be one of the bots for so many updates."""
    began = time.perf_counter()
    {"ours": _import_ours, "aiogram": _import_aiogram, "ptb": _import_ptb}[name]()
    imported = time.perf_counter()
    feed = await {"ours": ours, "aiogram": aiogram, "ptb": ptb}[name](f"http://127.0.0.1:{port}")
    await feed(BODIES[0])
    first = time.perf_counter()
    for number in range(40):
        await feed(BODIES[number % 2])
    best = 1.0
    for _ in range(4):
        used = time.process_time()
        for number in range(updates // 4):
            await feed(BODIES[number % 2])
        best = min(best, (time.process_time() - used) / (updates // 4))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    found = {"import": (imported - began) * 1000, "first": (first - imported) * 1000, "cpu": best * 1000, "mb": peak}
    print(json.dumps(found), flush=True)
    os._exit(0)  # their sessions would complain of not having been closed


def _import_ours() -> None:
    import api.telegram.index  # noqa: F401 - the whole webhook, with its database and caches


def _import_aiogram() -> None:
    import aiogram  # noqa: F401


def _import_ptb() -> None:
    import telegram.ext  # noqa: F401


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
