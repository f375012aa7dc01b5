"""Where the product stands: whole in the frame of every cover, and hidden but little by what lies before it."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib.drawing.cover import choice, draw, facts, framed
from lib.drawing.cover.full import PlacedPhoto
from lib.drawing.cover.paper import CoverSheet, Spot
from lib.drawing.cover.places import Subject
from tests.sizes import few

SIZES = ((180, 240), (180, 180), (180, 320))
ASPECTS = (0.3, 0.6, 0.8, 1.0, 1.2, 1.6, 2.4)
MARK = (1, 254, 3)
SAID = (
    ("Колонка для улицы", ("Играет 24 часа без розетки", "Не боится воды", "Глубокий бас")),
    ("Кресло чёрное", ("Натуральная кожа", "Ширина 90 см", "Выдержит 150 кг")),
)


def box(aspect, shape):
    """Return a product of this shape that fills its picture."""
    size = (max(40, round(300 * aspect)), 300)
    image = Image.new("RGBA", size)
    pen, whole = ImageDraw.Draw(image), (0, 0, size[0] - 1, size[1] - 1)
    if shape == "round":
        pen.ellipse(whole, fill=(60, 90, 140))
    elif shape == "massive":
        pen.rectangle(whole, fill=(60, 90, 140))
    else:
        pen.rectangle((0, 0, size[0], 170), fill=(150, 90, 60))
        for x in (0, size[0] - 13):
            pen.rectangle((x, 0, x + 12, 299), fill=(150, 90, 60))
    return image


def shares(monkeypatch, name, product, read, size):
    """Return the shares of the product that are beyond the frame, and under what is drawn after it."""
    seen = []

    class Marked(CoverSheet):
        def picture(self, image, spot, *, turn=0, **rest):
            if image is not product:
                super().picture(image, spot, turn=turn, **rest)
                return
            alone = CoverSheet(3 * self.image.width, self.image.height + 2 * self.image.width, (0, 0, 0))
            alone.scale, moved = self.scale, Spot(spot.x + 900, spot.y + 900, spot.width, spot.height)
            image = Image.new("RGBA", image.size, MARK)
            image.putalpha(product.getchannel("A"))
            CoverSheet.picture(alone, image, moved, turn=turn)
            mask = np.all(np.asarray(alone.image) == MARK, axis=-1)
            wide, high = self.image.size
            seen.append((self, mask[wide : wide + high, wide : 2 * wide], mask.sum()))
            super().picture(image, spot, turn=turn, **rest)

    monkeypatch.setattr(draw, "CoverSheet", Marked)
    draw.draw(size, product, read, name)
    [(sheet, mask, whole)] = seen
    shown = mask & (np.abs(np.asarray(sheet.image).astype(int) - MARK).max(-1) < 40)
    return 1 - mask.sum() / whole, (mask.sum() - shown.sum()) / whole


@pytest.mark.parametrize("size", few(SIZES, 2))
@pytest.mark.parametrize("name", choice.DESIGNS)
def test_a_whole_product_stays_whole_and_little_of_it_is_hidden(monkeypatch, name, size):
    for aspect in ASPECTS:
        for shape in ("massive", "round", "on legs"):
            product = box(aspect, shape)
            for said in SAID:
                read = facts.read(*said)
                if name in choice.fitting(read, product.width / product.height):
                    beyond, hidden = shares(monkeypatch, name, product, read, size)
                    assert beyond == 0, (aspect, shape)
                    assert hidden <= (0.04 if name == "bleed" else 0.09), (aspect, shape)


def test_a_leg_is_thin_and_a_box_is_not():
    legs, solid = Subject(box(1.0, "on legs")), Subject(box(1.0, "massive"))
    assert legs.thin[40:, :].any()
    assert not legs.thin[:30].any()
    assert not solid.thin.any()


def test_on_paper_a_thing_nearly_as_wide_as_high_is_above_its_list_where_it_is_larger(monkeypatch):
    sheet = draw.prepared(
        (270, 360), box(1.2, "massive"), facts.read("Утюг с паром", ("2600 Вт", "Не капает")), "paper"
    )
    spots = []
    monkeypatch.setattr(sheet.paper, "picture", lambda image, spot, **rest: spots.append(spot))
    choice.DESIGNS["paper"].draw(sheet)
    assert spots[0].width > 500


def test_a_tall_thing_stands_beside_the_plate_of_a_bleed(monkeypatch):
    """Above a wide plate it was small, and off to the side."""
    said = ("Ручная резьба", "Натуральные волокна внизу")
    spot, *_ = spots_of(monkeypatch, "bleed", box(0.6, "massive"), "Африканская маска из дерева", benefits=said)
    assert spot.height > 660


def test_a_title_of_a_bleed_becomes_smaller_before_the_product_does(monkeypatch):
    """A jacket was half as wide as its card under three lines of a title."""
    said = ("Прямой крой, сидит свободно", "Молния во всю длину")
    spot, *_ = spots_of(monkeypatch, "bleed", box(1.04, "massive"), "Куртка чёрная на молнии", benefits=said)
    assert spot.width > 560


@pytest.mark.parametrize("sides", [(), ("right",)])
@pytest.mark.parametrize("benefits", [("Ручная лепка", "Не скользит"), ("500 мл", "Ручная лепка", "Не скользит")])
def test_on_paper_a_thing_as_wide_as_high_stands_large_above_its_words(monkeypatch, benefits, sides):
    """It stood in the lower right corner, and half of the card was empty."""
    product = box(0.9, "massive")
    sheet = draw.prepared((270, 360), product, facts.read("Ваза для цветов", benefits), "paper", sides=sides)
    spots = []
    monkeypatch.setattr(sheet.paper, "picture", lambda image, spot, **rest: spots.append(spot))
    choice.DESIGNS["paper"].draw(sheet)
    assert spots[0].width > 500
    assert spots[0].right == 900 if sides else spots[0].middle == pytest.approx(450)
    assert max(one.y for one in sheet.paper.taken) > spots[0].bottom - 10


@pytest.mark.parametrize("name", framed.DESIGNS)
def test_a_product_that_touches_the_edges_of_its_photo_loses_nothing_more(name):
    photo = Image.new("RGB", (600, 600), (240, 240, 240))
    pen = ImageDraw.Draw(photo)
    pen.ellipse((0, 0, 599, 599), fill=(20, 60, 150))
    for place in ((285, 2, 315, 30), (285, 565, 315, 597)):
        pen.rectangle(place, fill=(250, 30, 30))
    read = facts.read("Мяч футбольный", ("Размер 5", "Для травы", "Бесшовный"))
    red, green, _ = np.moveaxis(
        np.asarray(framed.draw((300, 400), PlacedPhoto(photo, (0, 0, 600, 600)), read, name)).astype(int), -1, 0
    )
    rows = np.flatnonzero(((red > 200) & (green < 80)).sum(1) > 3)
    assert rows.size
    assert np.diff(rows).max() > 100  # both marks: the upper and the lower


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_framed_photo_stands_at_the_edge_at_which_it_cuts_its_product(side):
    photo = Image.new("RGB", (600, 800), (240, 240, 240))
    sleeve = (0, 0, 400, 799) if side == "left" else (200, 0, 599, 799)
    ImageDraw.Draw(photo).rectangle(sleeve, fill=(20, 60, 150))
    made = np.asarray(framed.alone((400, 300), photo, (sleeve[0], 0, sleeve[2] + 1, 800))).astype(int)
    blue = (made[..., 2] - made[..., 0] > 90).all(0)
    assert blue[0 if side == "left" else -1]
    assert blue.sum() == pytest.approx(400 * 300 / 800, abs=4)


@pytest.mark.parametrize("turn", [0, 90])
def test_beside_a_framed_photo_its_product_is_not_shown_once_more(turn):
    lines = np.random.default_rng(7).integers(90, 200, (800, 1, 1)).repeat(3, 2)
    photo = Image.fromarray(np.broadcast_to(lines, (800, 500, 3)).astype(np.uint8))  # no plain edge
    ImageDraw.Draw(photo).rectangle((0, 20, 440, 780), fill=(250, 30, 30))
    photo, focus = photo.rotate(turn, expand=True), (0, 20, 441, 781) if not turn else (20, 59, 781, 500)
    made = np.asarray(framed.alone((900, 800) if not turn else (800, 900), photo, focus)).astype(int)
    red = (made[..., 0] - made[..., 1] > 60).any(1 if turn else 0)
    shown = np.flatnonzero(red)
    assert shown.size
    assert np.diff(shown).max() == 1
    assert shown.size < 500


@pytest.mark.parametrize("name", framed.DESIGNS)
def test_a_framed_photo_without_calm_edges_stands_on_the_ground(name):
    """Blurred, its edges would go on as stripes beside it."""
    carpet = np.random.default_rng(7).integers(0, 256, (80, 60, 3)).astype(np.uint8)
    photo = Image.fromarray(carpet).resize((600, 800), Image.Resampling.NEAREST)
    made = framed.draw(
        (300, 400), PlacedPhoto(photo, (0, 0, 600, 800)), facts.read("Шапка", ("Хлопок", "Мягкая")), name
    )
    beside = np.asarray(made)[140:200, [3, 14, -14, -3]].reshape(-1, 3)
    assert np.ptp(beside, axis=0).max() == 0


@pytest.mark.parametrize(("right", "goes_on"), [(594, False), (500, True), (600, True)])
def test_nothing_goes_on_beside_a_product_that_its_framed_photo_crops(right, goes_on):
    """The sleeve of a jacket, which the photo cut, went on as a blurred band."""
    rows = np.linspace(90, 230, 800)[:, None, None]
    photo = Image.fromarray(np.broadcast_to(rows, (800, 600, 3)).astype(np.uint8))
    ImageDraw.Draw(photo).rectangle((100, 20, right, 780), fill=(200, 30, 30))
    said = facts.read("Кофта", ("Хлопок", "Мягкая"))
    made = framed.draw((300, 400), PlacedPhoto(photo, (100, 20, right, 780)), said, "band")
    beside = np.asarray(made)[60:160, [3, -3] if right < 600 else [3, 30]].reshape(-1, 3).astype(int)
    assert bool(np.ptp(beside, axis=0).max() > 0) is goes_on
    assert np.abs(beside[:, 0] - beside[:, 1]).max() < 60, "no sleeve"
    if right == 600:
        assert made.getpixel((299, 120))[0] - made.getpixel((299, 120))[1] > 100, "it stands at the card's edge"


def test_a_framed_photo_whose_product_was_hardly_found_has_no_straight_edge():
    rows = 200 + 30 * np.sin(np.arange(800) / 40)[:, None, None]
    photo = Image.fromarray(np.broadcast_to(rows, (800, 600, 3)).astype(np.uint8))
    made = np.asarray(framed.alone((800, 600), photo, (0, 0, 600, 800))).astype(int)
    assert np.abs(np.diff(made[..., 0], axis=1)).max() < 5


def test_the_part_of_a_framed_photo_is_one_of_its_product_and_of_a_plain_one_the_middle():
    photo = Image.new("RGB", (900, 1200), (230, 230, 230))
    focus = (100, 200, 801, 1001)
    fine, _ = framed.views(PlacedPhoto(photo, focus))
    assert (fine[0] + fine[2]) / 2 == pytest.approx(450, abs=12)
    assert (fine[1] + fine[3]) / 2 == pytest.approx(600, abs=12)
    for x in range(120, 780, 8):  # a carpet, above what is nearly plain
        ImageDraw.Draw(photo).line((x, 210, x, 560), (20, 20, 20), 3)
    mask = Image.new("L", photo.size)
    mask.paste(255, (150, 600, 750, 1000))
    fine, _ = framed.views(PlacedPhoto(photo, focus, mask))
    assert fine[1] >= 560


def test_a_framed_photo_leaves_its_product_some_air():
    photo = Image.new("RGB", (800, 640), (240, 240, 240))
    ImageDraw.Draw(photo).rectangle((30, 252, 780, 508), fill=(20, 60, 150))
    made = np.asarray(framed.alone((752, 640), photo, (30, 252, 781, 509))).astype(int)
    blue = np.flatnonzero((made[..., 2] - made[..., 0] > 90).any(0))
    assert blue[0] >= 12
    assert blue[-1] < 752 - 12


@pytest.mark.parametrize("name", framed.DESIGNS)
def test_of_a_small_product_a_framed_photo_shows_what_stands_below_its_mask(name):
    """The feet of a knitted bear were not found, and cut off by the frame."""
    photo = Image.new("RGB", (1080, 1080), (200, 210, 220))
    ImageDraw.Draw(photo).rectangle((380, 369, 721, 811), fill=(20, 60, 150))
    ImageDraw.Draw(photo).rectangle((440, 840, 660, 866), fill=(250, 30, 30))
    read = facts.read("Мишка вязаный", ("Платье снимается", "Ручная работа"))
    made = np.asarray(framed.draw((450, 600), PlacedPhoto(photo, (380, 369, 722, 812)), read, name)).astype(int)
    assert ((made[..., 0] > 220) & (made[..., 1] < 60)).sum() > 400


def test_a_framed_photo_that_cuts_its_product_above_and_below_fills_its_card():
    photo = Image.new("RGB", (800, 1000), (240, 240, 240))
    ImageDraw.Draw(photo).rectangle((300, 0, 500, 1000), fill=(20, 60, 150))
    made = np.asarray(framed.alone((660, 600), photo, (300, 0, 501, 1000))).astype(int)
    blue = (made[..., 2] - made[..., 0] > 90).sum(1)
    assert blue.min() > 150


@pytest.mark.parametrize("turn", [0, 90])
def test_a_product_near_the_edge_of_its_framed_photo_does_not_fade(turn):
    photo = Image.new("RGB", (600, 800), (240, 240, 240))
    ImageDraw.Draw(photo).rectangle((8, 20, 592, 780), fill=(20, 60, 150))
    photo, focus = photo.rotate(turn, expand=True), (8, 20, 593, 781) if not turn else (20, 7, 781, 592)
    made = np.asarray(framed.alone((800, 800), photo, focus)).astype(int)
    across = made[400] if not turn else made[:, 400]
    solid = (np.abs(across - (20, 60, 150)).max(-1) < 12).sum()
    assert solid > 570


def spots_of(monkeypatch, name, product, title, sides=(), benefits=SAID[0][1], size=(270, 360)):
    """Return where a cover has its product, and its title with the size of type."""
    sheet = draw.prepared(size, product, facts.read(title, benefits), name, sides=sides)
    shown, titles = [], []
    write = sheet.paper.write

    def written(block, at, *rest, **more):
        if title.split()[0].lower() in block.lines[0].lower():
            titles.append((Spot(*at, block.width, block.height), block.size))
        write(block, at, *rest, **more)

    monkeypatch.setattr(sheet.paper, "write", written)
    monkeypatch.setattr(
        sheet.paper, "picture", lambda image, spot, **rest: shown.append(spot) if image is product else None
    )
    choice.DESIGNS[name].draw(sheet)
    return shown[0], *titles[0]


@pytest.mark.parametrize("title", ["Майка женская чёрная", "Очиститель воздуха", "Тюльпаны в горшке"])
@pytest.mark.parametrize("name", ["bleed", "split"])
@pytest.mark.parametrize("aspect", [0.3, 0.45, 0.6, 0.69])
def test_no_word_of_the_title_lies_over_a_tall_product(monkeypatch, name, title, aspect):
    spot, words, _ = spots_of(monkeypatch, name, box(aspect, "massive"), title)
    assert words.right < spot.x or words.bottom < spot.y + 20


@pytest.mark.parametrize(("name", "least"), [("bleed", 72), ("split", 80)])
def test_a_title_that_is_too_long_beside_a_tall_product_stands_above_it(monkeypatch, name, least):
    spot, words, size = spots_of(monkeypatch, name, box(0.66, "massive"), "Футболка для беременных")
    assert size >= least
    assert spot.y > words.bottom - 20
    assert spot.height > 400


def test_a_tag_stands_at_the_edge_that_leaves_the_product_larger(monkeypatch):
    product = Image.new("RGBA", (300, 300))
    pen = ImageDraw.Draw(product)
    pen.rectangle((0, 0, 230, 90), fill=(60, 90, 140))
    pen.rectangle((130, 90, 190, 230), fill=(60, 90, 140))
    pen.line((160, 230, 200, 285, 299, 292), fill=(60, 90, 140), width=7)  # a cord
    spot, *_ = spots_of(monkeypatch, "split", product, "Hair dryer 2100 W", benefits=("2100 W motor", "Cool shot"))
    assert spot.width > 440


def test_a_product_that_its_photo_cuts_above_loses_nothing_at_its_sides(monkeypatch):
    spot, *_ = spots_of(monkeypatch, "column", box(0.53, "massive"), "Шорты", ("top",))
    assert spot.x >= 0
    assert spot.right < 470
    assert spot.y == 0


@pytest.mark.parametrize("said", [("Высокая посадка", "Плотный деним"), ("Натуральная кожа", "Подкладка из вискозы")])
@pytest.mark.parametrize(("size", "least"), [((270, 360), 600), ((270, 480), 700)])
def test_a_product_that_its_photo_cuts_below_is_large_and_little_of_it_is_under_the_plate(
    monkeypatch, said, size, least
):
    tiles = []
    monkeypatch.setattr(CoverSheet, "tile", lambda sheet, spot, *rest, **more: tiles.append(spot))
    product = box(0.65, "massive")
    spot, *_ = spots_of(monkeypatch, "bleed", product, "Джинсы женские прямые", ("bottom",), said, size)
    assert spot.bottom == pytest.approx(900 * size[1] / size[0])
    under = max(0, tiles[0].right - spot.x) * max(0, min(spot.bottom, tiles[0].bottom) - max(spot.y, tiles[0].y))
    assert under <= 0.07 * spot.width * spot.height
    assert spot.height > least


def test_a_title_becomes_smaller_where_its_product_would_be_small(monkeypatch):
    said = ("До -20 градусов", "Утеплитель холлофайбер")
    spot, _, size = spots_of(monkeypatch, "bleed", box(0.79, "round"), "Куртка зимняя стёганая", (), said)
    assert spot.width > 430
    assert size >= 84


def test_an_editorial_product_is_as_wide_as_its_height_allows(monkeypatch):
    spot, *_ = spots_of(monkeypatch, "editorial", box(1.2, "massive"), "Футболка с принтом унисекс")
    assert spot.width > 600


def test_the_title_of_a_tile_leaves_its_product_air(monkeypatch):
    spot, words, _ = spots_of(monkeypatch, "bento", box(0.9, "massive"), "Смартфон с большим экраном")
    assert spot.y - words.bottom >= 28


def test_a_product_that_its_photo_cuts_below_alone_keeps_its_sides_on_a_square_cover(monkeypatch):
    title = "Бейсболка детская с вышивкой"
    spot, words, _ = spots_of(monkeypatch, "bleed", box(0.65, "massive"), title, ("bottom",), (), (270, 270))
    assert words.right < spot.x
    assert spot.right <= 900
    assert spot.bottom == 900


@pytest.mark.parametrize("aspect", [0.7, 1.6])
def test_a_product_is_in_the_middle_of_its_tile(monkeypatch, aspect):
    spot, *_ = spots_of(monkeypatch, "bento", box(aspect, "massive"), "Смартфон с большим экраном")
    assert spot.middle == pytest.approx(450)


def test_tiles_over_a_framed_photo_leave_the_foot_some_air(monkeypatch):
    photo = Image.new("RGB", (600, 800), (150, 150, 150))
    ImageDraw.Draw(photo).rectangle((150, 200, 450, 600), fill=(20, 60, 150))
    tiles = []
    monkeypatch.setattr(CoverSheet, "tile", lambda sheet, spot, *rest, **more: tiles.append(spot))
    read = facts.read("Сандалии детские", ("Вес пары 240 г", "Кожаная стелька", "Жёсткий задник"))
    made = np.asarray(framed.draw((450, 600), PlacedPhoto(photo, (150, 200, 451, 601)), read, "head")).astype(int)
    feet = np.flatnonzero((np.abs(made - (20, 60, 150)).max(-1) < 20).sum(1) > 60)[-1]
    assert tiles[0].y - feet * 2 >= 15
