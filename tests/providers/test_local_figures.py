"""The chart of a shop's figures and the poster for its counter."""

import io
import itertools

import pytest
from PIL import Image

from lib import qr
from lib.providers.local import figures, poster

LINK = "https://t.me/lotok_client_bot?start=p_3fa9c2d1e0"
TILES = (("Оборот", "541 230,50 ₽"), ("Средний чек", "412,30 ₽"), ("Были / новые", "214 / 38"), ("NPS", "+62"))
TITLES = ["Зерно", "я" * 80, "Кофейня «Зерно» & <b>", "🍩", ""]


def chart(title="Зерно", bars=((("01.11", 10.0),) * 30)):
    sheet = figures.Sheet(title, "01.11.2026 – 30.11.2026", TILES, "Оборот по дням, ₽", tuple(bars), "Чеков не было")
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


def drawn(title="Зерно"):
    steps = ("Наведите камеру", "Нажмите «Старт»", "Копите баллы")
    sheet = poster.Sheet(title, "5 % — баллами", "И 100 баллов сразу", steps, LINK[8:], qr.png(LINK, scale=1))
    png, pdf = poster.render(sheet)
    return Image.open(io.BytesIO(png)).convert("RGB"), pdf


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


def test_the_pdf_is_one_sheet_of_a4():
    _, pdf = drawn()
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") <= 1
    width, height = poster.SIZE[0] / poster.DOTS * 25.4, poster.SIZE[1] / poster.DOTS * 25.4
    assert (round(width), round(height)) == (210, 297)
