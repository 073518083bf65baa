"""A kept forecast as a figure: history, median, and intervals, a frame for each of its first series."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.pictures.charts import Band, Chart, Figure, Floats, Kind, Line
from app.schemas.answers import FailedBody, ForecastBody, Interval
from app.schemas.kept_forecasts import HistoryBody, KeptForecastBody
from app.schemas.refusals import ItemNotForecast
from app.time_axes import Axis

MOST_CHARTS: Final = 6
_OFFSET: Final = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
_FAINTEST, _STRONGEST = 0.14, 0.3
_HISTORY_SHARE: Final = 0.6
"""How long the history is drawn, in lengths of the forecast: as the page has it."""


def draw_forecast(kept: KeptForecastBody, item_id: str | None = None) -> Figure:
    """The figure of a forecast.

    Args:
        kept: The forecast.
        item_id: Which series; the first ones if left out.

    Raises:
        ItemNotForecast: It is not among them.
    """
    found = [one for one in kept.forecasts if isinstance(one, ForecastBody)]
    if item_id is not None:
        found = [one for one in found if one.item_id == item_id]
        if not found:
            raise ItemNotForecast(item_id, kept.id)
    shown = found[:MOST_CHARTS]
    history = {one.item_id: one for one in kept.history}
    charts = tuple(_chart(one, history.get(one.item_id), is_titled=len(shown) > 1) for one in shown)
    title = f"Forecast of {shown[0].item_id}" if len(shown) == 1 else f"Forecast of {len(kept.forecasts)} series"
    return Figure(title, _caption(kept, shown), charts, _reason(kept))


def _caption(kept: KeptForecastBody, shown: Sequence[ForecastBody]) -> str:
    parts = [f"{kept.model.name}, version {kept.model.version}"]
    if shown:
        last = max(shown[0].timestamps)
        parts.append(f"{len(shown[0].timestamps)} steps to {_short(last)}")
    if len(kept.forecasts) > len(shown) > 1:
        parts.append(f"the first {len(shown)} series are shown")
    return " · ".join((*parts, f"made {kept.created_at:%Y-%m-%d %H:%M} UTC"))


def _reason(kept: KeptForecastBody) -> str:
    refused = next((one for one in kept.forecasts if isinstance(one, FailedBody)), None)
    return refused.problem.detail if refused else "It holds no series."


def _chart(forecast: ForecastBody, history: HistoryBody | None, *, is_titled: bool) -> Chart:
    x = _seconds(forecast.timestamps)
    order = np.argsort(x, kind="stable")
    middle, name = _middle(forecast)
    lines = [Line(name, x[order], middle[order], "accent", 2.0)]
    if history is not None and len(history.timestamps):
        past, values = _seconds(history.timestamps), np.asarray(history.target, dtype=np.float64)
        near = past >= past[-1] - max(_HISTORY_SHARE * (x.max() - past[-1]), 0)
        lines.insert(0, Line("history", *_broken(past[near], values[near]), "ink", 1.2))
    kind: Kind = "time" if isinstance(forecast.timestamps[0], str) else "count"
    return Chart(forecast.item_id if is_titled else "", tuple(_bands(forecast, x, order)), tuple(lines), kind)


def _middle(forecast: ForecastBody) -> tuple[Floats, str]:
    median = forecast.quantiles.get("0.5")
    values = forecast.mean if median is None else median
    return np.asarray(values, dtype=np.float64), "mean" if median is None else "median"


def _bands(forecast: ForecastBody, x: Floats, order: NDArray[np.intp]) -> Iterator[Band]:
    pairs = [(f"{level} % interval", one.lower, one.upper) for level, one in _widest_first(forecast)]
    levels = sorted(forecast.quantiles, key=float)
    if not pairs and len(levels) > 1:
        first, last = levels[0], levels[-1]
        pairs = [(f"quantiles {first} to {last}", forecast.quantiles[first], forecast.quantiles[last])]
    opacities = np.linspace(_FAINTEST, _STRONGEST, max(2, len(pairs))).tolist()
    for (name, lower, upper), opacity in zip(pairs, opacities, strict=False):
        low, high = (np.asarray(side, dtype=np.float64)[order] for side in (lower, upper))
        yield Band(name, x[order], low, high, "accent", opacity)


def _widest_first(forecast: ForecastBody) -> list[tuple[str, Interval]]:
    return sorted(forecast.intervals.items(), key=lambda one: -float(one[0]))


def _broken(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """A line with a break in every gap of more than one and a half steps."""
    if len(x) < 3:
        return x, y
    steps = np.diff(x)
    gaps = np.flatnonzero(steps > 1.5 * np.median(steps)) + 1
    return np.insert(x, gaps, x[gaps - 1]), np.insert(y, gaps, np.nan)


def _seconds(axis: Axis) -> Floats:
    """Timestamps as the clocks beside them show them: the offset is not taken off. Numbers are themselves."""
    if not isinstance(axis[0], str):
        return np.array(axis, dtype=np.float64)
    moments = np.array([_OFFSET.sub("", str(one)) for one in axis], dtype="datetime64[us]")
    return np.asarray(moments.astype("int64") / 1e6, dtype=np.float64)


def _short(written: str | float) -> str:
    if not isinstance(written, str):
        return str(written)
    return _OFFSET.sub("", written).replace("T", " ").removesuffix(":00").removesuffix(" 00:00")
