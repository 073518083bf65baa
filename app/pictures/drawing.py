"""A figure as SVG: the same ink as the page, attributes instead of styles, so that every viewer and policy takes it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final, Literal
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from app.pictures.charts import Band, Chart, Figure, Floats, Line
from app.pictures.ticks import Tick, number_ticks, time_ticks, whole_ticks

Theme = Literal["light", "dark"]

_INKS: Final[Mapping[Theme, Mapping[str, str]]] = {
    "light": {
        "page": "#ffffff", "ink": "#1c2421", "muted": "#5a6663", "grid": "#e6eae8",
        "accent": "#0f766e", "second": "#8a5a00", "bad": "#b42318",
    },
    "dark": {
        "page": "#101514", "ink": "#e8eeec", "muted": "#9daba7", "grid": "#26302d",
        "accent": "#4fc5b6", "second": "#e0b25c", "bad": "#ff8d80",
    },
}  # fmt: skip
_FONT: Final = "DejaVu Sans, Verdana, system-ui, sans-serif"
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SMALL, _USUAL, _LARGE = 12, 13, 18
_EM: Final = 0.56
"""The mean width of a letter, in sizes of the font."""

_LEFT, _RIGHT, _BELOW, _MARGIN = 64, 8, 40, 16
_HEAD, _LEGEND, _CHART_TITLE = 58, 24, 22


@dataclass(frozen=True)
class Format:
    """How large a picture is, in pixels, and on what ground."""

    width: int = 1200
    height: int = 500
    theme: Theme = "light"


@dataclass(frozen=True)
class _Frame:
    """The rectangle that a chart's values are drawn in, and the numbers at its edges."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, values: Floats) -> Floats:
        low, high = self.x
        return self.left + (values - low) / ((high - low) or 1.0) * self.width

    def down(self, values: Floats) -> Floats:
        low, high = self.y
        return self.top + self.height - (values - low) / ((high - low) or 1.0) * self.height


def draw(figure: Figure, form: Format) -> str:
    """A figure as an SVG document.

    Args:
        figure: What it shows.
        form: How large, and on what ground.
    """
    ink = _INKS[form.theme]
    body = [
        _element("rect", width=form.width, height=form.height, fill=ink["page"]),
        _text(_fitting(figure.title, form.width - 2 * _MARGIN, _LARGE), _MARGIN, 28, ink["ink"], _LARGE),
        _text(_fitting(figure.caption, form.width - 2 * _MARGIN, _SMALL), _MARGIN, 48, ink["muted"], _SMALL),
        *(_charts(figure.charts, form, ink) if figure.charts else _nothing(figure.nothing, form, ink)),
    ]
    about = f"<title>{_words(figure.title)}</title><desc>{_words(figure.caption)}</desc>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {form.width} {form.height}" width="{form.width}" '
        f'height="{form.height}" role="img" font-family={quoteattr(_FONT)}>{about}{"".join(body)}</svg>'
    )


def _nothing(words: str, form: Format, ink: Mapping[str, str]) -> Iterator[str]:
    yield _text(words, form.width / 2, form.height / 2, ink["muted"], _USUAL, anchor="middle")


