"""Faults on demand: the next calls that match are answered as Telegram answers on a bad day."""

import itertools
from dataclasses import asdict, dataclass
from typing import Any

from dev.telegram.records import CannotAct, Json, Refused

KINDS = ("429", "403", "400", "500", "timeout", "timeout_after", "slow")
SECONDS = {"timeout": 20.0, "timeout_after": 20.0, "slow": 3.0}
HTML = "<html>\r\n<head><title>500 Internal Server Error</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"


@dataclass
class Fault:
    """A fault of the next `times` calls of `method`; a bot or user narrows it."""

    id: int
    method: str
    kind: str
    times: int = 1
    retry_after: int = 2
    bot: str | None = None
    user_id: int | None = None
    seconds: float = 0.0
    description: str = ""

    def hits(self, bot: str, method: str, user_id: int | None) -> bool:
        return (
            self.method.lower() in ("*", method.lower()) and self.bot in (None, bot) and self.user_id in (None, user_id)
        )

    def refuse(self) -> None:
        """Raise the answer of a fault that has one."""
        if self.kind == "429":
            words = f"Too Many Requests: retry after {self.retry_after}"
            raise Refused(429, words, {"retry_after": self.retry_after})
        if self.kind == "403":
            raise Refused(403, self.description or "Forbidden: bot was blocked by the user")
        if self.kind == "400":
            raise Refused(400, self.description or "Bad Request: chat not found")


class Faults:
    """The faults that still wait for their call, oldest first."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self.active: list[Fault] = []

    def add(self, wish: dict[str, Any]) -> Fault:
        kind = str(wish.get("kind", ""))
        if kind not in KINDS:
            raise CannotAct("bad_fault", f"A fault's kind is one of {', '.join(KINDS)}.")
        fault = Fault(
            id=next(self._ids),
            method=str(wish.get("method") or "*"),
            kind=kind,
            times=max(1, int(wish.get("times") or 1)),
            retry_after=int(wish.get("retry_after") or 2),
            bot=wish.get("bot") or None,
            user_id=int(wish["user_id"]) if wish.get("user_id") else None,
            seconds=float(wish.get("seconds") or SECONDS.get(kind, 0)),
            description=str(wish.get("description") or ""),
        )
        self.active.append(fault)
        return fault

    def take(self, bot: str, method: str, user_id: int | None) -> Fault | None:
        """Return the fault that this call meets, used up by one."""
        fault = next((one for one in self.active if one.hits(bot, method, user_id)), None)
        if fault:
            fault.times -= 1
            self.active = [one for one in self.active if one.times > 0]
        return fault

    def clear(self) -> None:
        self.active = []

    def docs(self) -> list[Json]:
        return [asdict(one) for one in self.active]
