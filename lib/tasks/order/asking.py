"""Decides whom to ask for an item, and what."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lib import config, db, errors, providers, storage, text
from lib.drawing.card import received
from lib.drawing.card.render import PRESETS
from lib.providers import makers
from lib.providers.contract import Ask
from lib.providers.makers import Offer
from lib.studio import spending
from lib.tasks.order import alarm, prompts, source
from lib.tasks.order.desk import Desk, Item, after

# How long an order waits for a provider that is busy or away before it goes on to the next: a seller would rather have
# what was chosen a minute later.
PATIENCE = 120
# How long an order waits when everybody left on its chain rests.
AT_MOST = timedelta(hours=1)
# The same for a model that the seller wants to wait for: by then the budgets of a day have room.
A_DAY = timedelta(days=1)

CLIP = (1080, 1920)
BACKGROUND = (1200, 1600)


def step_of(offer: Offer, item: Item) -> Offer:
    """Return what is to be made now: the still that a clip begins with, or the thing itself."""
    return offer.still if offer.still and "still" not in item else offer


@dataclass(frozen=True)
class Choice:
    """Who is asked next, and by which of our keys."""

    offer: Offer
    account: str


async def choose(desk: Desk, item: Item) -> Choice | datetime:
    """Return who is asked next, or when to come again; raise Rejected when nobody is left."""
    tried = item.get("tried", [])
    left = [offer for offer in _chain(desk) if offer.name not in tried]
    if not left:
        raise errors.Rejected("provider_down", ", ".join(tried))
    halts: list[str] = []
    for offer, door in zip(left, await _doors(desk, item, left), strict=True):
        if not door.halt:
            if offer.provider == "local" and halts:
                item["why"] = halts[0]
            return Choice(offer, makers.account(offer.provider, desk.job_id, door.resting))
        halts.append(door.halt)
        if door.halt == "spent":
            await alarm.alert(desk, offer.provider, door.halt)
        if door.halt == "down" and is_patient(desk, item):
            await desk.show("making.busy")
            return after(15)
    waits = desk.order.maker == "model"
    if desk.run.age > (A_DAY if waits else AT_MOST):
        raise errors.Rejected("model_away" if waits else "provider_down", ", ".join(halts))
    cause = text.say(desk.order.language, f"making.cause.{halts[0]}")
    await desk.show("making.waits" if waits else "making.busy", cause=cause)
    return after(60)


async def _doors(desk: Desk, item: Item, offers: list[Offer]) -> list[spending.Door]:
    asked = [(step.provider, step.cost) for step in (step_of(offer, item) for offer in offers)]
    user, job = desk.run.job.user_id, desk.job_id
    return await db.run(lambda conn: spending.doors(conn, user, asked, job_id=job))


def is_patient(desk: Desk, item: Item) -> bool:
    """Say whether to go on waiting for the provider of choice; the wait begins with the first question."""
    return desk.now - float(item.setdefault("since", desk.now)) < PATIENCE * config.get().lease_scale


def offer_of(desk: Desk, name: str) -> Offer | None:
    """Return an offer of the order's chain by its name."""
    return next((offer for offer in _chain(desk) if offer.name == name), None)


async def note_call(conn: db.Connection, desk: Desk, number: int, chosen: Choice, step: Offer) -> spending.CallStart:
    """Note that a step is about to be asked for."""
    starts, span = providers.RATES.get(step.provider, (None, None))
    return await spending.begin_call(
        conn,
        desk.job_id,
        desk.run.token,
        number,
        "main" if step is chosen.offer else "still",
        provider=step.provider,
        account=chosen.account,
        model=step.model,
        cost=step.cost,
        starts=starts,
        span=span,
    )


async def ask(desk: Desk, number: int, item: Item, chosen: Choice, step: Offer) -> Ask:
    """Return what the provider is asked for, in checked words."""
    order, variant = desk.order, desk.order.variant + number
    if order.is_video:
        prompt = prompts.of_clip(order) if step is chosen.offer else prompts.of_still(order, variant)
        width, height = CLIP
    else:
        prompt = prompts.of_picture(order, variant)
        width, height = BACKGROUND if order.product == "background" else size_of(order.preset)
    return Ask(
        job_id=desk.job_id,
        product=order.product,
        prompt=prompt,
        picture=await _picture(desk, item, step),
        width=width,
        height=height,
        preset=order.preset,
        title=order.title,
        benefits=order.benefits,
        scene=order.scene,
        template=order.template,
        seconds=order.seconds,
        variant=variant,
        account=chosen.account,
    )


def size_of(preset: str) -> tuple[int, int]:
    """Return the size of a card's full-quality file."""
    found = PRESETS[preset]
    return found.export_width, found.export_height


async def _picture(desk: Desk, item: Item, step: Offer) -> bytes:
    if "still" in item and step.still:
        return await storage.get(item["still"][1])
    photo = await source.photo(desk)
    if step.provider == "local":
        return photo
    return await source.draw(received.flat, photo)


def _chain(desk: Desk) -> tuple[Offer, ...]:
    return makers.left(desk.order.product, desk.order.preset, desk.order.maker)
