"""The slides of a set: there only where the words support them, readable, in the design of the cover."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib import text
from lib.drawing.card import covers
from lib.drawing.cover import choice, draw, facts, framed, letters, slides
from lib.drawing.cover.full import PlacedPhoto
from lib.drawing.cut.result import CutPhoto, ProductPicture
from lib.drawing.ground import colour
from lib.studio import orders
from tests.sizes import few

SIZE = (180, 240)
WORDS = ("Высота 18 см", "Прочная ткань", "Чехол в комплекте")


def speaker():
    image = Image.new("RGBA", (520, 900))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((10, 10, 510, 890), 90, fill=(40, 60, 90))
    for y in range(200, 700, 12):
        pen.line((40, y, 480, y), fill=(150, 160, 180), width=4)
    return image


def names(benefits, product=None):
    return slides.fitting(facts.read("Колонка для улицы", benefits), product or speaker())


@pytest.mark.parametrize(
    ("benefits", "there"),
    [
        (WORDS, ["benefits", "sizes", "near", "points", "kit", "white"]),
        (("Не боится воды", "Глубокий бас", "Быстрая зарядка"), ["benefits", "points", "white"]),
        (("Не боится воды",), ["one:Не боится воды", "white"]),
        (("Ширина 8 см",), ["sizes", "white"]),
        (("Насос в комплекте",), ["kit", "white"]),
        (("Мягкий хлопок",), ["one:Мягкий хлопок", "near", "white"]),
        ((), ["white"]),
    ],
)
def test_a_slide_is_there_only_where_the_words_support_it(benefits, there):
    assert [one for one in names(benefits) if len(benefits) < 3 or not one.startswith(slides.ONE)] == there


SIX = ("Ширина 8 см", "Высота 18 см", "Чехол в комплекте", "Вес 250 г", "Не боится воды", "Мягкий хлопок")


@pytest.mark.parametrize("number", range(7))
def test_the_words_that_are_sold_as_slides_fill_them(number):
    """Whatever the picture: free, at the edge of its photo, framed; with the price that orders.slides allows."""
    for said in itertools.islice(itertools.permutations(SIX, number), 20):
        read = facts.read("Колонка", said)
        for there in (names(said, Image.new("RGBA", (90, 40))), slides.in_place(read)):
            assert len(there) + 1 >= orders.slides(said), (said, there)
            assert len(set(there)) == len(there)


def test_a_lens_shows_nothing_of_a_small_picture():
    assert "near" not in names(WORDS, speaker().resize((260, 450)))


@pytest.mark.parametrize(
    ("benefit", "sizes"),
    [
        ("Cord length 1.2 m", {}),
        ("Шнур длиной 2 м", {}),
        ("Seat height 45 cm", {}),
        ("Overall height 80 cm", {"up": "80 cm"}),
        ("Размер: ширина 40 см и высота 20 см", {"up": "20 см", "along": "40 см"}),
        ("Length 60 cm, width 40 cm", {"along": "60 cm"}),
    ],
)
def test_the_size_of_a_part_is_no_size_of_the_product(benefit, sizes):
    assert slides.Told(facts.read("Blender", (benefit, "Quiet"))).sizes == sizes


def test_sizes_and_contents_are_those_of_the_words():
    told = slides.Told(facts.read("Табурет, высота 45 см", ("Диаметр 36 см", "Инструкция в комплекте", "Вес 3 кг")))
    assert told.sizes == {"up": "45 см", "along": "36 см"}
    assert told.contents == ("Инструкция",)
    assert told.language == "ru"
    assert slides.Told(facts.read("Stool", ("Height 45 cm",))).language == "en"


@pytest.mark.parametrize("count", [3, 4, 6])
@pytest.mark.parametrize("size", [SIZE, (180, 180), (180, 320)])
@pytest.mark.parametrize("shape", [(520, 900), (900, 800), (900, 500)])
def test_benefits_stand_clear_of_the_product(monkeypatch, shape, size, count):
    six = (
        "Металлический корпус",
        "Не протекает",
        "Ширина 14 см",
        "Моется в посудомойке",
        "Есть сумка",
        "Прочная ткань",
    )
    product = Image.new("RGBA", shape, (40, 60, 90, 255))
    sheet = draw.prepared(size, product, facts.read("Колонка", six[:count]), "bleed")
    spots, boxes = [], []
    monkeypatch.setattr(sheet.paper, "picture", lambda image, spot, **rest: spots.append(spot))
    monkeypatch.setattr(sheet.paper, "write", lambda words, at, *rest, **more: boxes.append((words, at)))
    slides.draw(sheet, "benefits", "bleed")
    assert len(boxes) == 1 + count, "the heading and the list"
    for words, (x, y) in boxes:
        assert x + words.width <= spots[0].x or y + words.height <= spots[0].y + 12, words.lines


@pytest.mark.parametrize(
    "name", few([f"{slides.ONE}Выдержит 150 кг", *slides.SLIDES, f"{slides.ONE}Водоотталкивающая ткань"], 4)
)
def test_a_slide_is_drawn_in_the_colours_of_its_cover(name):
    """Also with a long word, and with none that it was made for."""
    for design, benefits in (("dark", WORDS), ("soft", ("Водоотталкивающая ткань",)), ("split", ())):
        read = facts.read("Колонка для улицы", benefits)
        for size in (SIZE, (180, 180), (180, 320)):
            empty = draw.prepared(size, speaker(), read, design)
            ground = empty.paper.image.getpixel((0, 0))
            made = slides.draw(empty, name, design)
            assert made.size == size
            if name not in ("white", "near"):
                seen = np.median(np.asarray(made).reshape(-1, 3)[: size[0] * 8], axis=0)
                assert np.abs(seen - ground).max() <= 40


def test_no_two_slides_of_a_set_look_alike():
    read = facts.read("Колонка для улицы", WORDS)
    made = {
        name: np.asarray(slides.draw(draw.prepared(SIZE, speaker(), read, "bleed"), name, "bleed")).astype(float)
        for name in slides.SLIDES
    }
    for one, other in itertools.combinations(made, 2):
        assert np.abs(made[one] - made[other]).mean() > 4, (one, other)


def looks(sides=()):
    image = speaker()
    cut = ProductPicture(image, image.getchannel("A"), "network", sides)
    whole = Image.new("RGB", (600, 1000), (230, 230, 230))
    return covers.looks(
        CutPhoto("sure", (cut, ProductPicture(whole, Image.new("L", whole.size), "framed"))), "Колонка", WORDS
    )


def test_a_set_is_one_design_cover_first_and_other_covers_only_where_slides_end():
    seen = looks()
    there = slides.fitting(seen.facts, seen.picture.image)
    made = [seen.of_set(SIZE, 0, number).tobytes() for number in range(len(there) + 3)]
    assert len(set(made)) == len(made)
    assert made[0] == seen.draw(SIZE, 0).tobytes()
    assert made[len(there) + 1] == seen.draw(SIZE, 1).tobytes()


@pytest.mark.parametrize("sides", few([("left", "top"), ("bottom",), ("top", "right", "bottom", "left")], 1))
def test_what_its_photo_cuts_says_a_benefit_a_slide_in_its_place(sides):
    seen = looks(sides)
    made = [seen.of_set(SIZE, 0, number).tobytes() for number in range(5)]
    assert len(set(made)) == 5
    assert made[0] == seen.draw(SIZE, 0).tobytes()
    assert made[1:] != [seen.draw(SIZE, number).tobytes() for number in range(1, 5)], "they are no other covers"


@pytest.mark.parametrize(
    ("aspect", "sides", "holds"),
    [
        *[(3.0, (), True), (1.2, ("right", "bottom"), True), (0.9, ("left", "bottom"), True)],
        *[(1.2, ("left", "bottom"), False), (0.5, ("left", "top", "bottom"), True), (0.5, ("left", "right"), False)],
        (0.7, ("top",), False),
    ],
)
def test_some_products_that_their_photo_cuts_have_a_place_on_no_cover(aspect, sides, holds):
    assert choice.holds(aspect, sides) is holds
    if not holds:
        assert choice.fitting(facts.read("Лён", ("Лёгкий", "Мягкий")), aspect, sides) == []


@pytest.mark.parametrize("sides", [(), ("right",), ("left", "top", "right")])
def test_what_a_card_shows_is_what_its_note_says(sides):
    seen = looks(sides)
    shown = [seen.shows_cut(variant) for variant in range(len(seen.designs))]
    assert shown == [name in choice.DESIGNS for name in seen.designs]
    assert (all(shown), any(shown)) == (not sides, len(sides) < 3)


def test_slides_of_a_framed_photo_show_a_part_the_whole_and_its_middle(monkeypatch):
    photo = Image.new("RGB", (900, 1200), (230, 230, 230))
    for x in range(610, 690, 8):
        ImageDraw.Draw(photo).line((x, 300, x, 420), (20, 20, 20), 3)
    mask = Image.new("L", photo.size)
    mask.paste(255, (200, 200, 800, 1000))
    shown = []
    monkeypatch.setattr(framed, "draw", lambda *given: (shown.append(given[-1]), Image.new("RGB", SIZE))[1])
    whole = ProductPicture(photo, mask, "framed")
    seen = covers.looks(CutPhoto("hopeless", (whole,)), "Колонка", WORDS)
    for number in (1, 2, 3):
        seen.of_set(SIZE, 0, number)
    fine, focus, middle = shown
    assert focus is None
    assert max(fine[0] - 610, fine[1] - 300, 690 - fine[2], 420 - fine[3]) <= 0, "all of it"
    assert (middle[0] + middle[2], middle[1] + middle[3]) == pytest.approx((1000, 1200), abs=2)
    assert framed.views(PlacedPhoto(photo.resize((450, 600)), (100, 100, 400, 500))) == [], (
        "of a small photo a part is blurred"
    )


def test_words_read_on_every_slide_of_every_design():
    for design in choice.DESIGNS:
        for fill in ((245, 245, 240), (20, 20, 24), (200, 40, 40)):
            image = Image.new("RGBA", (520, 900), (*fill, 255))
            tones = draw.prepared(SIZE, image, facts.read("Колонка", WORDS), design).tones
            for ink, ground, least in (
                (tones.ink, tones.ground, 4.5),
                (tones.on_deep, tones.deep, 4.5),
                (tones.on_accent, tones.accent, 3),
            ):
                assert colour.contrast(ink, ground) >= least, (design, fill)


def test_a_heading_fits_its_card_in_both_languages_and_every_type():
    for language, name, pair in itertools.product(
        text.LANGUAGES, [name for name in slides.SLIDES if name != "white"], {slides.ONEST, *slides.PAIRS.values()}
    ):
        said = text.say(language, f"slide.{name}")
        assert letters.fits(letters.fit(said, pair.title, (804, 220), (96, 52), lines=2), 804, 2), (said, pair)


@pytest.mark.parametrize("slide", ["points", "sizes"])
@pytest.mark.parametrize("aspect", [0.25, 0.4, 0.5])
@pytest.mark.parametrize("design", ["bleed", "soft"])
def test_no_label_lies_over_the_product(monkeypatch, slide, aspect, design):
    product = Image.new("RGBA", (round(900 * aspect), 900), (40, 60, 90, 255))
    said = facts.read("Очиститель воздуха", ("Тихий, 24 дБ", "Для комнаты 40 м²", "Высота 52 см", "Ночной режим"))
    sheet = draw.prepared((270, 360), product, said, design)
    shown, labels = [], []
    monkeypatch.setattr(
        sheet.paper, "picture", lambda image, spot, **rest: shown.append(spot) if image is product else None
    )
    monkeypatch.setattr(sheet.paper, "tile", lambda spot, *rest, **more: labels.append(spot))
    slides.draw(sheet, slide, design)
    assert labels
    for label in labels:
        assert label.right < shown[0].x or label.x > shown[0].right
