"""Decides whom to ask for an item, and what."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lib import config, db, errors, providers, storage, text
from lib.drawing import work
from lib.drawing.card import received
from lib.drawing.card.render import COVERS, PRESETS
from lib.drawing.cover import framed
from lib.drawing.cover.choice import DESIGNS, LAST_RESORT
from lib.drawing.scene import invented
from lib.drawing.scene.invented import Reference
from lib.providers import makers
from lib.providers.contract import Ask, Offer, OwnStyle
from lib.studio import brands, cuts, orders, spending
from lib.studio.items import Call, Item
from lib.tasks.order import alarm, prompts, scenery, source
from lib.tasks.order.desk import Desk, after

# How long an order waits for a provider that is busy or away before it goes on to the next: a seller would rather have
# what was chosen a minute later.
PATIENCE = 120
# How long an order waits when everybody left on its chain rests.
AT_MOST = timedelta(hours=1)
# The same for a model that the seller wants to wait for: by then the budgets of a day have room.
A_DAY = timedelta(days=1)

CLIP = (1080, 1920)
BACKGROUND = (1200, 1600)


@dataclass(frozen=True)
class Choice:
    """The offer that is asked for an item, by which of our keys, and for what: the still a clip begins with, or all.

    `why` is the halt of those who were wanted more, when we make it ourselves.
    """

    offer: Offer
    step: Offer
    account: str
    why: str = ""

    @property
    def is_still(self) -> bool:
        """Whether only the still is made now."""
        return self.step is not self.offer


async def choose(desk: Desk, item: Item) -> Choice | datetime:
    """Return who is asked next, or when to come again; raise Rejected when nobody is left."""
    left = [offer for offer in _chain(desk) if offer.name not in item.tried]
    if not left:
        raise errors.Rejected("provider_down", ", ".join(item.tried))
    halts: list[str] = []
    for offer, door in zip(left, await _doors(desk, item, left), strict=True):
        if not door.halt:
            why = halts[0] if offer.provider == "local" and halts else ""
            account = makers.account(offer.provider, desk.job_id, door.resting)
            return Choice(offer, _step_of(offer, item), account, why)
        halts.append(door.halt)
        if door.halt == "spent":
            await alarm.alert(desk, offer.provider, errors.Unavailable("spent"))
        if door.halt == "down" and is_patient(desk, item):
            await desk.show("making.busy")
            await desk.keep(waiting(desk, item))
            return after(15)
    waits = desk.order.maker == "model"
    if desk.run.age > (A_DAY if waits else AT_MOST):
        raise errors.Rejected("model_away" if waits else "provider_down", ", ".join(halts))
    cause = text.say(desk.order.language, f"making.cause.{halts[0]}")
    await desk.show("making.waits" if waits else "making.busy", cause=cause)
    return after(60)


def choice_of(desk: Desk, call: Call) -> Choice | None:
    """Return whom a call went to; None when the table has lost that offer since."""
    offer = next((offer for offer in _chain(desk) if offer.name == call.offer), None)
    if offer is None:
        return None
    return Choice(offer, (offer.still if call.still else offer) or offer, call.account)


def _step_of(offer: Offer, item: Item) -> Offer:
    return offer.still if offer.still and item.still is None else offer


async def _doors(desk: Desk, item: Item, offers: list[Offer]) -> list[spending.Door]:
    asked = [(step.provider, step.cost) for step in (_step_of(offer, item) for offer in offers)]
    user, job = desk.run.job.user_id, desk.job_id
    return await db.run(lambda conn: spending.doors(conn, user, asked, job_id=job))


def is_patient(desk: Desk, item: Item) -> bool:
    """Say whether to go on waiting for the provider of choice; the wait begins with the first question."""
    return item.since is None or desk.now - item.since < PATIENCE * config.get().lease_scale


def waiting(desk: Desk, item: Item) -> Item:
    """Return the item with the beginning of its wait."""
    return item if item.since is not None else replace(item, since=desk.now)


async def note_call(conn: db.Connection, desk: Desk, item: Item, choice: Choice) -> spending.CallStart:
    """Note that a step is about to be asked for."""
    step = choice.step
    starts, span = providers.load(step.provider).RATE or (None, None)
    intent = spending.Intent(
        desk.job_id,
        desk.run.token,
        item.number,
        "still" if choice.is_still else "main",
        provider=step.provider,
        account=choice.account,
        model=step.model,
        cost=step.cost,
        starts=starts,
        span=span,
    )
    return await spending.begin_call(conn, intent)


async def ask(desk: Desk, item: Item, choice: Choice) -> Ask:
    """Return what the provider is asked for, in checked words."""
    order, variant = desk.order, desk.order.variant + item.number
    design = order.design
    if order.is_batch:
        variant, design = 0, _design_of_all(desk)
    slide = item.number if order.product == "set" else None
    is_ours = choice.step.provider == "local"
    given = None if is_ours else await _given(desk, item)
    if order.is_video:
        prompt = prompts.of_still(order, variant) if choice.is_still else prompts.of_clip(order)
        width, height = CLIP
    else:
        prompt = prompts.of_picture(order, variant, slide=slide, placed=given is not None)
        width, height = BACKGROUND if order.product == "background" else size_of(order.preset)
    return Ask(
        job_id=desk.job_id,
        product=order.product,
        prompt=prompt,
        picture=given.picture if given else await _picture(desk, item, choice.step),
        mask=given.mask if given else b"",
        width=width,
        height=height,
        preset=order.preset,
        title=order.titles[item.number] if order.titles else order.title,
        benefits=order.benefits,
        scene=orders.INVENTED.get(order.scene, order.scene),
        template=order.template,
        seconds=order.seconds,
        variant=variant,
        music=order.mood,
        others=await source.others(desk) if is_ours or choice.is_still else (),
        design=design,
        slide=slide,
        account=choice.account,
        own=await _own(desk, choice.step),
        cut=await _cut(desk, item, choice.step),
        way=_way(desk, item, design),
        framed=is_ours and _chain(desk)[0].provider != "local",
    )


async def _given(desk: Desk, item: Item) -> Reference | None:
    """Return the cut in its place, for a scene that is invented around it; None for all else."""
    product = await scenery.product(desk, item)
    return await work.draw(invented.reference, product, desk.order.scene) if product else None


def _design_of_all(desk: Desk) -> str:
    """Return the one cover of all photos of a batch, chosen or shown first; another variant of it is the next one."""
    wanted = desk.order.design or desk.run.checkpoint.get("led", "")
    names = framed.DESIGNS if wanted in framed.DESIGNS else tuple(DESIGNS)
    first = wanted if wanted in names else LAST_RESORT
    return names[(names.index(first) + desk.order.variant) % len(names)]


def _way(desk: Desk, item: Item, design: str) -> str:
    """Return the way to show the product: a batch on a cover for whole photos has no cut one."""
    if desk.order.is_batch and desk.order.preset in COVERS and design in framed.DESIGNS:
        return "framed"
    return "" if _is_unseen(desk, item) else desk.order.way


def size_of(preset: str) -> tuple[int, int]:
    """Return the size of a card's full-quality file."""
    found = PRESETS[preset]
    return found.export_width, found.export_height


