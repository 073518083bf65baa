"""A forecast drawn in a terminal: history, interval, expectation, and what really happened."""

import shutil
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import ItemForecast, Moment, Series

_BRAILLE: Final = 0x2800
_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BAND, _TRUTH, _CUTOFF = "░", "●", "┊"
_COLORS: Final = {_BAND: "\033[34m", _TRUTH: "\033[33;1m", _CUTOFF: "\033[2m"}
_RESET: Final = "\033[0m"
_NARROWEST: Final = 48
_ROOM_FOR_HOURS: Final = 52

Floats = NDArray[np.float64]


def plot_forecast(
    history: Series,
    forecast: ItemForecast,
    *,
    truth: Series | None = None,
    width: int | None = None,
    height: int = 20,
    color: bool = False,
) -> str:
    """A forecast as lines of text, after a history half as long.

    A line of dots is the history, and beyond the cutoff the mean of the forecast; ░ is the interval between its
    outermost quantiles; ● is what really came, if known. It reads the same without color, so it can stand in a log.

    Args:
        history: The series up to the cutoff.
        forecast: What was forecast from there.
        truth: What happened afterwards, if known.
        width: Columns in all; those of the terminal if left out.
        height: Lines of the plot itself; title and axes take four more.
        color: Whether to color it with ANSI codes.

    Returns:
        The plot, without a newline at its end.
    """
    columns = max(_NARROWEST, width or shutil.get_terminal_size((100, 24)).columns)
    view = _View.around(history, forecast, truth)
    labels = [_number(value) for value in np.linspace(view.highest, view.lowest, height)]
    margin = max(map(len, labels)) + 1
    grid = _draw(view, columns - margin - 1, height)
    rows = [
        f"{label if line % 4 == 0 or line == height - 1 else '':>{margin - 1}} ┤{_paint(row, color=color)}"
        for line, (label, row) in enumerate(zip(labels, grid, strict=True))
    ]
    axis = " " * margin + "└" + "─" * (columns - margin - 1)
    return "\n".join([_title(view), *rows, axis, " " * (margin + 1) + _dates(view, columns - margin - 1)])


@dataclass(frozen=True)
class _View:
    """What is drawn, on one clock: seconds since the first instant in sight."""

    item_id: str
    observed: tuple[Floats, Floats]
    truth: tuple[Floats, Floats]
    expected: tuple[Floats, Floats]
    lower: Floats
    upper: Floats
    levels: tuple[float, float]
    cutoff: float
    end: float
    lowest: float
    highest: float
    dates: tuple[Moment, Moment, Moment]

    @classmethod
    def around(cls, history: Series, forecast: ItemForecast, truth: Series | None) -> "_View":
        order = np.argsort(forecast.timestamps)
        times = forecast.timestamps[order]
        past = history.timestamps >= history.last - (times[-1] - history.last) // 2
        start = history.timestamps[past][0]
        came = history if truth is None else truth
        ahead = (came.timestamps > history.last) & (came.timestamps <= times[-1])
        levels = sorted(forecast.quantiles) or [0.5]
        lower, upper = (forecast.quantiles.get(level, forecast.mean)[order] for level in (levels[0], levels[-1]))
        everything = np.concatenate([history.values[past], came.values[ahead], lower, upper, forecast.mean])
        local = history.local_timestamps()
        return cls(
            item_id=forecast.item_id,
            observed=(_seconds(history.timestamps[past], start), history.values[past]),
            truth=(_seconds(came.timestamps[ahead], start), came.values[ahead]),
            expected=(_seconds(times, start), forecast.mean[order]),
            lower=lower,
            upper=upper,
            levels=(levels[0], levels[-1]),
            cutoff=float(_seconds(history.timestamps[-1:], start)[0]),
            end=float(_seconds(times[-1:], start)[0]) or 1.0,
            lowest=float(everything.min()),
            highest=float(everything.max()) if everything.max() > everything.min() else float(everything.min()) + 1,
            dates=(local[past][0], local[-1], forecast.local_timestamps()[order][-1]),
        )

    def across(self, seconds: Floats, size: int) -> NDArray[np.int64]:
        """Columns, of so many, at which instants stand."""
        return np.clip(seconds / self.end * (size - 1), 0, size - 1).round().astype(np.int64)

    def down(self, values: Floats, size: int) -> NDArray[np.int64]:
        """Rows, of so many, at which values stand; the highest is row 0."""
        return ((self.highest - values) / (self.highest - self.lowest) * (size - 1)).round().astype(np.int64)


