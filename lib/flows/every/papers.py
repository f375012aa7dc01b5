"""The terms, the privacy policy, and a way to write to the administrators, for people who are shut out, too.

/terms, /privacy -> papers -> [write] -> words -> the administrators have them

The step before is kept behind ours, so that who asks something meanwhile goes on where they were.
"""

from datetime import timedelta

from lib import config, limits
from lib.flows import meeting
from lib.people import notify
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn

LETTERS = limits.Limit("support", 3, timedelta(hours=1))
WORDS = "papers:"


async def handle(turn: Turn) -> None:
    """Show where each of them is, ask for the words, or hand them on."""
    wants, before = turn.came.text == "papers:write", turn.state.step
    if before.startswith(WORDS) and not wants:
        turn.state.step = before.removeprefix(WORDS)
    if turn.stranger or not config.get().admin_ids:
        await _home(turn, [])
    elif turn.came.kind == "press" and wants:
        await _ask(turn)
    elif turn.came.kind == "text" and before.startswith(WORDS):
        await _home(turn, _ways(turn), await _hand_on(turn))
    else:
        await _home(turn, _ways(turn))


def _ways(turn: Turn) -> list[Button]:
    return [screen.button(turn, "papers.write", "papers:write")]


async def _home(turn: Turn, ways: list[Button], note: str = "") -> None:
    key = "menu.papers" if turn.chat.bot == "studio" else "menu.papers.free"
    rows = [row for row in (meeting.papers(turn), ways, screen.home(turn)) if row]
    await turn.show(screen.paragraphs(note, turn.text(key), _model(turn)), rows)


def _model(turn: Turn) -> str:
    """Say who reads the questions to an assistant, in the bots that have one and where a model answers."""
    settings = config.get()
    if turn.chat.bot not in ("client", "partner") or not settings.openai_api_key:
        return ""
    vendor = settings.openai_vendor or turn.text("menu.papers.model_vendor")
    where = f"{vendor}, {settings.openai_country}" if settings.openai_country else vendor
    return turn.text("menu.papers.model", where=where)


async def _ask(turn: Turn) -> None:
    if not turn.state.step.startswith(WORDS):
        turn.state.step = f"{WORDS}{turn.state.step}"
    await turn.show(turn.text("papers.ask"), [screen.home(turn, "papers:home")])


async def _hand_on(turn: Turn) -> str:
    """Give the words to the administrators, who see whose they are; three in a row, then one in 20 minutes."""
    if wait := await limits.wait(turn.chat.id, LETTERS):
        return turn.text("papers.too_fast", n=-(-wait // 60))
    person = turn.came.person
    name = " ".join(part for part in (person.first_name, person.last_name) if part)
    words = turn.came.text
    told = await notify.hand_to_admins(turn.chat.bot, "alert.letter", name=name, tg_id=person.id, words=words)
    return turn.text("papers.sent" if told else "papers.failed")
