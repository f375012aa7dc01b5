"""Where things are in a video, frame by frame: a whole product is never cropped, and no word ever lies over it."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib.drawing.card.looks import Hero
from lib.drawing.clip import cinema, footage, handheld, promo, stickers
from lib.drawing.clip.footage import View
from lib.drawing.clip.story import HEIGHT, WIDTH, Story
from lib.drawing.ground import planes
from lib.drawing.ground.planes import Frame, Layer

TITLE = "Подарочная коробка с лентой и открыткой"
TEXTS = ("Держит тепло 12 часов", "Не протекает", "Нержавеющая сталь")
SHAPES = ((200, 1200), (420, 1150), (560, 1130), (700, 1000), (1000, 1000), (1100, 820), (1200, 600), (1200, 260))
SMALL = ((90, 400), (240, 240), (400, 120))
Span = tuple[float, float, float, float]


@functools.cache
def product(size: tuple[int, int]) -> Image.Image:
    """A cut-out that fills its box."""
    image = Image.new("RGBA", size)
    ImageDraw.Draw(image).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), min(size) // 8, fill=(200, 30, 40, 255))
    return image


def told(image: Image.Image, cut: bool, seconds: int = 5, texts: tuple[str, ...] = TEXTS) -> Story:
    return Story(Hero(image, cut, image), image.convert("RGB"), TITLE, texts, seconds, 0)


@dataclass(frozen=True)
class Laid:
    """A layer that was laid on a frame, and the box that it covers there."""

    what: Layer
    box: Span
    x: float
    y: float
    scale: float


@pytest.fixture(scope="module")
def footage_once() -> Callable[[Story, str, footage.Field], Iterator[View]]:
    """Take the footage of a picture for a template once, however many clips are cut of it."""
    take, taken = footage.views, dict[tuple[int, str, footage.Field], tuple[Image.Image, list[View]]]()

    def views(story: Story, scene: str, field: footage.Field) -> Iterator[View]:
        image = story.hero.image
        key = (id(image), scene, field)
        if key not in taken:
            taken[key] = (image, list(take(story, scene, field)))  # kept, or another could have its id
        return iter(taken[key][1])

    return views


@pytest.fixture
def laid(
    once: None,
    footage_once: Callable[[Story, str, footage.Field], Iterator[View]],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Iterator[list[Laid]]]:
    """Film without drawing: return what each frame shows."""
    seen: dict[int, list[Laid]] = {}
    made: list[Frame] = []  # kept, or two frames could have one id

    def lay(frame: Frame, what: Layer, x: float, y: float, *, scale: float = 1, turn: float = 0, share: float = 1):
        reach = (what.width * scale / 2, what.height * scale / 2)
        if share > 0.02:
            made.append(frame)
            box = (x - reach[0], y - reach[1], x + reach[0], y + reach[1])
            seen.setdefault(id(frame), []).append(Laid(what, box, x, y, scale))

    monkeypatch.setattr(footage, "views", footage_once)
    monkeypatch.setattr(cinema, "_graded", lambda picture: picture)
    monkeypatch.setattr(handheld, "_phone", lambda picture: picture)
    monkeypatch.setattr(planes.Frame, "lay", lay)
    monkeypatch.setattr(planes.Frame, "shine", lambda *_: None)
    monkeypatch.setattr(planes.Frame, "over", lambda below, above, mask: below)
    for module in (promo, handheld, cinema):
        monkeypatch.setattr(module, "FPS", 5)

    def film(frames: Callable[[Story], Iterator[Frame]], story: Story) -> Iterator[list[Laid]]:
        seen.clear()
        for _ in frames(story):
            pass
        return iter(seen.values())

    return film


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> dict[int, View]:
    """The view of each layer that is filmed."""
    found: dict[int, View] = {}
    aim = footage.shot

    def shot(layer: Layer, view: View, *more: object, **named: object) -> footage.Shot:
        found[id(layer)] = view
        return aim(layer, view, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(footage, "shot", shot)
    return found


def on_frame(one: Laid, box: tuple[int, int, int, int]) -> Span:
    """Return where a box of a laid picture is on the frame."""
    left, top = one.box[0], one.box[1]
    return (
        left + box[0] * one.scale, top + box[1] * one.scale,
        left + box[2] * one.scale, top + box[3] * one.scale,
    )  # fmt: skip


def meet(one: Span, other: Span) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def fills(box: Span) -> bool:
    return box[0] <= 0 and box[1] <= 0 and box[2] >= WIDTH and box[3] >= HEIGHT


FIELDS = {handheld.frames: handheld.FIELD, cinema.frames: cinema.FIELD}


@pytest.mark.parametrize("seconds", [5, 10])
@pytest.mark.parametrize("frames", [handheld.frames, cinema.frames], ids=["ugc", "broll"])
@pytest.mark.parametrize("size", [*SHAPES, *SMALL], ids=str)
def test_the_camera_keeps_the_product_whole_or_shows_it_clearly_in_part(
    size: tuple[int, int], frames: Callable[[Story], Iterator[Frame]], seconds: int, laid, views: dict[int, View]
) -> None:
    seen, whole = FIELDS[frames].seen, 0
    for shown in laid(frames, told(product(size), True, seconds)):
        pictures = [one for one in shown if id(one.what) in views]
        for one in pictures:
            box = on_frame(one, views[id(one.what)].box)
            edges = (box[0] - seen[0], box[1] - seen[1], seen[2] - box[2], seen[3] - box[3])
            assert all(edge >= 40 or edge <= -30 for edge in edges)
            assert edges[1] >= 40 or edges[3] >= 40 or edges[0] >= 40
            whole += min(edges) >= 40
            # Whatever the camera does, the picture fills the frame.
            assert fills(one.box)
            words = [other.box for other in shown if other not in pictures and other.what.width < WIDTH]
            part = (max(0.0, box[0]), max(seen[1], box[1]), min(WIDTH, box[2]), min(seen[3], box[3]))
            assert not any(meet(part, word) for word in words)
    assert whole >= seconds * 5 * 0.4


@pytest.mark.parametrize("frames", [handheld.frames, cinema.frames], ids=["ugc", "broll"])
@pytest.mark.parametrize("size", [(600, 1100), (1500, 2000), (1400, 1400), (600, 400), (2000, 560)], ids=str)
def test_no_word_lies_over_a_photo_that_could_not_be_cut(
    size: tuple[int, int], frames: Callable[[Story], Iterator[Frame]], laid, views: dict[int, View]
) -> None:
    photo = Image.fromarray(np.random.default_rng(3).integers(0, 255, (*size[::-1], 3), dtype=np.uint8))
    seen = FIELDS[frames].seen
    for shown in laid(frames, told(photo, False)):
        pictures = [one for one in shown if id(one.what) in views]
        words = [other.box for other in shown if other not in pictures and other.what.width < WIDTH]
        assert pictures
        for one in pictures:
            box = on_frame(one, views[id(one.what)].box)
            part = (max(0.0, box[0]), box[1], min(WIDTH, box[2]), min(seen[3], box[3]))
            assert fills(one.box)
            assert not any(meet(part, word) for word in words)


@pytest.mark.parametrize("size", [*SHAPES, *SMALL], ids=str)
@pytest.mark.parametrize(
    "texts", [(), TEXTS, ("Электротермополотенцесушитель для ванной", "Не течёт", "Сталь")], ids=len
)
def test_the_neutral_clip_keeps_words_beside_the_product(
    texts: tuple[str, ...], size: tuple[int, int], laid, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors: list[stickers.Actor] = []
    make = stickers.product

    def kept(*given: object) -> stickers.Actor:
        actors.append(make(*given))  # type: ignore[arg-type]
        return actors[-1]

    monkeypatch.setattr(stickers, "product", kept)
    for shown in laid(promo.frames, told(product(size), True, texts=texts)):
        bodies = [one for one in shown if any(one.what is actor.body for actor in actors)]
        assert bodies
        shades = [one for one in shown if any(one.what is actor.shade for actor in actors)]
        for body in bodies:
            assert min(body.box[0], body.box[1], WIDTH - body.box[2], HEIGHT - body.box[3]) >= 12
            for one in shown:
                if one not in bodies and one not in shades:
                    edge = stickers.EDGE * one.scale if not one.what.ink else 0.0
                    word = (one.box[0] + edge, one.box[1] + edge, one.box[2] - edge, one.box[3] - edge)
                    assert not meet(body.box, word)


@pytest.mark.parametrize("size", [(420, 1150), (1200, 260)], ids=str)
@pytest.mark.parametrize("field", [handheld.FIELD, cinema.FIELD], ids=["ugc", "broll"])
def test_a_view_says_where_its_product_is(field: footage.Field, size: tuple[int, int]) -> None:
    view = next(footage.views(told(product(size), True), "marble", field))
    pixels = np.asarray(view.picture, dtype=int)[..., :3]
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 70)
    rows, columns = np.flatnonzero(red.mean(1) > 0.02), np.flatnonzero(red.mean(0) > 0.02)
    found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert np.abs(np.subtract(found, view.box)).max() <= 6


def test_benefits_of_the_b_roll_stay_long_enough_to_be_read(laid) -> None:
    story = told(product((420, 1150)), True)
    lines = cinema._lines(story, cinema._shots(story))
    assert len(lines) >= 5
    assert all(min(line.end, 5.0) - line.start >= 0.9 for line in lines)
