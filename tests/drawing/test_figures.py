"""The pictures and the page of a shop's figures, and the poster for its counter."""

import io
import itertools
import re
import zlib

import pytest
from PIL import Image

from lib import qr, text
from lib.drawing.card import figures, panels, poster
from lib.drawing.card.report import BarsText, GridText, ReportText, TileText
from tests.sizes import few

LINK = "https://t.me/lotok_client_bot?start=p_3fa9c2d1e0"
TILES = (
    TileText("Оборот", "541 230,50 ₽", "↑\u00a012 %"),
    TileText("Снова пришли", "214", "↓\u00a03 %"),
    TileText("NPS", "+62"),
)
TITLES = ["Кофейня «Зерно» & <b> 🍩", "я" * 80, "Зерно", "🍩", ""]
DAYS = ("Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс")


def report(*shown, title="Зерно", tiles=TILES, language="ru", foot=""):
    return ReportText(title, "1–30 ноября", tiles, shown or (by_day(),), "Чеков не было", language, foot)


def by_day(values=(10.0,) * 30, before=()):
    bars = tuple((f"{day:02}.11", value) for day, value in enumerate(values, 1))
    return BarsText("Оборот по дням, ₽", bars, tuple(before), ("сейчас", "раньше") if before else ("", ""))


def chart(*shown, **more):
    return Image.open(io.BytesIO(figures.render(report(*shown, **more)))).convert("RGB")


def runs(picture, *colours):
    """Count the stretches of these colours along a line just above the axis of the last panel."""
    at = picture.height - round((panels.EDGE - figures.GAP + figures.GAP + 74) * figures.PIXELS)
    row = [picture.getpixel((x, at)) in colours for x in range(picture.width)]
    return sum(now and not before for before, now in itertools.pairwise(row))


def bars_of(picture):
    return runs(picture, panels.ACCENT, panels.BEST)


@pytest.mark.parametrize("days", [1, 7, 30, 90])
def test_every_day_with_receipts_has_a_bar(days):
    assert bars_of(chart(by_day([100.0 + day for day in range(days)]))) == days


def test_a_day_without_receipts_has_none():
    assert bars_of(chart(by_day([5.0, 0.0, 7.0]))) == 2


def test_the_period_before_stands_pale_behind_its_days():
    picture = chart(by_day([5.0, 0.0, 7.0], before=[5.0, 3.0, 0.0, 9.0]))
    assert bars_of(picture) == 2
    assert runs(picture, panels.PALE) == 3, "on both sides of the first bar, and alone for the second day"


@pytest.mark.parametrize("most", [0.01, 1, 9.99, 10, 1234.5, 10**9])
def test_the_scale_reads_in_round_numbers(most):
    step = panels.step(most)
    assert 1.5 < most / step < 4.01
    assert f"{step:e}"[0] in "125"


@pytest.mark.parametrize("title", few(TITLES, 2))
def test_any_title_is_drawn(title):
    assert chart(title=title).width == round(panels.WIDE * figures.PIXELS)
    assert drawn(title)[0].size == poster.SIZE


@pytest.mark.parametrize("shown", [by_day([0.0] * 7), BarsText("Баллы", ()), GridText("Часы", DAYS, ())])
def test_nothing_at_all_is_said(shown):
    picture = chart(shown)
    assert bars_of(picture) == 0
    assert "Чеков не было" in words_of(figures.pdf(report(shown)))


def test_a_table_is_the_darker_the_more_there_is():
    shades = [panels.shade(part) for part in (0, 0.1, 0.5, 1)]
    assert shades[0] == panels.PAPER
    assert shades[-1] == panels.ACCENT
    assert [sum(shade) for shade in shades] == sorted((sum(shade) for shade in shades), reverse=True)


