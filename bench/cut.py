"""python -m bench cut FOLDER: how many photos of a folder are cut out, how well, and at what cost?

Each photo is cut as it is, and again as a bad phone would take it: dim, yellow, noisy, small. The figures are of
this machine. A person judges the cuts by eye: FOLDER/sheets shows each on pink, white and navy, by verdict.
"""

import io
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from bench import results
from lib import errors
from lib.drawing.cut import cutout, result, subject
from lib.drawing.cut.result import CutPhoto
from lib.drawing.ground import photo

KINDS = (".jpg", ".jpeg", ".png", ".webp")
GROUNDS = ((255, 30, 150), (255, 255, 255), (16, 28, 66))
CELL, ROWS = 190, 12
STAGES = ("opening", "looks", "edges", "keeping")
NOTE = (
    "By one tap: sure, or a cut is among the pictures from which the seller chooses; the sheets tell if it is good. "
    "Seconds of one core, median; all: sure and in doubt."
)
# Cuts one photo in a fresh process, and prints its peak memory after each stage.
ONE = """
import re, sys
from pathlib import Path
from lib.drawing.cut import cutout, result, subject
from lib.drawing.ground import photo

def told(stage):
    # not getrusage: its peak is that of the parent, too
    peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
    print(f"{stage} {int(peak) // 1024} MB")

told("imports")
source = photo.open_photo(Path(sys.argv[1]).read_bytes())
told("photo")
ground = cutout.ground_of(source.rgb)
found = subject.find(source.rgb, ground.beside if ground else None)
told("looks")
cut = cutout.judged(source.rgb, ground, found)
told("edges")
result.dump(cut)
told("keeping")
"""


@dataclass(frozen=True)
class _Cut:
    name: str
    photo: Image.Image
    cut: CutPhoto
    opening: float  # seconds of one core
    looks: float
    edges: float
    keeping: float

    @property
    def seconds(self) -> float:
        return self.opening + self.looks + self.edges + self.keeping


def run(folder: str = "") -> str:
    """Cut each photo of the folder twice and write the sheets."""
    if not folder:
        raise results.Skipped("name a folder of photos: python -m bench cut FOLDER")
    files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in KINDS)
    sheets = Path(folder) / "sheets"
    sheets.mkdir(exist_ok=True)
    head = (
        f"| photos | sure | unsure | hopeless | by one tap | {' | '.join(f'{stage}, s' for stage in STAGES)} | all, s |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|---|---|"]
    for kind, change in (("as they are", lambda data: data), ("dim, noisy copies", _dimmed)):
        cuts = [cut for path in files if (cut := _cut(path, change(path.read_bytes())))]
        lines.append(_line(f"{len(cuts)} {kind}", cuts))
        _draw(sheets, kind.split(",")[0].replace(" ", "-"), cuts)
    largest = max(files, key=lambda path: path.stat().st_size)
    told = subprocess.run(
        [sys.executable, "-c", ONE, str(largest)], env=_one_core(), capture_output=True, check=True, text=True
    )
    memory = f"Peak memory of a process by the end of each stage: {', '.join(told.stdout.splitlines())}."
    return "\n".join([*lines, "", f"{NOTE} {memory}"])


def _one_core() -> dict[str, str]:
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


def _dimmed(data: bytes) -> bytes:
    """Return a copy as a bad phone would take it, of 800 pixels, for on fewer its noise would be twice as coarse."""
    rgb = ImageOps.contain(Image.open(io.BytesIO(data)).convert("RGB"), (800, 800), Image.Resampling.LANCZOS)
    pixels = np.asarray(rgb, dtype=np.float32) * 0.72 * np.array([1.0, 0.93, 0.74], dtype=np.float32)
    pixels = pixels + np.random.default_rng(1).normal(0, 9, pixels.shape)
    out = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=55)
    return out.getvalue()


def _cut(path: Path, data: bytes) -> _Cut | None:
    started = time.process_time()
    try:
        source = photo.open_photo(data)
    except errors.Rejected:
        return None
    if source.alpha is not None:
        return None
    began = time.process_time()
    ground = cutout.ground_of(source.rgb)
    found = subject.find(source.rgb, ground.beside if ground else None)
    looked = time.process_time()
    cut = cutout.judged(source.rgb, ground, found)
    edged = time.process_time()
    result.dump(cut)
    times = (began - started, looked - began, edged - looked, time.process_time() - edged)
    return _Cut(path.stem, cut.pictures[-1].image, cut, *times)


def _line(kind: str, cuts: list[_Cut]) -> str:
    count = Counter(each.cut.verdict for each in cuts)
    offered = sum(each.cut.pictures[0].is_cut for each in cuts)
    shares = [
        f"{100 * number // max(1, len(cuts))} %"
        for number in (*(count[verdict] for verdict in ("sure", "unsure", "hopeless")), offered)
    ]
    seconds = [f"{np.median([getattr(each, stage) for each in cuts]):.1f}" for stage in STAGES]
    whole = [
        np.median(times) if (times := [each.seconds for each in cuts if (each.cut.verdict == "sure") is sure]) else 0
        for sure in (True, False)
    ]
    return "| " + " | ".join([kind, *shares, *seconds, f"{whole[0]:.1f} and {whole[1]:.1f}"]) + " |"


def _draw(sheets: Path, kind: str, cuts: list[_Cut]) -> None:
    for verdict in ("sure", "unsure", "hopeless"):
        own = [each for each in cuts if each.cut.verdict == verdict]
        for page in range(0, len(own), 2 * ROWS):
            _sheet(own[page : page + 2 * ROWS]).save(sheets / f"{kind}-{verdict}-{page // (2 * ROWS) + 1}.png")


def _sheet(cuts: list[_Cut]) -> Image.Image:
    """Draw photo, cut on each ground, and the other cut, two photos a row."""
    wide = CELL * (len(GROUNDS) + 2)
    sheet = Image.new("RGB", (2 * wide, (CELL + 14) * -(-len(cuts) // 2)), (40, 40, 40))
    pen = ImageDraw.Draw(sheet)
    for number, each in enumerate(cuts):
        x, y = number % 2 * wide, number // 2 * (CELL + 14)
        first, *others = each.cut.pictures
        shown = [(each.photo, GROUNDS[0]), *((first.image, ground) for ground in GROUNDS)]
        shown += [(other.image, GROUNDS[0]) for other in others[:-1]][:1]
        for place, (image, ground) in enumerate(shown):
            _paste(sheet, image, ground, (x + place * CELL, y))
        label = f"{each.name[:40]}  {' '.join(picture.how for picture in each.cut.pictures)}  {' '.join(first.sides)}"
        pen.text((x + 2, y + CELL), label, fill=(255, 240, 120))
    return sheet


def _paste(sheet: Image.Image, image: Image.Image, ground: tuple[int, int, int], at: tuple[int, int]) -> None:
    small = image.convert("RGBA")
    small.thumbnail((CELL - 6, CELL - 6), Image.Resampling.LANCZOS)
    cell = Image.new("RGBA", (CELL - 2, CELL - 2), (*ground, 255))
    cell.alpha_composite(small, ((CELL - 2 - small.width) // 2, (CELL - 2 - small.height) // 2))
    sheet.paste(cell.convert("RGB"), at)
