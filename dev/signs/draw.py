"""Draws lib/drawing/cover/signs.webp again, to be run after a line of signs.csv has changed.

npm install @tabler/icons @phosphor-icons/core lucide-static    somewhere, then
python -m dev.signs.draw SOMEWHERE/node_modules                 needs resvg-py: pip install resvg-py
"""

import csv
import io
import re
import sys
from pathlib import Path

from PIL import Image

from lib.drawing.cover import signs

SOURCES = {
    "tabler": "@tabler/icons/icons/outline/{}.svg",
    "phosphor": "@phosphor-icons/core/assets/bold/{}-bold.svg",
    "lucide": "lucide-static/icons/{}.svg",
}
GREYS = 16


def main(modules: Path) -> None:
    """Write the sheet."""
    with (signs.FOLDER / "signs.csv").open(encoding="utf-8", newline="") as file:
        sets = {row["sign"]: row["set"] for row in csv.DictReader(file)}
    names = sorted(sets)
    rows = -(-len(names) // signs.COLUMNS)
    sheet = Image.new("L", (signs.COLUMNS * signs.CELL, rows * signs.CELL))
    for index, name in enumerate(names):
        row, column = divmod(index, signs.COLUMNS)
        cell = _drawn((modules / SOURCES[sets[name]].format(name)).read_text(encoding="utf-8"))
        sheet.paste(cell, (column * signs.CELL, row * signs.CELL))
    step = 255 / (GREYS - 1)
    greys = sheet.point(lambda level: round(round(level / step) * step))
    greys.save(signs.FOLDER / "signs.webp", lossless=True, quality=100, method=6)  # a quarter smaller than as PNG
    print(f"{len(names)} signs")


def _drawn(svg: str) -> Image.Image:
    import resvg_py  # type: ignore[import-not-found]  # only a change of the signs needs it

    head, rest = svg.split(">", 1) if not svg.startswith("<!--") else svg.split("-->", 1)[1].split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head) + f' width="{signs.CELL}" height="{signs.CELL}"'
    if "stroke=" not in head and "fill=" not in head:
        head += ' fill="#fff"'
    drawn = resvg_py.svg_to_bytes(svg_string=f"{head}>{rest}".replace("currentColor", "#fff"))
    return Image.open(io.BytesIO(bytes(drawn))).convert("RGBA").getchannel("A")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
