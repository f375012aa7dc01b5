"""What does a picture cost without any key? Seconds and memory by photo size, and a worker's pictures a minute.

Each figure is of a process of its own, so that memory is what that one job needed. A job has one thread: its processor
time is what it takes on a core of its own, whatever else this machine does meanwhile. All but the cut begin with a
kept cut, as orders do. `bench cut` says what a cut costs by stage, `bench bundle` how large and quick the workers are.
"""

import io
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lib.drawing.cut import cutout, result

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "dev" / "samples" / "thermos.jpg"
PHOTOS = (("phone, 12 MP", (3000, 3900)), ("camera, 40 MP", (5520, 7176)))

# Runs one job as the worker does, in a fresh process; the first line of its output is the measurement.
JOB = """
import json, re, sys, time
from pathlib import Path
from lib.drawing.card import render, strip
from lib.drawing.clip import video, wanted
from lib.drawing.cut import cutout, result
from lib.drawing.scene import background

photo, kept, kind, name = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]).read_bytes(), sys.argv[3], sys.argv[4]
TITLE, TEXTS = "Термос «Лесной» 500 мл", ("Держит тепло 12 часов", "Не протекает", "Нержавеющая сталь")
began = time.process_time()
if kind == "cut":
    size = len(result.dump(cutout.of(photo)))
elif kind == "strip":
    size = len(strip.draw(result.read(kept), name, strip.StripWords(TITLE, TEXTS, "Образец"), 0).jpeg)
elif kind == "card":
    size = len(render.render_card(photo, render.CardOrder(name, TITLE, TEXTS), result.read(kept)).png)
elif kind == "background":
    size = len(background.render_background(photo, background.BackgroundOrder(name), result.read(kept)).png)
else:
    template, seconds = name.split()
    made = video.render_video(photo, wanted.VideoOrder(TITLE, TEXTS, template, int(seconds)), result.read(kept))
    size = len(made.mp4)
cpu = time.process_time() - began
# not getrusage: its peak is that of the parent, too
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"cpu": cpu, "peak": peak, "size": size}))
"""
JOBS = (
    ("cut", "of a new photo"),
    ("strip", "wb"),
    ("card", "wb"),
    ("card", "white"),
    ("card", "classified"),
    ("card", "story"),
    ("background", "studio"),
    ("background", "marble"),
    ("video", "own 5"),
    ("video", "ugc 5"),
    ("video", "broll 5"),
    ("video", "own 10"),
)


@dataclass(frozen=True)
class Cost:
    """Processor seconds, the peak of memory in MB, and the bytes of the result."""

    cpu: float
    peak: float
    size: int


def run() -> str:
    """Measure every kind of job for every size of photo; return the tables."""
    folder = ROOT / ".dev" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    photos = [(name, _photo(folder, size)) for name, size in PHOTOS]
    costs = {(job, name): _measured(path, job) for job in JOBS for name, path in photos}
    head = f"| one job, one core | {' | '.join(name for name, _ in photos)} | file |\n|---|{'---|' * len(photos)}---|"
    rows = [_row(job, [costs[job, name] for name, _ in photos]) for job in JOBS]
    middle = photos[0][0]
    rates = ", ".join(f"{kind} {name}: {60 / costs[(kind, name), middle].cpu:.0f}" for kind, name in JOBS)
    notes = (
        f"Seconds of processor time and peak memory of a process with this one job "
        f"on one core ({_cpu()}, Python {platform.python_version()}). Photos are JPEG files of the sample thermos."
    )
    times = {kind: costs[(kind, name), middle].cpu for kind, name in reversed(JOBS)}
    seller = (
        f"What a seller waits for, with the cut at hand (phone photo): a strip of four covers {times['strip']:.1f} s, "
        f"a card drawn again after its words were changed {times['card']:.1f} s."
    )
    return "\n".join([head, *rows, "", seller, "", f"Jobs a minute of one worker (phone photo): {rates}.", "", notes])


def _row(job: tuple[str, str], costs: list[Cost]) -> str:
    cells = [f"{cost.cpu:.1f} s, {cost.peak:.0f} MB" for cost in costs]
    return f"| {job[0]} `{job[1]}` | {' | '.join(cells)} | {costs[0].size / 1000:.0f} kB |"


def _photo(folder: Path, size: tuple[int, int]) -> Path:
    path = folder / f"photo-{size[0]}x{size[1]}.jpg"
    if not path.exists():
        out = io.BytesIO()
        Image.open(SAMPLE).convert("RGB").resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=92)
        path.write_bytes(out.getvalue())
    _kept(path).write_bytes(result.dump(cutout.of(path.read_bytes())))
    return path


def _kept(photo: Path) -> Path:
    """Return where the cut of a photo lies."""
    return photo.with_suffix(".cut")


def _measured(photo: Path, job: tuple[str, str]) -> Cost:
    command = [sys.executable, "-c", JOB, str(photo), str(_kept(photo)), *job]
    one = {min(os.sched_getaffinity(0))}
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        capture_output=True,
        check=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, one),
    )
    return Cost(**{key: json.loads(done.stdout)[key] for key in ("cpu", "peak", "size")})


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
