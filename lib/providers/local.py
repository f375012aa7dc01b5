"""The renderer behind the contract of the providers: finished at once, costs nothing, needs no key."""

from collections.abc import Callable, Mapping, Sequence

from lib import errors
from lib.drawing import work
from lib.drawing.card import render
from lib.drawing.card.render import CardOrder
from lib.drawing.clip.wanted import VideoOrder
from lib.drawing.cover import branding
from lib.drawing.cover.branding import Branding
from lib.drawing.cut import result
from lib.drawing.ground.output import FinishedCard
from lib.drawing.scene import background
from lib.drawing.scene.background import BackgroundOrder
from lib.providers import makers
from lib.providers.contract import Ask, Offer, Output, Report, Request, Ticket

INSTANT = True
RATE = None
OFFERS = makers.OWN


async def prepare(offer: Offer, ask: Ask) -> Request:
    """There is nothing to prepare."""
    return {}


async def create(offer: Offer, ask: Ask, request: Request, callback: str) -> Ticket | Output:
    """Draw it in a thread. The caller sees to it that one core draws one thing at a time."""
    return await work.in_thread(_MAKERS[offer.model], ask)


def _card(ask: Ask) -> Output:
    way, words = result.way(ask.way), (ask.title, ask.benefits)
    order = CardOrder(ask.preset, *words, ask.variant, ask.design, ask.slide, way, _own(ask), ask.framed)
    return _picture(render.render_card(ask.picture, order, result.kept(ask.cut)))


def _own(ask: Ask) -> Branding:
    return branding.read(ask.own.logo, ask.own.accent, ask.own.ground, ask.own.pair)


def _background(ask: Ask) -> Output:
    order = BackgroundOrder(ask.scene, ask.variant, result.way(ask.way), ask.framed)
    return _picture(background.render_background(ask.picture, order, result.kept(ask.cut)))


def _picture(made: FinishedCard) -> Output:
    return Output(made.png, made.jpeg, made.width, made.height, made.layout, cost=0)


def _video(ask: Ask) -> Output:
    from lib.drawing.clip import video  # brings the encoder

    way = result.way(ask.way)
    clip = (ask.title, ask.benefits, ask.template, ask.seconds, ask.variant, ask.music)
    wanted = VideoOrder(*clip, others=ask.others, way=way, own=_own(ask))
    made = video.render_video(ask.picture, wanted, result.kept(ask.cut))
    return Output(made.mp4, made.poster_jpeg, made.width, made.height, made.note, cost=0)


_MAKERS: dict[str, Callable[[Ask], Output]] = {"card": _card, "background": _background, "video": _video}


async def poll(tickets: Sequence[Ticket]) -> list[Report]:
    """There are no tickets."""
    return [Report("failed", error="never begun") for _ in tickets]


async def collect(ticket: Ticket, report: Report) -> Output:
    """There are no tickets."""
    raise errors.Rejected("no_ticket", ticket.id)


async def find(offer: Offer, request: Request, task_id: str) -> Ticket | None:
    """There are no tasks."""
    return None


def check_report(headers: Mapping[str, str], task_id: str) -> None:
    """There are no reports."""
    raise errors.Denied()
