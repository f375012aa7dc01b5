"""The chart of a shop's figures and the poster for its counter."""

import io
import itertools
import re
import zlib

import pytest
from PIL import Image

from lib import qr
from lib.drawing.card import figures, poster

LINK = "https://t.me/lotok_client_bot?start=p_3fa9c2d1e0"
TILES = (("Оборот", "541 230,50 ₽"), ("Средний чек", "412,30 ₽"), ("Покупали / новых", "214 / 38"), ("NPS", "+62"))
TITLES = ["Зерно", "я" * 80, "Кофейня «Зерно» & <b>", "🍩", ""]


def chart(title="Зерно", bars=((("01.11", 10.0),) * 30)):
    sheet = figures.FiguresText(
        title, "01.11.2026 – 30.11.2026", TILES, "Оборот по дням, ₽", tuple(bars), "Чеков не было"
    )
    return Image.open(io.BytesIO(figures.render(sheet))).convert("RGB")


def bars_of(picture):
    """Count the bars by the colours along a line just above the axis."""
    row = [picture.getpixel((x, figures.SIZE[1] - figures.EDGE - 74)) for x in range(figures.SIZE[0])]
    inked = [one in (figures.ACCENT, figures.BEST) for one in row]
    return sum(now and not before for before, now in itertools.pairwise(inked))


@pytest.mark.parametrize("days", [7, 30, 90])
def test_every_day_with_receipts_has_a_bar(days):
    assert bars_of(chart(bars=[(f"{day:02}", 100.0 + day) for day in range(days)])) == days


def test_a_day_without_receipts_has_none():
    assert bars_of(chart(bars=[("01", 5.0), ("02", 0.0), ("03", 7.0)])) == 2


@pytest.mark.parametrize("most", [0.01, 1, 9.99, 10, 1234.5, 10**9])
def test_the_scale_reads_in_round_numbers(most):
    step = figures._step(most)
    assert 1.5 < most / step < 4.01
    assert f"{step:e}"[0] in "125"


@pytest.mark.parametrize("title", TITLES)
def test_any_title_is_drawn(title):
    assert chart(title).size == figures.SIZE
    assert drawn(title)[0].size == poster.SIZE


def test_no_receipts_at_all_is_said():
    assert bars_of(chart(bars=[("01", 0.0)] * 7)) == 0


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


def test_a_logo_stands_beside_the_name_and_one_that_cannot_be_read_is_left_out():
    logo = io.BytesIO()
    Image.new("RGBA", (300, 200), (200, 40, 40, 255)).save(logo, "PNG")
    with_logo, _ = drawn(logo=logo.getvalue())
    middle = (poster.EDGE + poster.LOGO // 2, 90 + poster.LOGO // 2)
    assert with_logo.getpixel(middle) == (200, 40, 40)
    for broken in (b"", b"no picture", logo.getvalue()[:60]):
        assert drawn(logo=broken)[0].tobytes() == drawn()[0].tobytes()