def _draw(view: _View, width: int, height: int) -> list[list[str]]:
    grid = [[" "] * width for _ in range(height)]
    cutoff = int(view.across(np.array([view.cutoff]), width)[0])
    for row in grid:
        row[cutoff] = _CUTOFF
    times = view.expected[0]
    for column in range(cutoff + 1, width):
        # Whatever the interval covers anywhere within the column, so that no season is too short to be seen.
        at = np.linspace(column - 0.5, column + 0.5, 9) / max(1, width - 1) * view.end
        top = view.down(np.interp(at, times, view.upper), height).min()
        bottom = view.down(np.interp(at, times, view.lower), height).max()
        for line in range(top, bottom + 1):
            grid[line][column] = _BAND
    _draw_line(grid, view, *view.observed)
    _draw_line(grid, view, *view.expected)
    _draw_marks(grid, view)
    return grid


def _draw_line(grid: list[list[str]], view: _View, seconds: Floats, values: Floats) -> None:
    """Draws a line with two by four dots a cell."""
    width, height = len(grid[0]) * 2, len(grid) * 4
    across, down = view.across(seconds, width), view.down(values, height)
    cells: dict[tuple[int, int], int] = {}
    for index in range(len(across) - 1):
        steps = max(abs(across[index + 1] - across[index]), abs(down[index + 1] - down[index]), 1)
        for share in np.linspace(0, 1, steps + 1):
            x = round(across[index] + share * (across[index + 1] - across[index]))
            y = round(down[index] + share * (down[index + 1] - down[index]))
            cells[y // 4, x // 2] = cells.get((y // 4, x // 2), 0) | _DOTS[x % 2][y % 4]
    for (line, column), dots in cells.items():
        grid[line][column] = chr(_BRAILLE + dots)


def _draw_marks(grid: list[list[str]], view: _View) -> None:
    """Marks what really came, one observation a column."""
    seconds, values = view.truth
    columns, first = np.unique(view.across(seconds, len(grid[0])), return_index=True)
    for column, line in zip(columns, view.down(values[first], len(grid)), strict=True):
        grid[line][column] = _TRUTH


def _title(view: _View) -> str:
    low, high = view.levels
    interval = "" if low == high else f"   {_BAND} quantiles {low:g} to {high:g}"
    came = f"   {_TRUTH} what came" if len(view.truth[0]) else ""
    return f"{view.item_id}   ⣀⠤⠒ history {_CUTOFF} mean forecast{interval}{came}"


def _dates(view: _View, width: int) -> str:
    pattern = "%Y-%m-%d %H:%M" if width >= _ROOM_FOR_HOURS else "%Y-%m-%d"
    first, cutoff, last = (one.strftime(pattern) if isinstance(one, pd.Timestamp) else str(one) for one in view.dates)
    middle = max(len(first) + 1, int(view.across(np.array([view.cutoff]), width)[0]) - len(cutoff) // 2)
    return (first.ljust(middle) + cutoff).ljust(width - len(last)) + last


def _paint(row: list[str], *, color: bool) -> str:
    if not color:
        return "".join(row).rstrip()
    return "".join(f"{_COLORS[one]}{one}{_RESET}" if one in _COLORS else one for one in row)


def _seconds(instants: NDArray[np.datetime64], start: np.datetime64) -> Floats:
    return np.asarray((instants - start) / np.timedelta64(1, "s"), dtype=np.float64)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
