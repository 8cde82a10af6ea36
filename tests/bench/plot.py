# SPDX-License-Identifier: GPL-2.0-or-later
"""Curves as SVG: lines over an axis of powers of two, with a legend."""

import math
from typing import Dict, List, Sequence, Tuple
from xml.sax.saxutils import escape

Series = Dict[str, List[Tuple[float, float]]]
WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 170, 34, 48
COLOURS = ("#c0392b", "#e67e22", "#8e44ad", "#2c7fb8", "#238b45", "#555555")


def short(value: float) -> str:
    """A number for an axis: 4 Ki, 20k, 0.3."""
    for unit, name in ((1 << 20, "Mi"), (1 << 10, "Ki")):
        if value >= unit and value % unit == 0:
            return f"{value / unit:g} {name}"
    if value >= 10000 and value % 1000 == 0:
        return f"{value / 1000:g}k"
    return f"{value:g}"


def y_ticks(low: float, high: float, logarithmic: bool) -> List[float]:
    """Round numbers that hold all values."""
    if logarithmic:
        first = math.floor(math.log10(low))
        last = math.ceil(math.log10(high))
        return [10.0 ** n for n in range(first, max(last, first + 1) + 1)]
    step = 10.0 ** math.floor(math.log10(high / 2))
    while high / step > 6:
        step *= 2 if high / step < 12 else 2.5
    return [n * step for n in range(math.ceil(high / step) + 1)]


class Plot:
    """One figure."""

    def __init__(self, series: Series) -> None:
        values = [y for points in series.values() for _, y in points]
        self.series = series
        self.places = sorted({x for points in series.values()
                              for x, _ in points})
        low, high = max(min(values), 1e-3), max(values)
        self.logarithmic = high / low > 20
        self.ticks = y_ticks(low, high, self.logarithmic)

    def at_x(self, x: float) -> float:
        """Powers of two are as far from each other."""
        first, last = (math.log2(self.places[i]) for i in (0, -1))
        part = (math.log2(x) - first) / ((last - first) or 1)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def at_y(self, y: float) -> float:
        """From the bottom up."""
        low, high = self.ticks[0], self.ticks[-1]
        if self.logarithmic:
            low, high, y = (math.log10(v) for v in (low, high, max(y, low)))
        part = (y - low) / ((high - low) or 1)
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    def axes(self, x_title: str, y_title: str) -> List[str]:
        """Grid, numbers and what they are."""
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        found = []
        for tick in self.ticks:
            y = self.at_y(tick)
            found += [f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#ddd"/>',
                      text(LEFT - 6, y + 4, short(tick), "end")]
        shown = -100.0
        for place in self.places:
            x = self.at_x(place)
            found.append(f'<path d="M{x:.1f} {bottom}v4" stroke="#333"/>')
            if x - shown >= 34:
                found.append(text(x, bottom + 17, short(place), "middle"))
                shown = x
        found.append(f'<path d="M{LEFT} {TOP}V{bottom}H{right}" '
                     'fill="none" stroke="#333"/>')
        found.append(text((LEFT + right) / 2, HEIGHT - 10, x_title, "middle"))
        found.append(f'<text x="14" y="{(TOP + bottom) / 2:.0f}" '
                     'text-anchor="middle" transform="rotate(-90 14 '
                     f'{(TOP + bottom) / 2:.0f})">{escape(y_title)}</text>')
        return found

    def lines(self) -> List[str]:
        """The curves, and their names beside them."""
        found = []
        for number, (name, points) in enumerate(self.series.items()):
            colour = COLOURS[number % len(COLOURS)]
            places = [(self.at_x(x), self.at_y(y)) for x, y in points]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
            found.append(f'<path d="M{path}" fill="none" stroke="{colour}" '
                         'stroke-width="2"/>')
            found += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" '
                      f'fill="{colour}"/>' for x, y in places]
            y = TOP + 8 + 20 * number
            x = WIDTH - RIGHT + 12
            found += [f'<path d="M{x} {y}h18" stroke="{colour}" '
                      'stroke-width="3"/>', text(x + 24, y + 4, name)]
        return found


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """A line of text."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
            f'{escape(words)}</text>')


def svg(title: str, x_title: str, y_title: str, series: Series) -> str:
    """The whole file."""
    plot = Plot(series)
    body: Sequence[str] = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>',
        *plot.axes(x_title, y_title), *plot.lines(), "</svg>"]
    return "\n".join(body) + "\n"
