"""The simulated Telegram: what every user and bot sees, kept on disk, told to everyone who watches.

One event loop alone touches it, so a change is whole before anybody sees it.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from dev.telegram import cast, delivery, markup
from dev.telegram.faults import Faults
from dev.telegram.feed import Feed
from dev.telegram.files import Files
from dev.telegram.hooks import Hooks
from dev.telegram.records import Account, Bot, Call, CannotAct, Chat, Checkout, Json, Payment, Posted, Press, Update
from dev.telegram.spec import Spec
from dev.telegram.store import Store

KEPT = 4000  # updates and calls that can still be looked at
ACTION_SECONDS = 5.0
DRAFT_SECONDS = 30.0
DEFAULT_UPDATES_LEFT_OUT = {"chat_member", "message_reaction", "message_reaction_count"}


class World:
    """Bots, people, chats, files, updates and calls. `start` and `stop` run in the loop that serves the apps.

    `data_dir` None keeps all in memory. `time_scale` shortens the waits between the attempts at an update.
    `clock` tells the time for dates and expiry.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        bots: Sequence[Account] = cast.BOTS,
        time_scale: float = 1.0,
        spec_path: Path | None = None,
        clock: Callable[[], float] = time.time,
        environment: str = "local",
        hooks: Hooks | None = None,
    ) -> None:
        self.time_scale, self.clock, self.environment = time_scale, clock, environment
        self.hooks = hooks or Hooks()
        self.store = Store(data_dir)
        self.feed, self.faults, self.spec = Feed(), Faults(), Spec(spec_path)
        self.problems: list[str] = []
        self.bots = {account.name: Bot(account) for account in bots}
        self.users: dict[int, Json] = {one["id"]: {"language_code": "ru", **one} for one in cast.CAST}
        self.chats: dict[tuple[str, int], Chat] = {}
        self.updates: dict[tuple[str, int], Update] = {}
        self.calls: dict[int, Call] = {}
        self.payments: dict[str, Payment] = {}
        # by bot: messages above the free pace, of which ten cost a Star, and how many went out in which second
        self.paid_messages: Counter[str] = Counter()
        self.paid_now: dict[str, tuple[int, int]] = {}
        self.invoices: dict[str, Json] = {}
        self.presses: dict[str, Press] = {}
        self.checkouts: dict[str, Checkout] = {}
        self.chores: set[asyncio.Task[Any]] = set()
        self.on_reply: Callable[[Bot, Json], Awaitable[Any]] | None = None
        self._flying: dict[tuple[str, int], list[Update]] = {}
        self.files = Files(self.store, self.bots)
        self.delivery = delivery.Delivery(self)
        self._load()

    async def start(self) -> Self:
        """Begin to deliver; what was on its way when the stack stopped goes on."""
        await self.delivery.start()
        return self

    async def stop(self) -> None:
        """End the deliveries and the event streams; nothing undelivered is lost.

        To be called before the server stops: it waits for the streams.
        """
        self.feed.close()
        for task in self.chores:
            task.cancel()
        await asyncio.gather(*self.chores, return_exceptions=True)
        await self.delivery.stop()
        self.store.close()

    def _load(self) -> None:
        for doc in self.store.all("bot"):
            if doc["name"] in self.bots:
                self.bots[doc["name"]].load(doc)
        self.users |= {doc["id"]: doc for doc in self.store.all("user")}
        for doc in self.store.all("chat"):
            self.chats[(doc["bot"], doc["user_id"])] = Chat(**doc)
        for doc in sorted(self.store.all("message"), key=lambda one: one["posted"]["message"]["message_id"]):
            posted = Posted(**doc["posted"])
            self.chat(doc["bot"], doc["user_id"]).messages[posted.message["message_id"]] = posted
        for doc in sorted(self.store.all("update"), key=lambda one: one["update_id"]):
            self.updates[(doc["bot"], doc["update_id"])] = Update(**doc)
        for doc in sorted(self.store.all("call"), key=lambda one: one["id"]):
            self.calls[doc["id"]] = Call(**doc)
        self.payments = {doc["charge_id"]: Payment(**doc) for doc in self.store.all("payment")}
        self.invoices = {doc["link"]: doc for doc in self.store.all("invoice")}
        self._call_ids = itertools.count(max(self.calls, default=0) + 1)
        self._resume()

    def _resume(self) -> None:
        """Set the counters behind what is there, and put undelivered updates back into their queues."""
        for bot in self.bots.values():
            ids = [number for name, number in self.updates if name == bot.name]
            posted = [n for chat in self.chats.values() if chat.bot == bot.name for n in chat.messages]
            # Random, so that a forgotten chat history never repeats an id that the database remembers.
            bot.next_update_id = max(ids, default=random.randrange(10**8, 9 * 10**8)) + 1
            bot.next_message_id = max(posted, default=0) + 1
        for record in self.updates.values():
            if record.state == "pending" and record.bot in self.bots:
                self.delivery.add(record)
            else:
                record.done.set()

    def bot(self, name: str) -> Bot:
        if name not in self.bots:
            raise CannotAct("no_such_bot", f"There is no bot called {name}.", 404)
        return self.bots[name]

    def bot_by_token(self, token: str) -> Bot | None:
        return next((one for one in self.bots.values() if one.account.token == token), None)

    def keep_bot(self, bot: Bot) -> None:
        self.store.put("bot", bot.name, bot.doc())

    def user(self, user_id: int) -> Json:
        if user_id not in self.users:
            raise CannotAct("no_such_user", f"There is no user {user_id}.", 404)
        return self.users[user_id]

    def add_user(self, first_name: str, *, user_id: int = 0, username: str = "", language_code: str = "ru") -> Json:
        """Add a person; without an id they get the next one from a million up."""
        number = user_id or max(max(self.users) + 1, cast.FIRST_GUEST)
        self.users[number] = user = cast.person(number, first_name, username, language_code)
        self.store.put("user", str(number), user)
        return user

    def chat(self, bot: str, user_id: int) -> Chat:
        """Return a user's chat with a bot; an empty one is made on the way."""
        return self.chats.setdefault((bot, user_id), Chat(bot, user_id))

    def keep_chat(self, chat: Chat) -> None:
        self.store.put("chat", chat.key, chat.doc())

    def post(
        self, chat: Chat, content: Json, *, outgoing: bool = False, call: Call | None = None, payload: str = ""
    ) -> Posted:
        """Put a new message into a chat and show it; a bot's message ends its 'typing'.

        A user's message names the update that will carry it: the caller adds that update next.
        """
        bot = self.bots[chat.bot]
        sender = cast.wire_user(self.users[chat.user_id]) if outgoing else bot.account.user
        number = bot.next_message_id
        head = {"message_id": number, "from": sender, "chat": cast.wire_chat(self.users[chat.user_id])}
        bot.next_message_id += 1
        posted = Posted({**head, "date": int(self.clock()), **content}, outgoing, payload=payload)
        posted.update_id = bot.next_update_id if outgoing else None
        chat.messages[number] = posted
        chat.unread = 0 if outgoing else chat.unread + 1
        chat.started = chat.started or outgoing
        self.keep_chat(chat)
        self._sign(posted, call)
        self._show("message", chat, posted)
        if call:
            self.set_action(chat, "")
            self.end_draft(chat)
        return posted

    def edited(self, chat: Chat, posted: Posted, call: Call | None = None) -> None:
        """Keep and show a message that changed."""
        self._sign(posted, call)
        self._show("edit", chat, posted)

    def delete(self, chat: Chat, posted: Posted, call: Call | None = None) -> None:
        posted.deleted = True
        self._sign(posted, call)
        self._keep_message(chat, posted)
        self.emit("delete", bot=chat.bot, user_id=chat.user_id, message_id=posted.message["message_id"])

    def view(self, posted: Posted) -> Json:
        """Return a message as the Bot API shows it, with the simulator's own facts under 'sim'."""
        message = posted.message
        text: str = message.get("text") or message.get("caption") or ""
        entities: list[Json] = message.get("entities") or message.get("caption_entities") or []
        sim = {name: getattr(posted, name) for name in ("outgoing", "update_id", "deleted", "calls", "reaction")}
        files = {one: f"/sim/files/{one}" for one in _file_ids(message)}
        return {**message, "sim": {**sim, "files": files, "html": markup.safe_html(text, entities)}}

    def set_reply_keyboard(self, chat: Chat, keyboard: Json | None) -> None:
        chat.reply_keyboard = keyboard
        self.keep_chat(chat)
        self.emit("reply_keyboard", bot=chat.bot, user_id=chat.user_id, reply_keyboard=keyboard)

    def set_action(self, chat: Chat, action: str) -> None:
        """Show 'typing' or the like for five seconds, or end it."""
        if not action and not chat.action:
            return
        chat.action, chat.action_until = action, self.clock() + ACTION_SECONDS
        self.emit("action", bot=chat.bot, user_id=chat.user_id, action=action or None)
        if action:
            asyncio.get_running_loop().call_later(ACTION_SECONDS, self._fade, chat)

    def show_draft(self, chat: Chat, draft_id: int, text: str, html: str, *, can_stop: bool) -> None:
        """Show what a bot is still writing: until its next message, or for half a minute."""
        chat.draft, chat.can_stop = draft_id, can_stop
        chat.draft_until = self.clock() + DRAFT_SECONDS
        shown = {"draft_id": draft_id, "text": text, "html": html, "can_stop": can_stop}
        self.emit("draft", bot=chat.bot, user_id=chat.user_id, **shown)
        asyncio.get_running_loop().call_later(DRAFT_SECONDS, self._fade_draft, chat)

    def end_draft(self, chat: Chat) -> None:
        """Take a draft away."""
        if chat.draft:
            chat.draft = 0
            self.emit("draft", bot=chat.bot, user_id=chat.user_id, draft_id=0, text=None, html="", can_stop=False)

    def add_update(self, bot: Bot, body: Json) -> Update:
        """Give an update its number and send it on its way; one the webhook did not ask for goes nowhere."""
        queue, user_id, life = delivery.queue_of(body)
        number, now = bot.next_update_id, self.clock()
        bot.next_update_id += 1
        record = Update(bot.name, number, {"update_id": number, **body}, queue, user_id, now, now + life)
        self.updates[(bot.name, number)] = record
        wanted = bot.webhook.allowed_updates
        if record.kind not in wanted if wanted else record.kind in DEFAULT_UPDATES_LEFT_OUT:
            record.state = "filtered"
            record.done.set()
        self.keep_update(record)
        self._forget(self.updates, "update")
        if record.state == "pending":
            self.delivery.add(record)
        return record

    def keep_update(self, record: Update) -> None:
        self.store.put("update", record.key, record.doc())

    @contextlib.contextmanager
    def in_flight(self, record: Update) -> Iterator[None]:
        """Mark an update as being handled, so that the calls made meanwhile are known to be its own."""
        flying = self._flying.setdefault((record.bot, record.user_id), [])
        flying.append(record)
        try:
            yield
        finally:
            flying.remove(record)

    def open_call(self, bot: Bot, method: str, params: Json, user_id: int | None) -> Call:
        """Note that a call began; it belongs to the updates of its chat that are in flight."""
        call = Call(next(self._call_ids), bot.name, method, params, self.clock(), user_id)
        for record in self._flying.get((bot.name, user_id or 0), []):
            call.updates.append(record.update_id)
            record.calls.append(call.id)
        self.calls[call.id] = call
        return call

    def close_call(self, call: Call) -> None:
        """Note how a call ended, and complain when it broke the API's definition."""
        self.problems.extend(call.problems)
        doc = call.doc()
        self.store.put("call", str(call.id), doc)
        self._forget(self.calls, "call")
        self.emit("call", bot=call.bot, user_id=call.user_id, call=doc)

    def all_faults(self) -> list[Json]:
        """Return the faults that wait for their turn: the Bot API's own, and those of the other stand-ins."""
        return self.faults.docs() + [doc for faults in self.hooks.faults.values() for doc in faults.docs()]

    def tell_faults(self) -> None:
        """Tell the page that the faults have changed."""
        self.emit("fault", bot=None, user_id=None, faults=self.all_faults())

    def log_line(self, record: Json) -> None:
        """Take a line that a function logged: that of an update is shown with the update."""
        update = self.updates.get((str(record.get("bot")), int(record.get("update_id") or 0)))
        if update:
            update.log = record
            self.keep_update(update)
        self.emit("log", bot=record.get("bot"), user_id=record.get("user_id"), log=record)

    async def user_state(self, record: Update) -> Any:
        """Return what the stack remembers about an update's user; an unreachable store is no reason to wait."""
        try:
            return await asyncio.wait_for(self.hooks.user_state(record.bot, record.user_id), 0.5)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def keep_payment(self, payment: Payment) -> None:
        self.payments[payment.charge_id] = payment
        self.store.put("payment", payment.charge_id, asdict(payment))

    def keep_invoice(self, invoice: Json) -> None:
        self.invoices[invoice["link"]] = invoice
        self.store.put("invoice", invoice["link"], invoice)

    def emit(self, kind: str, **payload: Any) -> None:
        """Tell everyone who watches."""
        self.feed.emit(kind, **payload)

    def chore(self, work: Any) -> None:
        """Run a coroutine beside the request that asked for it."""
        task = asyncio.create_task(work)
        self.chores.add(task)
        task.add_done_callback(self.chores.discard)

    def _sign(self, posted: Posted, call: Call | None) -> None:
        if call:
            posted.calls.append(call.id)
            posted.update_id = call.updates[-1] if call.updates and posted.update_id is None else posted.update_id

    def _show(self, kind: str, chat: Chat, posted: Posted) -> None:
        self._keep_message(chat, posted)
        self.emit(kind, bot=chat.bot, user_id=chat.user_id, message=self.view(posted))

    def _keep_message(self, chat: Chat, posted: Posted) -> None:
        doc = {"bot": chat.bot, "user_id": chat.user_id, "posted": vars(posted)}
        self.store.put("message", f"{chat.key}/{posted.message['message_id']}", doc)

    def _fade(self, chat: Chat) -> None:
        if chat.action and self.clock() >= chat.action_until:
            self.set_action(chat, "")

    def _fade_draft(self, chat: Chat) -> None:
        if self.clock() >= chat.draft_until:
            self.end_draft(chat)

    def _forget(self, records: dict[Any, Any], kind: str) -> None:
        """Drop the oldest records that nobody waits for."""
        while len(records) > KEPT:
            key = next(iter(records))
            record = records[key]
            if getattr(record, "state", "") == "pending":
                return
            self.store.drop(kind, record.key if kind == "update" else str(key))
            del records[key]


def _file_ids(value: Any) -> list[str]:
    if isinstance(value, list):
        return [one for item in value for one in _file_ids(item)]
    if isinstance(value, dict):
        own = [value["file_id"]] if "file_id" in value else []
        return own + [one for name, item in value.items() if name != "reply_to_message" for one in _file_ids(item)]
    return []
