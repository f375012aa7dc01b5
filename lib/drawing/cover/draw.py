"""Draws one cover: the sheet of the wanted shape, the colours of its design, and the design itself."""

from dataclasses import replace

from PIL import Image

from lib.drawing.cover import branding, tones
from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.cover.choice import DESIGNS
from lib.drawing.cover.facts import CoverFacts, with_note
from lib.drawing.cover.paper import WIDTH, CoverSheet
from lib.drawing.cover.parts import Cover
from lib.drawing.cover.places import Subject
from lib.drawing.cover.tones import GAP, SubjectLook

# Words stand between these lines (units), by the sheet's height: apps cover the rest.
ZONES = ((1000, (40, 860)), (1500, (52, 1148)), (9999, (205, 1345)))


def draw(
    size: tuple[int, int],
    product: Image.Image,
    facts: CoverFacts,
    design: str,
    turn: int = 0,
    sides: tuple[str, ...] = (),
    own: Branding = UNBRANDED,
) -> Image.Image:
    """Return the cover at this size in pixels; `product` is RGBA, cropped to itself; its photo cuts it at `sides`."""
    takes = DESIGNS[design]
    made = prepared(size, product, facts if takes.note else with_note(facts), design, turn, sides, own)
    takes.draw(made)
    return signed(made)


def signed(made: Cover) -> Image.Image:
    """Return the finished sheet of a cover or a slide, with the seller's logo on it."""
    branding.sign(made.paper, made.own, made.top - made.room)
    return made.paper.image


def prepared(
    size: tuple[int, int],
    product: Image.Image,
    facts: CoverFacts,
    design: str,
    turn: int = 0,
    sides: tuple[str, ...] = (),
    own: Branding = UNBRANDED,
) -> Cover:
    """Return the empty sheet of a design in its colours: for its cover, and for the slides that follow."""
    takes = DESIGNS[design]
    seen = tones.character(product, facts.name)
    found = _standing_out(seen, takes.mood, facts.kind, takes.turn + turn, own)
    others = {mood: tones.tones(seen, mood, facts.kind, own=own) for mood in ("dark", "tint")}
    others["bright1"] = tones.tones(seen, "bright", facts.kind, 1, own)
    top, bottom = zone(size)
    paper = CoverSheet(*size, found.ground)
    made = Cover(paper, Subject(product, facts.hangs, sides), facts, found, others, top, bottom, own)
    return replace(made, top=top + made.room)


def zone(size: tuple[int, int]) -> tuple[float, float]:
    """Return the lines, in units, between which words may stand on a sheet of this size in pixels."""
    high = size[1] * WIDTH / size[0]
    return next(lines for limit, lines in ZONES if high < limit)


def _standing_out(seen: SubjectLook, mood: str, kind: str, turn: int, own: Branding) -> tones.Tones:
    """Return the first turn of a mood whose ground differs from the product's rim, else the wanted one."""
    tried = [tones.tones(seen, mood, kind, turn + step, own) for step in range(3)]
    return next((one for one in tried if one.gap >= GAP), tried[0])
