"""Charts as inline SVG: no script, no font, no address; a report is one file for ever. Pure.

Colours are told apart by people who see fewer of them (Okabe and Ito's set), and every line also
has its name and its most in the legend.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 860, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 26
COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#999999", "#222222",
    "#b3a000", "#7b3294",
)  # fmt: skip
TICKS = 4
STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
SECONDS_WHOLE = 60
HUNDRED = 100

Series = Mapping[str, Sequence[tuple[float, float]]]
"""By name: seconds and values, in order."""


def lines(series: Series, *, unit: str) -> str:
    """One line for each name, over time."""
    most = max((value for points in series.values() for _, value in points), default=0.0)
    plot = _Plot(_last(series), most)
    drawn = [
        f'<polyline fill="none" stroke="{_colour(n)}" stroke-width="1.6" '
        f'points="{plot.path(points)}"/>'
        for n, points in enumerate(series.values())
    ]
    return _figure(plot, drawn, _legend(series, unit))


def stacked(series: Series, *, unit: str) -> str:
    """Areas on top of each other; all names have the same times."""
    names = list(series)
    times = [at for at, _ in series[names[0]]] if names else []
    floor = [0.0] * len(times)
    areas: list[tuple[list[tuple[float, float]], list[tuple[float, float]]]] = []
    for name in names:
        values = [value for _, value in series[name]]
        roof = [low + value for low, value in zip(floor, values, strict=True)]
        areas.append((list(zip(times, roof, strict=True)), list(zip(times, floor, strict=True))))
        floor = roof
    plot = _Plot(_last(series), max(floor, default=0.0))
    drawn = [
        f'<polygon fill="{_colour(n)}" fill-opacity="0.8" '
        f'points="{plot.path(roof)} {plot.path(low[::-1])}"/>'
        for n, (roof, low) in enumerate(areas)
    ]
    return _figure(plot, drawn, _legend(series, unit))


def bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """Horizontal bars: name, value, and what is written beside it."""
    most = max((value for _, value, _ in rows), default=0.0) or 1.0
    room, height = WIDTH - 330, 20 * len(rows) + 6
    drawn = []
    for n, (name, value, text) in enumerate(rows):
        y = 20 * n + 4
        drawn.append(
            f'<text x="150" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="158" y="{y}" width="{max(room * value / most, 1):.1f}" height="15" '
            f'fill="{COLOURS[0]}"/>'
            f'<text x="{164 + room * value / most:.1f}" y="{y + 12}">{escape(text)}</text>'
        )
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(drawn)}</svg>'


class _Plot:
    """From seconds and values to places on the paper."""

    def __init__(self, seconds: float, most: float) -> None:
        self.seconds = seconds or 1.0
        self.top = nice(most)

    def x(self, seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / self.seconds

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(at):.1f},{self.y(value):.1f}" for at, value in points)


def nice(most: float) -> float:
    """A round number that is not below."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in STEPS if step * power >= most)


def _figure(plot: _Plot, drawn: Sequence[str], legend: str) -> str:
    grid = []
    for n in range(TICKS + 1):
        value = plot.top * n / TICKS
        y = plot.y(value)
        grid.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.6g}</text>'
        )
    decimals = 0 if plot.seconds >= SECONDS_WHOLE else 1
    for n in range(TICKS + 1):
        seconds = plot.seconds * n / TICKS
        anchor = "end" if n == TICKS else "middle"
        grid.append(
            f'<text x="{plot.x(seconds):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">'
            f"{seconds:,.{decimals}f} s</text>"
        )
    inside = "".join((*grid, *drawn))
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{inside}</svg>{legend}'


def _legend(series: Series, unit: str) -> str:
    items = []
    for n, (name, points) in enumerate(series.items()):
        most = max((value for _, value in points), default=0.0)
        items.append(
            f'<span><i style="background:{_colour(n)}"></i>{escape(name)} '
            f"<small>最高 most {_number(most)} {escape(unit)}</small></span>"
        )
    return f'<p class="legend">{"".join(items)}</p>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= HUNDRED else f"{value:,.3g}"


def _last(series: Series) -> float:
    return max((points[-1][0] for points in series.values() if points), default=1.0)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
