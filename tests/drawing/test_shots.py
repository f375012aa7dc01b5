"""A clip's shots: the frame is never empty, words stay where no app covers them, and every picture has its time."""

import dataclasses
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib.drawing.clip import layouts, shots, story, templates
from lib.drawing.clip.layers import LOGO, PRODUCT, FilmSheet
from lib.drawing.clip.music import BEAT
from lib.drawing.clip.story import HEIGHT, SIZE, WIDTH, Story
from lib.drawing.clip.templates import TEMPLATES, plan
from lib.drawing.cover import branding, facts, tones
from lib.drawing.cover.branding import Branding
from lib.drawing.cut.result import ProductPicture, Side
from lib.drawing.ground.colour import contrast, to_oklch
from tests.drawing.pictures import make_scene
from tests.sizes import few

TEXTS = ("Держит тепло 12 часов", "Не протекает", "Нержавеющая сталь")
SAID = facts.read("Кружка керамическая", TEXTS)


def cut(size: tuple[int, int], sides=(), fill=(190, 40, 36, 255)) -> ProductPicture:
    """A product that was cut out: it fills its box, has stripes, and may be cropped by its photo."""
    image = Image.new("RGBA", size)
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), 0 if sides else min(size) // 8, fill=fill)
    for x in range(60, size[0] - 60, 90):
        pen.rectangle((x, 20, x + 24, size[1] - 20), fill=(*(level * 3 // 4 for level in fill[:3]), 255))
    return ProductPicture(image, image.getchannel("A"), "network", sides)


def framed(photo: Image.Image, box: tuple[int, int, int, int]) -> ProductPicture:
    mask = Image.new("L", photo.size)
    mask.paste(255, box)
    return ProductPicture(photo, mask, "framed")


def plain() -> Image.Image:
    """A photo of a thing as white as its ground."""
    photo = Image.new("RGB", (600, 800), (240, 240, 238))
    ImageDraw.Draw(photo).rounded_rectangle((200, 250, 400, 560), 30, fill=(232, 231, 230))
    return photo


PICTURES = {
    "wide": cut((1200, 500)),
    "tall": cut((300, 1000), fill=(30, 34, 40, 255)),
    "pale": cut((500, 460), fill=(236, 236, 234, 255)),
    "cropped": cut((800, 700), ("bottom", "right")),
    "busy": framed(make_scene(), (200, 100, 600, 500)),
    "plain": framed(plain(), (200, 250, 400, 560)),
}


KITS = {
    "dark": Branding(Image.new("RGBA", (600, 90), (199, 154, 59, 255)), (199, 154, 59), (25, 23, 21), "cormorant"),
    "pale": Branding(Image.new("RGBA", (90, 200), (194, 65, 124, 255)), (232, 106, 166), (251, 234, 241), "yeseva"),
    "loud": Branding(Image.new("RGBA", (200, 200), (216, 31, 42, 255)), (216, 31, 42), (255, 212, 0), "unbounded"),
}


def told(
    *pictures: ProductPicture,
    seconds: int = 5,
    call: str = "Добавьте в корзину",
    own: Branding = branding.UNBRANDED,
) -> Story:
    return Story(pictures, SAID, TEXTS, call, seconds, 0, own)


@pytest.mark.long
@pytest.mark.parametrize(("name", "template"), [*zip(PICTURES, [*TEMPLATES, *TEMPLATES], strict=True)])
def test_no_more_than_a_seventh_of_the_frame_is_ever_empty(name: str, template: str) -> None:
    for shot in templates.shots_of(told(PICTURES[name]), template):
        for share in (0.0, 0.6):
            shown = shots.draw(shot, shot.start + share * shot.length).picture()
            assert shots.emptiness(shown).mean() <= 0.15, (shot.start, share)


def test_a_bare_ground_is_empty_and_a_chequered_one_is_not() -> None:
    ground = Image.new("RGB", SIZE, (30, 20, 12))
    assert shots.emptiness(ground).all()
    ground.paste((90, 80, 60), (100, 0, 300, HEIGHT // 2))
    assert shots.emptiness(ground).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("layout", ["near", "whole", "closing"])
@pytest.mark.parametrize("name", few(["wide", "busy"], 1))
def test_words_stay_where_no_app_covers_them(name: str, layout: str) -> None:
    one, style = story.actor(PICTURES[name]), layouts.ClipStyle(templates.ONEST)
    for number in (0, 1):
        words = "Добавьте в корзину" if layout == "closing" else "Держит тепло целых двенадцать часов"
        sheet = getattr(layouts, layout)(one, SAID, words, style, number)
        said = [piece.box for piece in sheet.pieces if piece.group >= 0]
        assert len(said) >= 3
        assert min(box[1] for box in said) >= 0.125 * HEIGHT
        assert max(box[3] for box in said) <= 0.86 * HEIGHT
        assert min(box[0] for box in said) >= 24
        assert max(box[2] for box in said) <= WIDTH - 24


def test_no_plate_hides_the_foot_of_what_is_shown_whole() -> None:
    for picture in (cut((420, 900)), cut((700, 420))):
        style = layouts.ClipStyle(templates.ONEST)
        sheet = layouts.whole(story.actor(picture), SAID, "Нержавеющая сталь и силикон", style, 0)
        product, *words = sheet.taken
        assert product.bottom < min(spot.y for spot in words) - 24


def test_a_plate_lies_where_less_of_a_near_product_is() -> None:
    image = Image.new("RGBA", (900, 520))
    ImageDraw.Draw(image).polygon(
        [(0, 519), (899, 519), (899, 300), (450, 0), (400, 260), (0, 300)], (40, 70, 150, 255)
    )
    shoe = ProductPicture(image, image.getchannel("A"), "network")
    for number in (0, 1):
        sheet = layouts.near(story.actor(shoe), SAID, "Мягкая подошва", layouts.ClipStyle(templates.ONEST), number)
        assert max(spot.bottom for spot in sheet.taken[1:]) < 800, "high, where only its toe is not"


@pytest.mark.parametrize(("side", "edge"), [("top", 0), ("bottom", 1600)])
def test_a_small_product_stands_at_the_edge_at_which_its_photo_cuts_it(side: Side, edge: float) -> None:
    image = Image.new("RGBA", (330, 420), (40, 70, 150, 255))
    legs = story.actor(ProductPicture(image, image.getchannel("A"), "network", (side,)))
    for number in (0, 1):
        sheet = layouts.near(legs, SAID, "Мягкая подошва", layouts.ClipStyle(templates.ONEST), number)
        assert getattr(sheet.taken[0], "y" if side == "top" else "bottom") == edge


@pytest.mark.long
def test_every_template_moves_and_differs_from_its_next_variant() -> None:
    picture, seen = PICTURES["wide"], set()
    for template in TEMPLATES:
        opening = next(iter(templates.shots_of(told(picture), template)))
        first, later = (np.asarray(shots.draw(opening, now).planes[0].reduce(20), dtype=int) for now in (0.0, 1.4))
        assert np.abs(first - later).mean() > 1
        story_two = Story((picture,), SAID, TEXTS, "", 5, 1)
        other = next(iter(templates.shots_of(story_two, template)))
        assert np.abs(first - np.asarray(shots.draw(other, 0.0).planes[0].reduce(20), dtype=int)).mean() > 5
        seen.add(first.tobytes())
    assert len(seen) == len(TEMPLATES)


def test_the_opening_is_complete_from_its_first_frame() -> None:
    opening = next(iter(templates.shots_of(told(PICTURES["tall"]), "ugc")))
    first = np.asarray(shots.draw(opening, 0.0).planes[0].reduce(8), dtype=int)
    for now in (0.04, 0.4):
        assert np.abs(first - np.asarray(shots.draw(opening, now).planes[0].reduce(8), dtype=int)).mean() < 12


def corner_of_product(shot: shots.Shot, now: float) -> tuple[float, float]:
    """Return where the product ends on the frame at this moment, or beyond it."""
    (x, y), scale, dx, dy = shots._near(shot, now - shot.start)
    _, _, right, low = shot.boxes[PRODUCT]
    return x + dx + (right - x) * scale, y + dy + (low - y) * scale


@pytest.mark.long
@pytest.mark.parametrize("template", few(TEMPLATES, 1))
def test_the_product_of_the_opening_grows_to_its_place_and_not_over_the_words(template: str) -> None:
    first, *others = templates.shots_of(told(PICTURES["wide"]), template)
    assert first.camera.near[0] < first.camera.near[1] == 1.0
    assert all(shot.camera.near[1] > 1.0 for shot in others)


def test_a_grey_product_has_one_hue_in_all_shots() -> None:
    grey = cut((500, 460), fill=(150, 150, 150, 255))
    assert story.actor(grey, SAID.name).look.spare == story.actor(grey, SAID.name.lower()).look.spare != 0


@pytest.mark.long
def test_what_a_photo_cuts_stays_at_the_edge_of_the_frame() -> None:
    for shot in templates.shots_of(told(PICTURES["cropped"]), "broll"):
        for now in (shot.start, shot.start + shot.length / 2, shot.start + shot.length):
            right, low = corner_of_product(shot, now)
            assert right >= WIDTH - 1
            assert low >= HEIGHT - 1


@pytest.mark.parametrize("seconds", [5, 10])
@pytest.mark.parametrize("nears", [1, 2, 5])
@pytest.mark.parametrize("pictures", [1, 2, 4, 6])
def test_the_plan_shows_every_picture_and_reads_words_in_time(seconds: int, nears: int, pictures: int) -> None:
    cuts = plan(seconds, pictures, nears, TEXTS)
    assert sum(one.beats for one in cuts) * BEAT == pytest.approx(seconds)
    assert {one.picture for one in cuts} == set(range(pictures))
    assert (cuts[0].kind, cuts[-1].kind) == ("opening", "closing")
    assert len(cuts) >= 3  # a second shot even of one picture
    assert all(one.beats >= 1.5 for one in cuts if one.words)
    assert all(one.beats >= 0.5 and (2 * one.beats).is_integer() for one in cuts)
    assert pictures > 2 or any(one.words for one in cuts)


def test_a_clip_without_words_has_no_call() -> None:
    one, style = story.actor(PICTURES["tall"]), layouts.ClipStyle(templates.ONEST)
    silent = layouts.closing(one, facts.read("", ()), "", style, 1)
    assert {piece.group for piece in silent.pieces} <= {PRODUCT, -2}


def test_layers_that_touch_move_together() -> None:
    product = PICTURES["tall"].image
    sheet = FilmSheet(SIZE, (240, 240, 240), product)
    sheet.picture(product, layouts.Spot(300, 400, 200, 600))
    sheet.tile(layouts.Spot(100, 1200, 300, 100), 20, (0, 0, 0))
    sheet.tile(layouts.Spot(120, 1220, 100, 40), 10, (255, 255, 255))
    sheet.tile(layouts.Spot(600, 1000, 200, 100), 20, (0, 0, 0))
    groups = [piece.group for piece in shots.grouped(sheet.pieces)]
    assert groups == [PRODUCT, 1, 1, 0]
    assert all(a.x != b.x for a, b in itertools.pairwise(sheet.pieces))


def near_or_far(sheet: FilmSheet, kit: Branding) -> float:
    """Return by how much the ground at the sheet's edge is lighter or darker than the seller's own."""
    edge = sheet.image.getpixel((4, HEIGHT // 2))
    assert isinstance(edge, tuple)
    return abs(to_oklch(edge[:3])[0] - to_oklch(kit.ground or (0, 0, 0))[0])


@pytest.mark.parametrize("kit", KITS)
@pytest.mark.parametrize("name", ["wide", "tall", "pale"])
def test_the_shots_have_the_sellers_ground_whatever_the_product_is(name: str, kit: str) -> None:
    one, own = story.actor(PICTURES[name]), KITS[kit]
    style = layouts.branded(layouts.ClipStyle(templates.ONEST), own)
    assert style.pair is layouts.letters.PAIRS[own.pair]
    for number in range(3):
        sheet = layouts.whole(one, SAID, TEXTS[0], style, number)
        assert near_or_far(sheet, own) < 0.25
        colours = layouts._tones(one, SAID.kind, style, number)
        assert colours.gap >= tones.GAP or layouts._is_before_accent(one, colours, style), "it is seen"


@pytest.mark.parametrize("accent", [(216, 31, 42), (255, 212, 0), (90, 169, 230), (138, 141, 145), (250, 250, 250)])
def test_words_are_read_on_the_sellers_accent(accent: tuple[int, int, int]) -> None:
    for name, ground in (("wide", (250, 246, 240)), ("tall", (20, 20, 20)), ("pale", None)):
        one, own = story.actor(PICTURES[name]), Branding(accent=accent, ground=ground)
        style = layouts.branded(layouts.ClipStyle(templates.ONEST), own)
        colours = layouts._tones(one, SAID.kind, style, 0)
        found = layouts._accented(colours, style)
        assert found
        assert contrast(*found) >= 4.5
        assert contrast(found[0], colours.ground) >= 3
        assert contrast(colours.ink, colours.ground) >= 4.5


@pytest.mark.parametrize("name", PICTURES)
def test_the_logo_stands_on_the_first_shot_and_the_last(name: str) -> None:
    for kit, template in zip(KITS.values(), TEMPLATES, strict=True):
        first, *_, last = templates.shots_of(told(PICTURES[name], own=kit), template)
        for shot in (first, last):
            left, top, right, low = shot.boxes[LOGO]
            assert min(left, WIDTH - right) >= 24, template
            assert 0.12 * HEIGHT < top < low < 0.86 * HEIGHT, template


def test_a_clip_without_words_ends_with_the_logo() -> None:
    *_, last = templates.shots_of(told(PICTURES["wide"], call="", own=KITS["loud"]), "own")
    assert last.boxes[LOGO][1] > last.boxes[PRODUCT][3]


def test_no_shot_hides_words_or_the_moving_product_under_the_logo() -> None:
    for name in ("wide", "tall", "pale"):
        for template in TEMPLATES:
            for shot in templates.shots_of(
                told(PICTURES[name], PICTURES["wide"], own=KITS["dark"], seconds=10), template
            ):
                if shot.opening or LOGO not in shot.boxes:
                    continue
                for now in (0.0, 0.5, 0.999):
                    assert not _covered(shot, shot.start + now * shot.length), (name, template, shot.start)


def _covered(shot: shots.Shot, now: float) -> bool:
    """Tell whether something else than the ground is under the logo."""
    box = [round(side) for side in shot.boxes[LOGO]]
    bare = [piece for piece in shot.pieces if piece.group == PRODUCT or piece.group >= 0]
    with_it, without = (
        shots.draw(dataclasses.replace(shot, pieces=tuple(pieces), streams=()), now).planes[0].crop(tuple(box))
        for pieces in (bare, [])
    )
    return with_it.tobytes() != without.tobytes()


def test_a_logo_does_not_stand_small_beside_a_plate() -> None:
    style = layouts.branded(layouts.ClipStyle(templates.ONEST), KITS["loud"])
    small = story.actor(cut((300, 300)))  # a picture that cannot fill the frame
    for words, number in itertools.product(("", "Подарок"), range(4)):
        pieces = layouts.near(small, SAID, words, style, number).pieces
        mark = [piece.box for piece in pieces if piece.group == LOGO]
        said = [piece.box for piece in pieces if piece.group == 0]
        assert bool(mark) is not any(box[1] < 0.3 * HEIGHT for box in said), (words, number)


def test_no_words_run_between_the_logo_and_the_title() -> None:
    still = Image.new("L", SIZE, 240)
    pen = ImageDraw.Draw(still)
    pen.rectangle((58, 250, 140, 330), 20)  # the logo
    pen.rectangle((58, 440, 700, 700), 20)  # the title
    usual, signed = (
        [one.y for one in shots._streams(still, "Кружка", templates.ONEST.title, mark)] for mark in (0, 330)
    )
    assert [y for y in usual if 330 < y < 440]
    assert not [y for y in signed if 330 < y < 440]


def test_a_dark_style_opens_on_a_dark_cover() -> None:
    for name in ("wide", "tall", "pale"):
        for template in TEMPLATES:
            shot = next(templates.shots_of(told(PICTURES[name], own=KITS["dark"]), template))
            assert shot.ground.planes[0].getpixel((540, 1000)) < 90, (name, template)