def test_a_month_that_has_not_come_has_no_cell():
    grid = GridText("Кто вернулся", ("1", "2"), (("окт · 9", (40, 20)), ("ноя · 3", (10, None))), shares=True)
    said = words_of(figures.pdf(report(grid, tiles=())))
    assert [one for one in said if one.endswith("%")] == ["40 %", "20 %", "10 %"]


@pytest.mark.parametrize(
    ("language", "marks"), [("ru", ["0", "2 000", "7,5 %", "1 500"]), ("en", ["0", "2,000", "7.5%", "1,500"])]
)
def test_numbers_are_written_as_the_language_writes_them(language, marks):
    bars, cells = by_day([5_000.0]), GridText("Часы", ("Пн",), (("8:00", (1_500,)),))
    tiles = (TileText("Доля", text.percent(language, 750)),)
    said = words_of(figures.pdf(report(bars, cells, tiles=tiles, language=language)))
    assert [one for one in said if one in marks] == [marks[2], *marks[:2], marks[3]]


def test_the_scale_of_small_sums_has_its_decimals():
    said = words_of(figures.pdf(report(by_day([1.5]), tiles=())))
    assert [one for one in said if one in ("0", "0,5", "1", "1,5", "2")] == ["0", "0,5", "1", "1,5"]


@pytest.mark.parametrize("number", [1, 7, 12, 30, 92])
def test_labels_stand_apart_and_the_last_one_is_always_there(number):
    wide = 700 / number
    middles = [(place + 0.5) * wide for place in range(number)]
    shown = panels._fitting(["28.11"] * number, middles)
    apart = [(after - before) * wide for before, after in itertools.pairwise(shown)]
    room = panels._size("28.11") + panels.BETWEEN
    assert shown[-1] == number - 1
    assert min(apart, default=room) >= room
    assert max(apart, default=room) < room + wide or number <= 7, "as many as fit"


def test_the_year_stands_below_the_first_label_of_each_year():
    months = (("ноя\n2026", 3.0), ("дек\n2026", 1.0), ("янв\n2027", 2.0), ("позже", 4.0))
    said = words_of(figures.pdf(report(BarsText("Баллы", months), tiles=())))
    assert said[-6:] == ["ноя", "2026", "дек", "янв", "2027", "позже"]


def test_whatever_is_long_stays_on_its_panel():
    long = BarsText("Баллы", tuple((name, 5.0) for name in ("янв", "фев", "никогда не сгорят")))
    shares = GridText("Кто вернулся", ("1",), (("сен · 1 234 567", (40,)),), shares=True)
    picture = chart(long, shares, tiles=())
    paper = {picture.getpixel((x, y)) for x in range(picture.width - 50, picture.width) for y in range(picture.height)}
    assert paper == {panels.PAPER}
    margin = [picture.getpixel((50, y)) for y in range(220, picture.height)]
    assert {*margin} == {panels.PAPER}


@pytest.mark.long
@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6])
def test_tiles_fill_their_lines(number):
    low = chart(tiles=TILES[:1] * number).height - chart(tiles=()).height
    lines = {0: 0, 1: 1, 2: 1, 3: 1, 4: 2, 6: 2}[number]
    assert low == pytest.approx(lines * (figures.TILES + figures.GAP) * figures.PIXELS, abs=2)


@pytest.fixture(scope="module")
def page():
    """The page of a busy month."""
    hours = GridText("Часы", DAYS, tuple((f"{hour}:00", tuple(range(hour, hour + 7))) for hour in range(8, 22)))
    return figures.pdf(report(by_day(before=[7.0] * 31), hours, foot="Данные на 12:03."))


def test_the_page_is_one_and_as_wide_as_paper(page):
    assert page.startswith(b"%PDF-")
    assert page.count(b"/Type /Page ") == 1
    wide, high = map(float, re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page).groups())
    assert wide == pytest.approx(595.28, abs=0.1)
    assert high > 842, "a page that a phone scrolls"


def test_the_page_is_sharp_and_light(page):
    wide = int(re.search(rb"/Width (\d+)", page)[1])
    assert wide / (595.28 / 72) >= 200, "dots an inch"
    assert len(page) < 500_000


