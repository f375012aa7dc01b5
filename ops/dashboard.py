"""Draw the dashboard from a Prometheus, without Grafana.

  python -m ops dashboard http://127.0.0.1:9090 > lotok.html      the last six hours
  python -m ops dashboard http://127.0.0.1:9090 --hours 24

It asks Prometheus for each panel of ops/grafana/lotok.json and writes one page that needs nothing else: no script, no
font, no other file. Exit code 1 when Prometheus does not answer.
"""

import argparse
import asyncio
import html
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lib import errors, fetch

DASHBOARD = Path(__file__).parent / "grafana" / "lotok.json"
POINTS = 180
WINDOW = 300.0  # four scrapes and more
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 460, 196, 46, 10, 28
COLOURS = ("#3274d9", "#56a64b", "#f2a900", "#e02f44", "#8f3bb8", "#37872d", "#1f60c4", "#fa6400")
STYLE = (
    "body{margin:16px;background:#f4f5f5;font:13px/1.4 system-ui,sans-serif;color:#24292e}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(340px,1fr));gap:12px}"
    "section{background:#fff;border:1px solid #dce1e6;border-radius:4px;padding:10px 12px}"
    "h1{font-size:18px;margin:0 0 12px}h2{font-size:13px;margin:0 0 6px}svg{width:100%;height:auto;display:block}"
    "p{margin:4px 0 0}i{display:inline-block;width:10px;height:3px;margin:0 4px 3px 0}"
    "span{display:inline-block;margin-right:12px}"
)


@dataclass(frozen=True)
class Line:
    """One series: its name and its points, (Unix time, value)."""

    name: str
    points: Sequence[tuple[float, float]]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(frozen=True)
class Panel:
    """A panel as Grafana has it, with what Prometheus answered."""

    title: str
    unit: str
    lines: Sequence[Line]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prometheus", help="its address")
    parser.add_argument("--hours", type=float, default=6.0)


async def run(args: argparse.Namespace) -> int:
    end = time.time()
    print(page(await read(args.prometheus.rstrip("/"), end - args.hours * 3600, end), end))
    await fetch.close()
    return 0


async def read(address: str, start: float, end: float, *, window: float = WINDOW) -> list[Panel]:
    """Ask Prometheus for every panel of the dashboard; rates are over `window` seconds, or four steps if longer."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    lines = await asyncio.gather(*(_lines(address, panel["targets"], start, end, window) for panel in panels))
    return [
        Panel(panel["title"], panel["fieldConfig"]["defaults"]["unit"], found)
        for panel, found in zip(panels, lines, strict=True)
    ]


async def _lines(
    address: str, targets: Sequence[Mapping[str, Any]], start: float, end: float, window: float
) -> list[Line]:
    step = max((end - start) / POINTS, 1)
    found = []
    for target in targets:
        expr = target["expr"].replace("$__rate_interval", f"{max(step * 4, window):.0f}s")
        asked = urlencode({"query": expr, "start": start, "end": end, "step": f"{step:.0f}s"})
        answer = await fetch.ask("GET", f"{address}/api/v1/query_range?{asked}")
        told = json.loads(answer.body) if answer.status == 200 else {}
        if told.get("status") != "success":
            raise errors.Unavailable("prometheus", f"{answer.status} for {expr}")
        found += [_line(target["legendFormat"], one) for one in told["data"]["result"]]
    return [line for line in found if line.points]


def _line(legend: str, series: Mapping[str, Any]) -> Line:
    name = legend
    for label, value in series["metric"].items():
        name = name.replace(f"{{{{{label}}}}}", value)
    points = [(float(at), float(value)) for at, value in series["values"]]
    return Line(name, [(at, value) for at, value in points if math.isfinite(value)])


def page(panels: Sequence[Panel], now: float) -> str:
    """Return the whole page."""
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    shown = "\n".join(map(_section, panels))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    return f"<!doctype html><title>Lotok</title>{head}\n<h1>Lotok · {at}</h1>\n<main>\n{shown}\n</main>"


def _section(panel: Panel) -> str:
    legend = "".join(
        f'<span><i style="background:{_colour(n)}"></i>{html.escape(line.name)} {_shown(line.last, panel.unit)}</span>'
        for n, line in enumerate(panel.lines)
    )
    return f"<section><h2>{html.escape(panel.title)}</h2>{_chart(panel)}<p>{legend or 'nothing yet'}</p></section>"


def _chart(panel: Panel) -> str:
    every = [point for line in panel.lines for point in line.points]
    first, last = (min(at for at, _ in every), max(at for at, _ in every)) if every else (0.0, 1.0)
    top = _round(max((value for _, value in every), default=0.0))

    def place(point: tuple[float, float]) -> str:
        x = LEFT + (point[0] - first) / ((last - first) or 1) * (WIDTH - LEFT - 6)
        return f"{x:.1f},{_height(point[1] / top):.1f}"

    grid = "".join(_rule(top * part, part, panel.unit) for part in (0, 0.25, 0.5, 0.75, 1))
    drawn = "".join(
        f'<polyline fill="none" stroke="{_colour(n)}" stroke-width="1.6" points="{" ".join(map(place, line.points))}"/>'
        for n, line in enumerate(panel.lines)
    )
    times = "".join(
        f'<text x="{x}" y="{HEIGHT - 4}" text-anchor="{anchor}">{time.strftime("%H:%M", time.gmtime(at))}</text>'
        for x, anchor, at in ((LEFT, "start", first), (WIDTH - 6, "end", last))
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" font-size="10" fill="#6e7680">{grid}{drawn}{times if every else ""}</svg>'
    )


def _round(highest: float) -> float:
    """Return where an axis ends, a little above the highest value: a quarter of it is a round number."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(power * step for step in (1, 2, 4, 8, 10, 20) if power * step >= highest * 1.02)


def _rule(value: float, part: float, unit: str) -> str:
    y = _height(part)
    line = f'<line x1="{LEFT}" x2="{WIDTH - 6}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e6e9ec"/>'
    return f'{line}<text x="{LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{_shown(value, unit)}</text>'


def _height(part: float) -> float:
    return (HEIGHT - BOTTOM) * (1 - part) + TOP


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _shown(value: float, unit: str) -> str:
    """Return a value with its unit, in three figures."""
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 or not value else f"{value * 1000:.3g} ms"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "currencyUSD":
        return f"${value:.3g}"
    return f"{value:.3g}{'/s' if unit in ('reqps', 'ops') else ''}" if value < 1000 else f"{value:,.0f}"
