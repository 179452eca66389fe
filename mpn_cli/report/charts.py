"""Small SVG charts that take their colours from the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from mpn_cli.base.arrays import Float64Array
from mpn_cli.evaluation.reliability import Reliability

WIDTH, HEIGHT = 420, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 10, 34


@dataclass(frozen=True, slots=True)
class Axis:
    """The range of a chart's axis, its label and its ticks."""

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value lies, 0 to 1."""
        low, here, high = (
            math.log(v) if self.logarithmic else v for v in (self.low, value, self.high)
        )
        return (here - low) / (high - low)

    def steps(self, count: int) -> Float64Array:
        """The (count + 1,) edges of equal steps."""
        spaced = np.geomspace if self.logarithmic else np.linspace
        return np.asarray(spaced(self.low, self.high, count + 1))


def lines_chart(
    curves: Mapping[str, Float64Array], x: Float64Array, across: Axis, up: Axis
) -> Markup:
    """A line for each of ``curves``; a legend below is the page's work (classes c0, c1, ...)."""
    marks = []
    for number, values in enumerate(curves.values()):
        points = " ".join(
            f"{_place_x(a, across):.1f},{_place_y(b, up):.1f}"
            for a, b in zip(x, values, strict=True)
        )
        marks.append(f'<polyline class="line c{number}" points="{points}"/>')
    return _chart("".join(marks), across, up, ", ".join(curves))


def reliability_chart(of: Reliability, across: Axis, up: Axis, name: str) -> Markup:
    """True against stated values: a point for each bin, the larger the more values it has."""
    most = max(one.count for one in of.bins)
    points = [
        (_place_x(one.stated, across), _place_y(one.true, up), one) for one in of.bins if one.count
    ]
    ideal = " ".join(f"{_place_x(v, across):.1f},{_place_y(v, up):.1f}" for v in (0, 1))
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    marks = f'<polyline class="line ideal" points="{ideal}"/>'
    marks += f'<polyline class="line c2" points="{curve}"/>'
    for x, y, one in points:
        radius = 2 + 5 * math.sqrt(one.count / most)
        marks += (
            f'<circle class="bar" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
            f"<title>{escape(across.label)} {one.stated:.2f}, {escape(up.label)} {one.true:.2f}:"
            f" {one.count}</title></circle>"
        )
    return _chart(marks, across, up, name)


def histogram(values: Sequence[float] | Float64Array, across: Axis, bins: int, name: str) -> Markup:
    """How many of ``values`` lie in each of ``bins`` equal steps of the axis."""
    clipped = np.clip(np.asarray(values, dtype=np.float64), across.low, across.high)
    counts, edges = np.histogram(clipped, across.steps(bins))
    most = _round_up(int(counts.max(initial=1)))
    up = Axis("", 0, most, (0, most / 2, most))
    bars = []
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        x, top = _place_x(low, across), _place_y(count, up)
        bars.append(
            f'<rect class="bar" x="{x + 0.5:.1f}" y="{top:.1f}"'
            f' width="{max(_place_x(high, across) - x - 1, 0.5):.1f}"'
            f' height="{HEIGHT - _BOTTOM - top:.1f}">'
            f"<title>{low:.3g} to {high:.3g}: {count}</title></rect>"
        )
    return _chart("".join(bars), across, up, name)


def _chart(marks: str, across: Axis, up: Axis, name: str) -> Markup:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        for tick in up.ticks
        for y in [_place_y(tick, up)]
    ) + "".join(
        f'<text x="{_place_x(tick, across):.1f}" y="{bottom + 15}" text-anchor="middle">'
        f"{tick:g}</text>"
        for tick in across.ticks
    )
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)}">'
        f"{grid}{marks}"
        f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
        f'<text x="{(_LEFT + right) / 2}" y="{HEIGHT - 4}" text-anchor="middle">'
        f"{escape(across.label)}</text></svg>"
    )


def _place_x(value: float, axis: Axis) -> float:
    return _LEFT + axis.share(value) * (WIDTH - _LEFT - _RIGHT)


def _place_y(value: float, axis: Axis) -> float:
    return HEIGHT - _BOTTOM - axis.share(value) * (HEIGHT - _TOP - _BOTTOM)


def _round_up(value: int) -> int:
    """1, 2, 4, 10, 20, 40, ...: the least that is not below ``value`` and has a whole half."""
    for power in range(12):
        for step in (2, 4, 10):
            if step * 10**power >= value:
                return int(step * 10**power)
    return value