def test_the_words_of_the_page_can_be_selected(page):
    assert {"Зерно", "1–30 ноября", "Оборот", "541 230,50 ₽", "12 %", "Данные на 12:03.", "8:00"} <= set(words_of(page))


def test_the_page_keeps_the_colours_apart(page):
    """Once the white of the tiles and the paper became one."""
    [palette] = re.findall(rb"/Indexed /DeviceRGB \d+ <([0-9a-f]+)>", page)
    colours = {tuple(bytes.fromhex(palette.decode())[at : at + 3]) for at in range(0, len(palette) // 2, 3)}
    for wanted in (panels.PAPER, panels.WHITE, panels.ACCENT, panels.BEST, panels.INK):
        assert min(max(abs(a - b) for a, b in zip(one, wanted, strict=True)) for one in colours) <= 4, wanted


def drawn(title="Зерно", logo=b""):
    steps = ("Наведите камеру", "Нажмите «Старт»", "Копите баллы")
    code = qr.png(LINK, scale=1)
    png, sheets = poster.render(poster.PosterText(title, "5 % — баллами", "И 100 баллов", steps, LINK[8:], code, logo))
    return Image.open(io.BytesIO(png)).convert("RGB"), sheets


def test_the_poster_holds_every_module_of_its_code():
    picture, _ = drawn()
    with Image.open(io.BytesIO(qr.png(LINK, scale=1))) as code:
        wanted = code.convert("L")
    factor = poster.CODE // wanted.width
    left = (poster.SIZE[0] - wanted.width * factor) // 2
    for x in range(1, wanted.width - 1):
        for y in range(1, wanted.height - 1):
            at = (left + x * factor + factor // 2, 600 + y * factor + factor // 2)
            assert (picture.getpixel(at)[0] > 127) == (wanted.getpixel((x, y)) > 127), (x, y)


def streams(pdf):
    """Unpack what the file holds, each by its object's number."""
    found = re.findall(rb"(\d+) 0 obj\n<<[^\n]*>>\nstream\n(.*?)\nendstream", pdf, re.DOTALL)
    return {int(number): zlib.decompress(packed) for number, packed in found}


def words_of(pdf):
    """Read the words as a viewer does: each code of a line through the font's own table."""
    held = streams(pdf)
    meant = dict(re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]{4})>", held[9]))
    lines = [re.findall(b"....", line) for line in re.findall(rb"<([0-9A-F]*)> Tj", held[4])]
    return ["".join(chr(int(meant[code], 16)) for code in line) for line in lines]


@pytest.mark.parametrize(("form", "size"), [("a4", (210, 297)), ("a6", (105, 148))])
def test_each_pdf_is_one_sheet_of_its_form_and_its_words_can_be_selected(form, size):
    _, sheets = drawn("Зерно")
    pdf = sheets[form]
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page ") == 1
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert tuple(int(float(side) / 72 * 25.4 + 0.5) for side in box.groups()) in (size, (size[0], size[1] + 1))
    assert words_of(pdf)[0] == "Зерно"
    assert {"Наведите камеру", "Нажмите «Старт»", "Копите баллы", LINK[8:]} <= set(words_of(pdf))


@pytest.mark.long
def test_a_logo_stands_beside_the_name_and_one_that_cannot_be_read_is_left_out():
    logo = io.BytesIO()
    Image.new("RGBA", (300, 200), (200, 40, 40, 255)).save(logo, "PNG")
    with_logo, _ = drawn(logo=logo.getvalue())
    middle = (poster.EDGE + poster.LOGO // 2, 90 + poster.LOGO // 2)
    assert with_logo.getpixel(middle) == (200, 40, 40)
    without = drawn()[0].tobytes()
    for broken in (b"no picture", logo.getvalue()[:60]):
        assert drawn(logo=broken)[0].tobytes() == without
