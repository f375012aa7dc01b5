"""An instance's own knowledge while Redis is out of reach: since when it is, and its own turns and updates."""

from dataclasses import dataclass, field
from datetime import timedelta

PATIENCE = timedelta(seconds=3)  # a blip is left to Telegram, which offers the update again: Neon has no state yet
REMEMBERED = 5000  # updates, a megabyte


@dataclass
class Outage:
    """This instance's view of Redis: since when it fails, how often Neon was used, and how much was told of it."""

    since: float | None = None
    used: int = 0
    told: int = 0

    @property
    def untold(self) -> bool:
        """Whether the others must hear that Neon was used."""
        return self.used > self.told

    def failed(self, now: float) -> None:
        """Note a failure; the first in a row is when the outage began."""
        self.since = now if self.since is None else self.since

    def over(self, *, told: int) -> None:
        """Note that Redis has answered, and how many uses the mark that it took tells of."""
        self.since = None
        self.told = max(self.told, told)

    def lasts(self, now: float) -> bool:
        """Tell whether Redis has failed for longer than it pays to wait."""
        return self.since is not None and now - self.since >= PATIENCE.total_seconds()


@dataclass
class OwnTurns:
    """The updates that this instance has done, and the turns it has or tries for: of each person one at a time.

    Redis and Neon do not know of each other's turns, nor Neon of what was done while Redis was there.
    """

    done: dict[tuple[str, int], None] = field(default_factory=dict)
    turns: dict[tuple[str, int], float] = field(default_factory=dict)

    def takes(self, bot: str, user_id: int, now: float, until: float) -> bool:
        """Note a turn, which is over at a Unix time at the latest; False when there is one of this person."""
        if self.turns.get((bot, user_id), 0.0) > now:
            return False
        self.turns[bot, user_id] = until
        return True

    def ended(self, bot: str, user_id: int, update_id: int | None = None) -> None:
        """Note that a turn is over, and the update if it is done."""
        self.turns.pop((bot, user_id), None)
        if update_id is not None:
            self.done[bot, update_id] = None
        if len(self.done) > REMEMBERED:
            del self.done[next(iter(self.done))]
