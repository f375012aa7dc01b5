"""Draws a report of a shop: as a picture for the chat, and as a PDF of one page that a phone shows sharp.

The page is as wide as A4 and as high as its panels want. It is drawn once more for it, at 218 dots an inch, and packed
without losses in the few colours that it has; its words can be selected.
"""

from PIL import Image

from lib.drawing.card import panels
from lib.drawing.card.panels import EDGE, FAINT, INK, WHITE, WIDE, Plot
from lib.drawing.card.report import BarsText, GridText, ReportText
from lib.drawing.ground import output
from lib.drawing.ground.leaf import Leaf

HEAD, TILES, PANEL, GAP = 172, 186, 540, 20
PIXELS = 1.25  # of the picture to a unit
SHARP = 1.875  # pixels of the page to a unit
COLOURS = 256
A4 = 210  # millimetres


def render(report: ReportText) -> bytes:
    """Return the PNG."""
    return output.png(draw(report, PIXELS).canvas)


def pdf(report: ReportText) -> bytes:
    """Return the page."""
    leaf = draw(report, SHARP)
    few = leaf.canvas.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return Leaf(few, leaf.lines).pdf(A4)


def draw(report: ReportText, scale: float) -> Leaf:
    """Return the sheet, drawn from the top."""
    across = 3 if len(report.tiles) % 3 == 0 else 2
    lines = -(-len(report.tiles) // across)
    heights = [_high(panel) for panel in report.panels]
    whole = HEAD + lines * (TILES + GAP) + sum(heights) + GAP * len(heights) + (90 if report.foot else EDGE - GAP)
    plot = Plot.blank(whole, scale)
    plot.fit((EDGE, 46), report.title, (WIDE - 2 * EDGE, 64), (52, 26), INK)
    plot.write((EDGE, 142), report.period, 32, FAINT, medium=True, room=WIDE - 2 * EDGE)
    wide = (WIDE - 2 * EDGE - (across - 1) * GAP) / across
    for place, one in enumerate(report.tiles):
        left, upper = EDGE + place % across * (wide + GAP), HEAD + place // across * (TILES + GAP)
        panels.tile(plot, (left, upper, left + wide, upper + TILES), one)
    top = float(HEAD + lines * (TILES + GAP))
    for panel, high in zip(report.panels, heights, strict=True):
        _panel(plot, top, high, panel, report)
        top += high + GAP
    if report.foot:
        plot.write((EDGE, top + 30), report.foot, 26, FAINT, medium=True)
    return plot.leaf


def _high(panel: BarsText | GridText) -> float:
    """Return how high a panel is: a table as its lines want."""
    return PANEL if isinstance(panel, BarsText) else 100 + 44 + max(len(panel.rows), 4) * 46 + 40


def _panel(plot: Plot, top: float, high: float, panel: BarsText | GridText, report: ReportText) -> None:
    right = WIDE - EDGE
    plot.block((EDGE, top, right, top + high), 24, WHITE)
    plot.write((EDGE + 32, top + 58), panel.heading, 32, INK)
    if isinstance(panel, BarsText):
        panels.key(plot, right - 32, top + 48, panel)
        panels.bars(plot, (EDGE + 20, top + 106, right - 32, top + high - 70), panel, report)
    else:
        panels.grid(plot, (EDGE + 8, top + 94, right - 32, top + high - 32), panel, report)
