"""The client who is being served: who it is, how they showed themselves, and the bill so far.

Nothing in it is believed: the ledger checks it against the rows. The name is what the last screen called them.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lib.loyalty.members import Member
from lib.loyalty.staff import Staff
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

# A showing counts for so long: a screen that was left open is no proof that the client is still there.
SHOWN = timedelta(minutes=10)


@dataclass(frozen=True)
class Serving:
    """A client at the counter of a shop.

    `nonce` is the showing of the card, "" without one, and `shown_at` its time. `bill` is in kopecks. `asked`: the
    client was asked for their word; `again`: the same bill once more is meant. `words` are digits that may be the bill
    or the next client.
    """

    shop: int
    member: int = 0
    name: str = ""
    nonce: str = ""
    shown_at: float = 0.0
    bill: int = 0
    points: int = 0
    asked: bool = False
    again: bool = False
    words: str = ""

    def showing(self, *, now: datetime | None = None) -> str:
        """Return the showing of the card; "" when there was none or it is too long ago."""
        since = (now or datetime.now(UTC)).timestamp() - SHOWN.total_seconds()
        return self.nonce if self.shown_at > since else ""

    def shown(self, nonce: str) -> "Serving":
        """Return it with a card that is shown now."""
        return replace(self, nonce=nonce, shown_at=datetime.now(UTC).timestamp())

    def billed(self, bill: int) -> "Serving":
        """Return it with another bill, of which nothing is decided yet."""
        return replace(self, bill=bill, points=0, asked=False, again=False, words="")


TILL = DraftKey("till", Serving)


def of(turn: Turn, place: Staff) -> Serving:
    """Return who is being served at this shop; of another shop nothing is kept."""
    found = TILL.of(turn.state)
    return found if found and found.shop == place.partner_id else Serving(place.partner_id)


def begin(before: Serving, member: Member, nonce: str) -> Serving:
    """Return the serving of a client from the start; the same one has still shown their card."""
    fresh = Serving(before.shop, member.id, member.name)
    if nonce:
        return fresh.shown(nonce)
    return replace(fresh, nonce=before.nonce, shown_at=before.shown_at) if before.member == member.id else fresh
