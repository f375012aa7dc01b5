"""The first meeting of a person and a bot: consent with two links, once for all bots, then the bot's own welcome.

stranger: anything -> consent -> [accept] -> welcome; dispatch leads on to where a link led
known:    /start   -> greeting
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lib import config, db
from lib.people import profiles, users
from lib.people.users import User
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


@dataclass(frozen=True)
class Meeting:
    """A bot's own words: those to consent to, a welcome after the consent, a greeting for a known person."""

    consent: Callable[[Turn], Awaitable[str]]
    welcome: Callable[[Turn, User], Awaitable[None]]
    greet: Callable[[Turn], Awaitable[None]]

    async def handle(self, turn: Turn) -> None:
        """Ask a stranger for consent, greet a person who has given it."""
        if turn.came.kind == "press" and turn.came.text == "start:accept":
            await self.welcome(turn, await _accept(turn))
        elif turn.state.who.get("consent"):
            await self.greet(turn)
        else:
            accept = screen.button(turn, "start.accept", "start:accept", style="success")
            language = screen.button(turn, "button.language", "language:other")
            await turn.show(await self.consent(turn), [papers(turn), [accept], [language]])


async def _accept(turn: Turn) -> User:
    """Record the consent; the trial credits come once in a person's life, however often this is pressed."""
    user_id = turn.state.who["id"]
    user = await db.run(lambda conn: users.accept_consent(conn, user_id, turn.chat.id))
    turn.after.append(lambda: profiles.forget(user_id, turn.chat.id))
    turn.state.who["consent"] = True
    await db.run(lambda conn: users.introduce(conn, user_id, turn.chat.bot))
    return user


async def is_new(turn: Turn) -> bool:
    """Tell whether a person who has consented in another bot reads for the first time what this one is for."""
    return await db.run(lambda conn: users.introduce(conn, turn.state.who["id"], turn.chat.bot))


def papers(turn: Turn) -> list[Button]:
    """Return the links to the terms and to the privacy policy."""
    site = config.get().public_url
    return [screen.link(turn, f"start.{name}", f"{site}/{name}.html") for name in ("terms", "privacy")]
