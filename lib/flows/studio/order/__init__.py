"""From a product photo to a placed order. The draft decides the screen: what it lacks is asked for next.

    photo -> words -> product -> its look -> wishes -> confirm -> ordered         (draft.py says what is missing)
      ^________^_________^__________^__________^__________| change any of them

Covers to choose from follow the confirm screen of a card that we draw (covers.py).
A photo or a text is taken at any step and replaces what was there. A press counts only on the current screen, except
on results, whose buttons always work. Nothing is charged before "confirm", and once for each confirm screen: the
order's key is that message, whatever is pressed twice or delivered again. Prices are rows; a button never holds one.
"""

from lib import db
from lib.flows.studio.order import covers, cutting, draft, mending, placing, recutting, screens, taking, touching
from lib.flows.studio.ordering import DRAFT
from lib.studio import files, placed
from lib.telegram import screen
from lib.telegram.dispatch import Turn

FROM_ORDER = ("again", "variant", "video", "format", "edit", "rewish", "retry")


async def handle(turn: Turn) -> None:
    """Take one update into the draft and show what comes next; a confirm screen is followed by its covers."""
    await _take(turn)
    covers.offer(turn)


async def _take(turn: Turn) -> None:
    came = turn.came
    if came.kind == "press":
        await _pressed(turn)
    elif came.attachment:
        await taking.photo(turn, came.attachment)
    elif came.kind == "text" and turn.state.step == mending.STEP:
        await mending.reword(turn)
    elif came.kind == "text":
        await taking.text(turn)
    elif came.kind == "command" and came.command == "cancel":
        await placing.cancel_last(turn)
    elif came.kind == "command":
        await _new(turn)
    else:
        await screens.show_next(turn, turn.text("card.not_a_photo"))


async def _pressed(turn: Turn) -> None:
    prefix, _, rest = turn.came.text.partition(":")
    action, _, argument = rest.partition(":")
    if prefix == "card" and action == "again":  # what a button of the first cards meant by it
        action = "variant"
    if action in FROM_ORDER:
        await _from_order(turn, action, argument)
    elif action == "new":
        await _new(turn)
    elif action == "resume":
        draft.keep(turn, draft.answered(draft.of(turn)))
        await screens.show_next(turn)
    elif action == "cancel":
        await placing.cancel(turn, argument)
    elif action == "confirm":
        await placing.confirm(turn)
    elif action == "cut":
        await cutting.choose(turn, argument)
    elif action == "recut":
        await recutting.pressed(turn, argument)
    elif action in touching.ACTIONS:
        await touching.pressed(turn, action, argument)
    elif action == "words" and argument in ("take", "edit"):
        await taking.proposal(turn, argument)
    elif action in mending.ACTIONS:
        await mending.pressed(turn, action, argument)
    elif action == "design":
        await covers.choose(turn, argument)
    elif action == "covers":
        await covers.more(turn, argument)
    elif not turn.on_screen or not DRAFT.of(turn.state):
        await screen.refuse_old_button(turn)
        await screens.show_next(turn)
    else:
        draft.keep(turn, draft.change(draft.of(turn), action, argument))
        await screens.show_next(turn)


async def _from_order(turn: Turn, action: str, argument: str) -> None:
    """Begin a draft from an order of the same person, wherever its message is by now."""
    user_id = turn.state.who["id"]
    job = await db.run(lambda conn: placed.find_order(conn, user_id, argument))
    if job is None:
        await screen.refuse_old_button(turn)
        await screens.show_next(turn)
        return
    source = draft.source_of(job) if action != "retry" else None
    gone = source is not None and not await db.run(lambda conn: files.find_files(conn, user_id, [source]))
    begun = draft.from_job(job, action, has_photo=not gone)
    draft.keep(turn, begun)
    turn.state.data["screen"] = 0
    notes = ["studio.source_gone"] if gone else ["studio.cut.right_gone"] if await cutting.renewed(turn) else []
    await screens.show_next(turn, *map(turn.text, notes))


async def _new(turn: Turn) -> None:
    DRAFT.drop(turn.state)
    await screens.show_next(turn)
