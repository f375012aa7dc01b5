"""The three templates: which shots a clip has, how long each is seen, how it moves, and how one becomes the next.

    own      the cover comes alive: it pushes on to the next shot
    broll    the product large, in slow moves that melt into each other
    ugc      stickers in a hand that is not quite still; hard cuts

All cuts fall on half beats of the music.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from lib.drawing.clip import layouts, motion, shots
from lib.drawing.clip.layouts import ClipStyle
from lib.drawing.clip.music import BEAT
from lib.drawing.clip.shots import Camera, Shot
from lib.drawing.clip.story import FPS, HEIGHT, Actor, Story, actor
from lib.drawing.cover import choice
from lib.drawing.cover.letters import ONEST, RUBIK
from lib.drawing.cover.slides import PAIRS
from lib.drawing.ground.planes import Frame

FULL = {"bleed", "number", "column", "sticker", "bento", "paper"}  # covers that fill 9:16
ALONE = 1.5  # beats of a shot that is long enough for words


@dataclass(frozen=True)
class Template:
    """One way to tell a story. `nears` are the close-ups of five and of ten seconds, `first` the covers wanted first.

    Those that are `late` open it when no other takes the product.
    """

    change: str  # from shot to shot: push, melt, cut
    takes: float  # seconds of it
    nears: tuple[int, int]
    first: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    turn: int = 0  # of the opening's colours
    style: ClipStyle | None = None  # None: that of the cover
    shake: float = 0.0
    zoom: float = 0.08
    drift: float = 46.0


TEMPLATES = {
    "own": Template("push", 0.36, (2, 4), late=("bleed", "sticker")),
    "broll": Template(
        "melt", 0.44, (1, 3), ("bleed", "number", "column"),
        style=ClipStyle(ONEST, ("dark", "tint", "vivid", "pastel")), turn=1, zoom=0.14, drift=90.0,
    ),
    "ugc": Template(
        "cut", 0.0, (2, 5), ("sticker", "bleed"), style=ClipStyle(RUBIK, ("bright", "vivid", "pastel", "dark"), 12),
        shake=8.0, zoom=0.05, drift=24.0,
    ),
}  # fmt: skip


def frames(story: Story, template: str) -> Iterator[Frame]:
    """Draw every frame, one at a time."""
    wanted, shown = TEMPLATES[template], list(shots_of(story, template))
    for number in range(story.seconds * FPS):
        now = number / FPS
        index = max(k for k, shot in enumerate(shown) if shot.start <= now + 1e-6)
        frame = shots.draw(shown[index], now)
        passed = now - shown[index].start
        if index and passed < wanted.takes:
            frame = _changed(wanted, shots.draw(shown[index - 1], now), frame, passed)
        yield frame


def _changed(wanted: Template, before: Frame, after: Frame, passed: float) -> Frame:
    share = motion.glide(passed + 1 / FPS, 0, wanted.takes)
    return (
        before.pushed(after, round(share * HEIGHT / 2) * 2) if wanted.change == "push" else before.mixed(after, share)
    )


@dataclass(frozen=True)
class Cut:
    """A shot in the plan: its kind, which picture it shows, its words, and its length in beats."""

    kind: str
    picture: int
    words: str
    beats: float
    number: int = 0


def plan(seconds: int, pictures: int, nears: int, benefits: tuple[str, ...]) -> list[Cut]:
    """Divide the time: the opening and the end have theirs, other pictures and close-ups share what is between.

    Words come to the shots that are long enough to read them.
    """
    beats = seconds / BEAT
    first, last = (4.0, 3.0) if beats > 12 else (3.0, 2.0) if pictures < 4 else (2.0, 2.0)
    middle = beats - first - last
    others = [("whole", number) for number in range(1, pictures)]
    room = int(middle / ALONE) - len(others)
    close = [("near", 0)] * (min(nears, room) if others or room > 0 else 1)
    kinds = [one for turn in itertools.zip_longest(close, others) for one in turn if one]
    ends = [round(2 * middle * (number + 1) / len(kinds)) / 2 for number in range(len(kinds))]
    lengths = [end - start for start, end in itertools.pairwise([0.0, *ends])]
    said = itertools.chain(benefits, itertools.repeat(""))
    texts = [next(said) if length >= ALONE else "" for length in lengths]
    planned = enumerate(zip(kinds, texts, lengths, strict=True), 1)
    cuts = [Cut(kind, picture, words, length, k) for k, ((kind, picture), words, length) in planned]
    return [Cut("opening", 0, "", first), *cuts, Cut("closing", 0, "", last, len(cuts) + 1)]


def shots_of(story: Story, template: str) -> Iterator[Shot]:
    """Draw the shots of a clip, one after the other."""
    wanted = TEMPLATES[template]
    actors = [actor(picture, story.facts.name) for picture in story.pictures]
    design, turn = _design(actors[0], story, wanted)
    style = layouts.branded(wanted.style or ClipStyle(PAIRS.get(design, ONEST)), story.own)
    at = 0.0
    for cut in plan(story.seconds, len(actors), wanted.nears[story.seconds > 6], story.benefits):
        one = actors[cut.picture]
        number = cut.number + story.variant
        if cut.kind == "opening" and design:
            sheet = layouts.opening(one, story.facts, design, turn, story.own)
        elif cut.kind == "opening":
            sheet = layouts.whole(one, story.facts, story.facts.title, style, number)
        elif cut.kind == "closing":
            sheet = layouts.closing(one, story.facts, story.call, style, number)
        elif cut.kind == "near":
            sheet = layouts.near(one, story.facts, cut.words, style, number)
        else:
            sheet = layouts.whole(one, story.facts, cut.words, style, number)
        length = cut.beats * BEAT
        camera = _camera(wanted, one, cut)
        yield shots.of(sheet, at, length, camera, words=story.facts.title, face=style.pair.title)
        at = round((at + length) * 1000) / 1000


def _design(one: Actor, story: Story, wanted: Template) -> tuple[str, int]:
    """Return the cover that opens the clip and its turn; "" for a photo that could not be cut."""
    picture = one.picture
    if not picture.is_cut:
        return "", 0
    fitting = choice.fitting(story.facts, picture.image.width / picture.image.height, picture.sides, one.look.rim)
    full = FULL | {"food"} if story.facts.kind == "food" else FULL
    full = full | {"dark"} if story.own.ground else full
    fitting = [name for name in fitting if name in full] or fitting
    rank = {name: place - len(wanted.first) for place, name in enumerate(wanted.first)}
    order = sorted(fitting, key=lambda name: rank.get(name, 1 if name in wanted.late else 0))
    order.sort(key=lambda name: layouts.is_far(one, story, name))
    if not order:
        return "", 0
    turn, place = divmod(story.variant, len(order))
    return order[place], turn + wanted.turn


def _camera(wanted: Template, one: Actor, cut: Cut) -> Camera:
    is_firm = not one.picture.is_cut or bool(one.picture.sides)
    near = (1.0, 1.0 + wanted.zoom) if is_firm or cut.kind == "near" else (0.97, 0.97 + wanted.zoom)
    if cut.kind == "opening" and not is_firm:
        near = (1.0 - wanted.zoom / 2, 1.0)  # larger it would grow over the words
    side = wanted.drift * (-1) ** cut.number
    drift = (side, -side / 2) if cut.kind == "near" and one.picture.is_cut and not one.picture.sides else (0.0, 0.0)
    shake = wanted.shake if one.picture.is_cut else 0.0
    return Camera(near, drift, shake, is_firm)
