"""python -m bench cards FOLDER: would a seller upload the first three covers of each product? Draws them on sheets.

FOLDER/words.tsv names the photos, one a line: file, title, benefits with semicolons between them. The cuts are kept in
FOLDER/cuts, for the covers are drawn again after every change and the cut is not; remove them after a change of the
cut. Whether a card is good is for eyes: FOLDER/sheets/cards-1.png and so on.
"""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench import results
from lib.drawing.card import covers
from lib.drawing.cut import cutout, result
from lib.drawing.cut.result import CutPhoto

SHOWN = 3  # covers of a product: those that a seller sees first
SMALL = (300, 400)  # pixels of a cover in a catalogue
LARGE = (1200, 1600)
ACROSS, DOWN = 2, 7  # products on a sheet
GAP = 6


@dataclass(frozen=True)
class _Drawn:
    name: str
    kind: str
    cards: list[Image.Image]
    designs: tuple[str, ...]
    cutting: float  # seconds of one core
    strip: float
    card: float


def run(folder: str = "") -> str:
    """Draw the covers of each product of the list; return how they were made and what they took."""
    words = Path(folder) / "words.tsv"
    if not folder or not words.exists():
        raise results.Skipped("name a folder of photos with words.tsv: python -m bench cards FOLDER")
    lines = [line.split("\t") for line in words.read_text(encoding="utf-8").splitlines()]
    drawn = [_drawn(Path(folder), name, title, tuple(said.split(";"))) for name, title, said in lines]
    sheets = Path(folder) / "sheets"
    sheets.mkdir(exist_ok=True)
    for page in range(0, len(drawn), ACROSS * DOWN):
        number = page // (ACROSS * DOWN) + 1
        _sheet(drawn[page : page + ACROSS * DOWN]).save(sheets / f"cards-{number}.png")
    return _table(drawn)


def _drawn(folder: Path, name: str, title: str, benefits: tuple[str, ...]) -> _Drawn:
    began = time.process_time()
    cut = _cut(folder, name)
    at = [time.process_time()]
    looks = covers.looks(cut, title, benefits)
    cards = [looks.draw(SMALL, variant) for variant in range(SHOWN)]
    at.append(time.process_time())
    looks.draw(LARGE, 0)
    at.append(time.process_time())
    shown = looks.picture
    kind = f"{cut.verdict} {shown.how} {' '.join(shown.sides)} {looks.facts.kind}"
    return _Drawn(name, kind, cards, looks.designs[:SHOWN], at[0] - began, at[1] - at[0], at[2] - at[1])


def _cut(folder: Path, name: str) -> CutPhoto:
    kept = folder / "cuts" / f"{Path(name).stem}.cut"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(result.dump(cutout.of((folder / name).read_bytes())))
    return result.read(kept.read_bytes())


def _table(drawn: list[_Drawn]) -> str:
    first = Counter(each.designs[0] for each in drawn)
    cut = sum(each.kind.split()[1] != "framed" for each in drawn)
    times = [f"{np.median([getattr(each, stage) for each in drawn]):.2f}" for stage in ("cutting", "strip", "card")]
    return "\n".join(
        [
            "| products | cut | cut kept, s | three covers of 300 px, s | one of 1,200 px, s |",
            "|---|---|---|---|---|",
            f"| {len(drawn)} | {cut} | {' | '.join(times)} |",
            "",
            f"First proposals: {', '.join(f'{name} {count}' for name, count in first.most_common())}.",
        ]
    )


def _sheet(drawn: list[_Drawn]) -> Image.Image:
    wide, high = SHOWN * (SMALL[0] + GAP) + 4 * GAP, SMALL[1] + 18
    sheet = Image.new("RGB", (ACROSS * wide, high * -(-len(drawn) // ACROSS)), (40, 40, 40))
    pen = ImageDraw.Draw(sheet)
    for number, each in enumerate(drawn):
        x, y = number % ACROSS * wide, number // ACROSS * high
        for place, card in enumerate(each.cards):
            sheet.paste(card, (x + place * (SMALL[0] + GAP), y))
        pen.text((x + 4, y + SMALL[1] + 3), f"{each.name}  {each.kind}  {' '.join(each.designs)}", fill=(255, 240, 120))
    return sheet