async def _picture(desk: Desk, item: Item, step: Offer) -> bytes:
    if item.still and step.still:
        return await storage.get(item.still.pathname)
    photo = await source.photo(desk, item)
    if step.provider == "local":
        return photo
    return await work.draw(received.flat, photo)


async def _own(desk: Desk, step: Offer) -> OwnStyle:
    """Return the seller's own style for covers and clips that we draw."""
    bears = desk.order.is_video or (desk.order.task == "card" and desk.order.preset in COVERS)
    if step.provider != "local" or not bears:
        return OwnStyle()
    if desk.own is None:
        desk.own = await brands.own(desk.run.job.user_id)
    return desk.own


def _is_unseen(desk: Desk, item: Item) -> bool:
    """Say whether it is a photo of a batch whose cut the seller has not seen: of all but the first."""
    return desk.order.is_batch and item.number > 0


async def _cut(desk: Desk, item: Item, step: Offer) -> bytes:
    """Return the photo's kept cut for what we draw ourselves; nothing where it is missing, and is made once more."""
    if step.provider != "local" or _is_unseen(desk, item):
        return b""
    if desk.cut is None and desk.order.cut:
        desk.cut = await cuts.of_order(desk.run.job.user_id, desk.order.cut, desk.order.way)
    return desk.cut or b""


def _chain(desk: Desk) -> tuple[Offer, ...]:
    return makers.left(desk.order.product, desk.order.preset, desk.order.maker)
