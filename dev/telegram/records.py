"""The records of the simulated Telegram: bots, users, chats, messages, updates, calls. Wire shapes stay plain dicts."""

import asyncio
from dataclasses import asdict, dataclass, field
from typing import Any

type Json = dict[str, Any]


class Refused(Exception):
    """An answer that is not 'ok': Telegram's code, words and parameters."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


class CannotAct(Exception):
    """Something a person cannot do in the chat, with a sentence for the page."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Account:
    """A bot as BotFather made it."""

    name: str
    token: str
    username: str
    title: str

    @property
    def id(self) -> int:
        return int(self.token.partition(":")[0])

    @property
    def user(self) -> Json:
        return {"id": self.id, "is_bot": True, "first_name": self.title, "username": self.username}


@dataclass
class Webhook:
    """Where a bot's updates go, and how that went."""

    url: str = ""
    secret_token: str = ""
    max_connections: int = 40
    allowed_updates: list[str] | None = None
    changed_at: float = 0.0
    last_error_date: int = 0
    last_error_message: str = ""
    gone_since: float = 0.0


class Bot:
    """A bot's settings, and the room for its deliveries."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.name = account.name
        self.webhook = Webhook()
        self.profile: Json = {"commands": {}, "name": {}, "description": {}, "short_description": {}, "menu": {}}
        self.next_update_id = 1
        self.next_message_id = 1
        self.slots = asyncio.Semaphore(40)
        self.changed = asyncio.Event()
        self.polls = 0

    def wake(self) -> None:
        """Let go on what waits for something to happen to this bot."""
        self.changed.set()
        self.changed = asyncio.Event()

    def set_webhook(self, webhook: Webhook) -> None:
        """Replace the webhook; deliveries that wait for a retry try the new one at once."""
        self.webhook = webhook
        self.slots = asyncio.Semaphore(webhook.max_connections)
        self.wake()

    def doc(self) -> Json:
        return {"name": self.name, "webhook": asdict(self.webhook), "profile": self.profile}

    def load(self, doc: Json) -> None:
        self.profile |= doc["profile"]
        self.set_webhook(Webhook(**doc["webhook"]))


@dataclass
class Posted:
    """A message in a chat, with what only the simulator knows about it."""

    message: Json
    outgoing: bool
    update_id: int | None = None
    deleted: bool = False
    calls: list[int] = field(default_factory=list)
    payload: str = ""
    reaction: list[Json] = field(default_factory=list)


@dataclass
class Chat:
    """The private chat of one user with one bot."""

    bot: str
    user_id: int
    started: bool = False
    blocked: bool = False
    reply_keyboard: Json | None = None
    unread: int = 0
    messages: dict[int, Posted] = field(default_factory=dict)
    action: str = ""
    action_until: float = 0.0
    pinned: int = 0
    draft: int = 0
    draft_until: float = 0.0
    can_stop: bool = False

    @property
    def key(self) -> str:
        return f"{self.bot}/{self.user_id}"

    def doc(self) -> Json:
        kept = ("bot", "user_id", "started", "blocked", "reply_keyboard", "unread", "pinned")
        return {name: getattr(self, name) for name in kept}


@dataclass
class Update:
    """An update on its way to the webhook, and all that is known about the way."""

    bot: str
    update_id: int
    update: Json
    queue: str
    user_id: int
    created_at: float
    expires_at: float
    state: str = "pending"  # then delivered, expired, dropped (by drop_pending_updates) or filtered (not asked for)
    attempts: list[Json] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    state_before: Any = None
    state_after: Any = None
    log: Json | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def key(self) -> str:
        return f"{self.bot}/{self.update_id}"

    @property
    def kind(self) -> str:
        return next((name for name in self.update if name != "update_id"), "")

    def doc(self) -> Json:
        return {name: value for name, value in vars(self).items() if name != "done"}


@dataclass
class Call:
    """A Bot API call as it arrived and as it was answered."""

    id: int
    bot: str
    method: str
    params: Json
    at: float
    user_id: int | None = None
    ms: float = 0.0
    status: int = 0
    result: Any = None
    error: str | None = None
    fault: str | None = None
    problems: list[str] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)

    def doc(self) -> Json:
        doc = asdict(self)
        doc.pop("result" if self.error else "error")
        return doc


@dataclass
class Payment:
    """Stars that a user paid to a bot, given back or not."""

    charge_id: str
    bot: str
    user_id: int
    amount: int
    payload: str
    date: int
    refunded_at: int = 0


@dataclass
class Press:
    """A pressed button that waits for answerCallbackQuery."""

    bot: str
    user_id: int
    message_id: int
    at: float
    update_id: int = 0
    answer: Json | None = None


@dataclass
class Checkout:
    """A payment that waits for answerPreCheckoutQuery."""

    bot: str
    user_id: int
    amount: int
    payload: str
    at: float
    update_id: int = 0
    verdict: Json | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
