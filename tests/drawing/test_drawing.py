"""The local card renderer: what it refuses, what it promises about its files, and what a card must look like."""

import dataclasses
import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from lib import errors
from lib.drawing.card import covers
from lib.drawing.card import render as local_card
from lib.drawing.card.render import CardOrder
from lib.drawing.cut import cutout
from lib.drawing.ground import colour, lettering, photo, words
from tests.drawing.pictures import encoded, make_cutout, make_mug, make_png_header, make_scene, opened
from tests.sizes import few

ORDER = CardOrder("wb", "Кружка керамическая для кофе", ("Объём 350 мл", "Можно мыть в посудомойке", "Подарок"))


@pytest.fixture
def thumbnails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of every size, for tests that draw many cards."""
    for name, preset in local_card.PRESETS.items():
        small = {key: getattr(preset, key) // 4 for key in ("width", "height", "export_width", "export_height")}
        monkeypatch.setitem(local_card.PRESETS, name, dataclasses.replace(preset, **small))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 500, "picture_heic"),
        (b"GIF89a" + b"\0" * 100, "picture_format"),
        (b"hello", "picture_format"),
        (b"", "picture_format"),
        (encoded(make_mug())[:9000], "picture_broken"),
        (encoded(make_cutout(), "PNG")[:1500], "picture_broken"),
        (encoded(make_mug(), "WEBP")[:900], "picture_broken"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, "picture_broken"),
        (make_png_header(20_000, 20_000), "picture_too_large"),
        (make_png_header(7_000, 6_000), "picture_too_large"),
        (encoded(make_mug().resize((400, 150))), "picture_too_small"),
    ],
)
def test_refuses_a_bad_picture_with_a_stable_code(data: bytes, code: str) -> None:
    with pytest.raises(errors.Rejected) as caught:
        local_card.render_card(data, ORDER)
    assert caught.value.code == code


@pytest.mark.parametrize("preset", few(["wb", "white", "ozon", "story"], 2))
def test_gives_the_sizes_of_the_preset(preset: str) -> None:
    card = local_card.render_card(encoded(make_mug()), CardOrder(preset, "Кружка", ("Яркая",)))
    wanted = local_card.PRESETS[preset]
    assert opened(card.png).size == (card.width, card.height) == (wanted.export_width, wanted.export_height)
    assert opened(card.jpeg).size == (wanted.width, wanted.height)
    assert len(card.jpeg) < 1_000_000
    assert card.layout == "cutout"


def test_marketplace_files_are_three_to_four_and_large() -> None:
    for name in ("wb", "ozon"):
        preset = local_card.PRESETS[name]
        assert preset.export_width * 4 == preset.export_height * 3
        assert (preset.width, preset.height) == (900, 1200)
        assert (preset.export_width, preset.export_height) == (1200, 1600)


def test_gives_the_same_bytes_again(thumbnails: None) -> None:
    data = encoded(make_mug())
    assert local_card.render_card(data, ORDER) == local_card.render_card(data, ORDER)


@pytest.mark.long
def test_lets_no_metadata_out() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    card = local_card.render_card(encoded(make_mug(), exif=exif, comment=b"SecretNote"), ORDER)
    for data in (card.png, card.jpeg):
        assert b"Secret" not in data
        assert not Image.open(io.BytesIO(data)).getexif()
        assert "icc_profile" not in Image.open(io.BytesIO(data)).info


def test_turns_the_picture_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert photo.open_photo(encoded(make_mug(), exif=exif)).rgb.size == (600, 800)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "I;16", "1", "RGBA"])
def test_reads_every_kind_of_pixel(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray((np.asarray(make_mug().convert("L")).astype(np.uint16)) * 257)
    else:
        image = make_mug().convert(mode)
    seen = photo.open_photo(encoded(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert seen.rgb.mode == "RGB"
    assert seen.alpha is None
    light = float(np.asarray(seen.rgb.convert("L"))[:40, :40].mean())
    assert 215 < light < 256


def test_follows_the_colour_profile() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain, tagged = photo.open_photo(encoded(make_mug())), photo.open_photo(encoded(make_mug(), icc_profile=profile))
    away = np.abs(np.asarray(plain.rgb).astype(int) - np.asarray(tagged.rgb).astype(int))
    assert away.max() <= 3
    broken = photo.open_photo(encoded(make_mug(), icc_profile=b"no profile at all"))
    assert broken.rgb.size == plain.rgb.size


def test_frames_what_it_cannot_cut_well(thumbnails: None) -> None:
    for variant in range(4):
        card = local_card.render_card(encoded(make_scene()), CardOrder("ozon", "Коврик", ("Мягкий",), variant))
        assert card.layout.startswith("framed")


@pytest.mark.parametrize("make", [make_cutout, make_scene])
@pytest.mark.parametrize("preset", few(["wb", "story"], 1))
def test_every_variant_of_an_order_looks_different(
    preset: str, make: Callable[[], Image.Image], thumbnails: None
) -> None:
    data = encoded(make(), "PNG")
    designs = covers.looks(cutout.of(data), "Кружка", ("Яркая",)).designs
    assert len(designs) >= 3
    cards = [local_card.render_card(data, CardOrder(preset, "Кружка", ("Яркая",), n)) for n in range(len(designs))]
    small = [np.asarray(opened(card.jpeg).resize((30, 40))).astype(int) for card in cards]
    for one in range(len(small)):
        for other in range(one):
            assert np.abs(small[one] - small[other]).mean() > 5, (designs[one], designs[other])


@pytest.mark.long
def test_a_chosen_design_is_the_first_look_and_the_others_follow(thumbnails: None) -> None:
    data = encoded(make_cutout(), "PNG")
    plain = [local_card.render_card(data, CardOrder("wb", "Кружка", ("Яркая",), n)).png for n in range(3)]
    cut = cutout.of(data)
    third = covers.looks(cut, "Кружка", ("Яркая",)).designs[2]
    chosen = [local_card.render_card(data, CardOrder("wb", "Кружка", ("Яркая",), n, third)).png for n in range(3)]
    assert chosen == [plain[2], plain[0], plain[1]]


@pytest.mark.parametrize("design", ["number", "band", "no_such", ""])
def test_a_design_that_does_not_take_the_product_is_no_choice(design: str, thumbnails: None) -> None:
    data = encoded(make_cutout(), "PNG")
    plain = local_card.render_card(data, CardOrder("wb", "Кружка", ("Яркая",)))
    assert local_card.render_card(data, CardOrder("wb", "Кружка", ("Яркая",), 0, design)) == plain


def test_the_white_photo_is_white_and_holds_no_words() -> None:
    data = encoded(make_mug())
    card = local_card.render_card(data, CardOrder("white", "Кружка", ("Яркая",)))
    assert card == local_card.render_card(data, CardOrder("white", "", ()))
    pixels = np.asarray(opened(card.png))
    rim = np.concatenate([pixels[:40].reshape(-1, 3), pixels[:, :40].reshape(-1, 3), pixels[:, -40:].reshape(-1, 3)])
    assert (rim == 255).all()
    columns = np.flatnonzero((pixels.min(2) < 180).any(0))
    assert 0.83 < (columns[-1] - columns[0]) / 1200 < 0.87


@pytest.mark.parametrize(
    "title",
    few(
        [
            "",
            "<b>Кружка</b> **керамическая** 🔥☕️",
            "Электротермополотенцесушитель" * 4,
            "\u202eobratno\u202c\x00\x07",
            "слово " * 900,
            "Қазақ тіліндегі атау: өңделген үлгі",
            "а",
            "漢字",
        ],
        4,
    ),
)
def test_any_title_makes_a_card(title: str, thumbnails: None) -> None:
    data = encoded(make_cutout(), "PNG")
    for preset, variant in (("wb", 1), ("ozon", 0)):
        card = local_card.render_card(data, CardOrder(preset, title, (title, title[:70], ""), variant))
        assert card.width == 300


@pytest.mark.parametrize(
    "title",
    [
        "Кружка",
        "Термокружка вакуумная из нержавеющей стали с крышкой для дома и офиса, чёрная",
        "Суперводонепроницаемость " * 3,
        "А" * 110,
    ],
)
def test_a_title_fits_its_box_in_three_lines(title: str) -> None:
    block = lettering.fit(title.strip(), lettering.HEAVY, (1048, 304), (136, 54), spacing=1.08)
    assert 1 <= len(block.lines) <= 3
    assert block.width <= 1048
    assert block.height <= 310
    assert block.size >= 50


def test_no_line_ends_in_a_preposition() -> None:
    block = lettering.fit("Набор для ванной и кухни с крышкой", lettering.HEAVY, (700, 400), (136, 54))
    assert len(block.lines) > 1
    assert not any(line.split()[-1] in ("для", "и", "с") for line in block.lines)
    assert words.unbroken("350 мл воды") == ["350\u00a0мл", "воды"]


def test_a_long_word_breaks_after_its_hyphen_and_nowhere_else() -> None:
    block = lettering.fit("Насадка-концентратор", lettering.MEDIUM, (300, 200), (40, 20))
    assert block.lines == ("Насадка-", "концентратор")
    wide = lettering.fit("Насадка-концентратор", lettering.MEDIUM, (900, 60), (40, 20))
    assert wide.lines == ("Насадка-концентратор",)
    assert words.unbroken("Wi-Fi и 3-слойный") == ["Wi-Fi", "и\u00a03-слойный"]
    assert len(lettering.fit("Сверхдлинное-предлинное", lettering.MEDIUM, (60, 40), (40, 20), lines=2).lines) <= 2


def test_fonts_have_the_letters_of_our_sellers() -> None:
    wanted = (
        "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюяӘҒҚҢӨҰҮҺІәғқңөұүһіЇЄҐїєґЎў₽₸€№«»—–…°²³×%"
    )
    assert [
        sign for sign in wanted if not (lettering.has(lettering.HEAVY, sign) or lettering.has(lettering.SPARE, sign))
    ] == []


def test_a_text_is_set_in_one_font() -> None:
    assert lettering.suited("Кружка", lettering.HEAVY) == lettering.HEAVY
    assert lettering.suited("Қазақ", lettering.HEAVY) == lettering.SPARE


def test_drops_what_cannot_be_printed() -> None:
    assert lettering.printable("Кружка 🔥 ☕ синяя 👨‍👩‍👧") == "Кружка синяя"
    assert words.cleaned("<b>Кружка</b>\n\n**синяя**\u200d\ufeff", 50) == "Кружка синяя"
    assert words.cleaned("цена 3 < 5 > 2", 50) == "цена 3 < 5 > 2"
    assert words.cleaned("раз два три четыре", 12) == "раз два три…"


def test_colours_survive_the_way_to_oklch_and_back() -> None:
    for rgb in ((255, 0, 0), (12, 200, 90), (30, 30, 200), (128, 128, 128)):
        assert max(abs(a - b) for a, b in zip(colour.oklch(*colour.to_oklch(rgb)), rgb, strict=True)) <= 1
    assert round(colour.contrast((0, 0, 0), (255, 255, 255)), 1) == 21.0


def make_portrait() -> Image.Image:
    """A tall photo of a person: a hat at the top, a hem at the bottom, a busy background that cannot be cut."""
    image = make_scene().resize((700, 1050))
    pen = ImageDraw.Draw(image)
    pen.rectangle((250, 40, 450, 90), fill=(255, 0, 255))
    pen.rectangle((230, 90, 470, 960), fill=(240, 240, 240))
    pen.rectangle((230, 930, 470, 1000), fill=(0, 255, 0))
    return image


@pytest.mark.parametrize("preset", few(["wb", "story", "ozon"], 2))
@pytest.mark.parametrize("variant", few(range(4), 1))
def test_head_and_hem_stay_in_the_picture(preset: str, variant: int, thumbnails: None) -> None:
    data = encoded(make_portrait(), "PNG")
    card = local_card.render_card(data, CardOrder(preset, "Платье летнее", ("Лёгкое", "Хлопок"), variant))
    pixels = np.asarray(opened(card.png)).astype(int)
    hat = (pixels[..., 0] > 180) & (pixels[..., 1] < 110) & (pixels[..., 2] > 180)
    hem = (pixels[..., 0] < 110) & (pixels[..., 1] > 180) & (pixels[..., 2] < 110)
    assert hat.sum() > 40
    assert hem.sum() > 40


@pytest.mark.parametrize("preset", few(["wb", "story", "ozon"], 2))
@pytest.mark.parametrize("variant", few(range(4), 1))
def test_both_ends_of_a_wide_thing_stay_in_the_picture(preset: str, variant: int, thumbnails: None) -> None:
    picture = make_scene().convert("L").convert("RGB").resize((900, 600))
    for left in (80, 780):
        picture.paste((255, 0, 255), (left, 260, left + 40, 340))
    words = ("Пробег 12 000 км", "Один хозяин")
    card = local_card.render_card(encoded(picture, "PNG"), CardOrder(preset, "Мотоцикл", words, variant))
    pixels = np.asarray(opened(card.png)).astype(int)
    seen = (pixels[..., 0] > 190) & (pixels[..., 1] < 110) & (pixels[..., 2] > 190)
    middle = seen.shape[1] // 2
    assert card.layout.startswith("framed")
    assert seen[:, :middle].sum() > 40
    assert seen[:, middle:].sum() > 40


@pytest.mark.long
def test_the_classified_photo_keeps_its_shape_and_has_no_words() -> None:
    for image, size in ((make_scene(), (800, 600)), (make_portrait().resize((1600, 2400)), (1067, 1600))):
        card = local_card.render_card(encoded(image), CardOrder("classified", "Куртка", ("Тёплая",)))
        assert opened(card.png).size == (card.width, card.height)
        assert abs(card.width - size[0]) <= 1
        assert card.height == size[1]
        assert card == local_card.render_card(encoded(image), CardOrder("classified", "", ()))
        assert card.layout == "photo"


def test_the_classified_photo_is_brighter_and_its_cast_is_gone() -> None:
    grey = Image.fromarray(
        (np.asarray(make_mug(ground=(150, 150, 150))) * np.array([1.1, 1.0, 0.85]) * 0.55).astype("u1")
    )
    made = np.asarray(opened(local_card.render_card(encoded(grey), CardOrder("classified", "")).png)).astype(int)
    before, after = np.asarray(grey)[20, 20].astype(int), made[20, 20]
    assert after.mean() > before.mean() + 15
    assert after.max() - after.min() < (before.max() - before.min()) * after.mean() / before.mean() * 0.7


def test_white_paper_stays_white() -> None:
    data = encoded(make_mug(ground=(255, 255, 255)), quality=95)
    for variant in range(4):
        made = np.asarray(opened(local_card.render_card(data, CardOrder("classified", "", (), variant)).png))
        assert (made[2:6, 2:6].min(axis=2) >= 252).all()


def test_takes_the_first_picture_of_an_animation() -> None:
    frames = [make_mug(), Image.new("RGB", (800, 600), (0, 0, 0))]
    for kind in ("WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        assert float(np.asarray(photo.open_photo(data).rgb.convert("L")).mean()) > 100


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_refuses_a_single_pixel(kind: str) -> None:
    with pytest.raises(errors.Rejected) as caught:
        local_card.render_card(encoded(Image.new("RGB", (1, 1)), kind), ORDER)
    assert caught.value.code == "picture_too_small"