def _charts(charts: Sequence[Chart], form: Format, ink: Mapping[str, str]) -> Iterator[str]:
    yield from _legend(charts[0], form.width, ink)
    columns = ceil(sqrt(len(charts))) if form.width >= form.height else 1
    rows = ceil(len(charts) / columns)
    top = _HEAD + _LEGEND
    width, height = (form.width - _MARGIN) / columns, (form.height - top) / rows
    for number, one in enumerate(charts):
        yield from _chart(one, number % columns * width, top + number // columns * height, width, height, ink)


def _legend(chart: Chart, width: int, ink: Mapping[str, str]) -> Iterator[str]:
    left, middle = float(_MARGIN), _HEAD + 8.0
    for one in chart.marks:
        needed = 30 + len(one.name) * _SMALL * _EM
        if left + needed > width:
            return
        yield _sample(one, left, middle, ink)
        yield _text(one.name, left + 26, middle + 4, ink["ink"], _SMALL)
        left += needed + 14


def _sample(one: Line | Band, left: float, middle: float, ink: Mapping[str, str]) -> str:
    color = ink[one.ink]
    if isinstance(one, Band):
        opacity = f"{one.opacity + 0.1:.2f}"
        return _element("rect", x=left, y=middle - 6, width=20, height=12, rx=2, fill=color, fill_opacity=opacity)
    if one.has_dots:
        return _element("circle", cx=left + 10, cy=middle, r=3, fill=color)
    dash = {"stroke_dasharray": "4 4"} if one.is_dashed else {}
    at = {"x1": left, "x2": left + 20, "y1": middle, "y2": middle}
    return _element("line", **at, stroke=color, stroke_width=max(1.5, one.width), **dash)


def _chart(chart: Chart, left: float, top: float, width: float, height: float, ink: Mapping[str, str]) -> Iterator[str]:
    head = _CHART_TITLE if chart.title or chart.y_label else 4
    frame = _Frame(
        left + _LEFT,
        top + head,
        max(20.0, width - _LEFT - _RIGHT),
        max(20.0, height - head - _BELOW),
        chart.x_range(),
        chart.y_range(),
    )
    title = " · ".join(one for one in (chart.title, chart.y_label) if one)
    yield _text(_fitting(title, frame.width, _SMALL), frame.left, top + 12, ink["muted"], _SMALL)
    yield from _axes(chart, frame, ink)
    for band in chart.bands:
        yield _band(band, frame, ink)
    for line in chart.lines:
        yield from _line(line, frame, ink)


def _axes(chart: Chart, frame: _Frame, ink: Mapping[str, str]) -> Iterator[str]:
    right, bottom = frame.left + frame.width, frame.top + frame.height
    for tick in number_ticks(*frame.y, most=max(2, int(frame.height / 34))):
        (at,) = frame.down(np.array([tick.at]))
        yield _element("line", x1=frame.left, x2=right, y1=at, y2=at, stroke=ink["grid"])
        yield _text(tick.label, frame.left - 8, at + 4, ink["muted"], _SMALL, anchor="end")
    for tick in _across(chart, frame):
        (at,) = frame.across(np.array([tick.at]))
        yield _element("line", x1=at, x2=at, y1=frame.top, y2=bottom, stroke=ink["grid"])
        yield _text(tick.label, at, bottom + 17, ink["muted"], _SMALL, anchor="middle")
        if tick.below:
            yield _text(tick.below, at, bottom + 32, ink["muted"], _SMALL, anchor="middle")
    if chart.x_label:
        yield _text(chart.x_label, right, bottom + 33, ink["muted"], _SMALL, anchor="end")


def _across(chart: Chart, frame: _Frame) -> list[Tick]:
    most = max(2, int(frame.width / 80))
    return (time_ticks if chart.kind == "time" else whole_ticks)(*frame.x, most=most)


def _band(band: Band, frame: _Frame, ink: Mapping[str, str]) -> str:
    x = frame.across(band.x)
    there = zip(x, frame.down(band.high), strict=True)
    back = zip(x[::-1], frame.down(band.low)[::-1], strict=True)
    points = " ".join(f"{across:.1f},{down:.1f}" for across, down in (*there, *back))
    return _element("polygon", points=points, fill=ink[band.ink], fill_opacity=f"{band.opacity:.2f}")


def _line(line: Line, frame: _Frame, ink: Mapping[str, str]) -> Iterator[str]:
    known = np.isfinite(line.y)
    x, y = frame.across(line.x), frame.down(line.y)
    color = ink[line.ink]
    if line.has_dots or known.sum() == 1:
        for across, down in zip(x[known], y[known], strict=True):
            yield _element("circle", cx=across, cy=down, r=2.2, fill=color)
        return
    dash = {"stroke_dasharray": "4 4"} if line.is_dashed else {}
    for part in np.split(np.arange(len(x)), np.flatnonzero(np.diff(known.astype(int))) + 1):
        if len(part) and known[part[0]]:
            points = " ".join(f"{across:.1f},{down:.1f}" for across, down in zip(x[part], y[part], strict=True))
            yield _element(
                "polyline", points=points, fill="none", stroke=color, stroke_width=line.width,
                stroke_linejoin="round", **dash,
            )  # fmt: skip


def _text(words: str, x: float, y: float, fill: str, size: int, *, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}" text-anchor="{anchor}">{_words(words)}</text>'
    )


def _element(name: str, **attributes: object) -> str:
    written = (
        f"{key.replace('_', '-')}={quoteattr(f'{one:.1f}' if isinstance(one, float) else str(one))}"
        for key, one in attributes.items()
    )
    return f"<{name} {' '.join(written)}/>"


def _fitting(words: str, width: float, size: int) -> str:
    most = max(4, int(width / (size * _EM)))
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _words(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
