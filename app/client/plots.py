"""A forecast drawn: the end of the history, the mean, and the widest interval, a panel a series."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from app.client.errors import PlottingUnavailable

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from app.client.tables import Sent

_HISTORY_LENGTHS: Final = 3
"""Lengths of the forecast that are shown of what came before it."""

Band = tuple[str, str, str]
"""The columns of an interval's ends, and what it is called."""


def plot_forecast(
    forecast: "pa.Table", sent: "Sent | None", band: Band | None, *, items: Sequence[Any] | None, max_items: int
) -> "Figure":
    """Draws some series, one below the other.

    Args:
        forecast: Names and timestamps as in the history, `mean`, and the ends of the interval.
        sent: The history.
        band: Which interval to draw.
        items: Which series; the first ones if left out.
        max_items: How many then.

    Raises:
        PlottingUnavailable: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise PlottingUnavailable from error
    who, when = (sent.columns.item_id, sent.columns.timestamp) if sent else ("item_id", "timestamp")
    ahead, past = (
        _by_time(forecast, when),
        _by_time(sent.table, when).dropna(subset=sent.columns.target) if sent else None,
    )
    names = [None] if who is None else list(items if items is not None else ahead[who].unique()[:max_items])
    figure = Figure(figsize=(9, 2.6 * max(1, len(names))), layout="constrained")
    panels = figure.subplots(max(1, len(names)), squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=False):
        expected = ahead if who is None else ahead[ahead[who] == name]
        if past is not None and sent is not None:
            shown = (past if who is None else past[past[who] == name]).tail(_HISTORY_LENGTHS * len(expected))
            axes.plot(shown.index, shown[sent.columns.target], color="0.3", linewidth=1, label="history")
        _draw(axes, expected, band)
        axes.set_title("" if name is None else str(name), loc="left")
    panels[0].legend(loc="upper left", ncols=3, frameon=False)
    return figure


def _draw(axes: "Axes", expected: Any, band: Band | None) -> None:
    axes.plot(expected.index, expected["mean"], color="C0", label="mean")
    if band is not None:
        lower, upper, label = band
        axes.fill_between(expected.index, expected[lower], expected[upper], color="C0", alpha=0.2, label=label)


def _by_time(table: "pa.Table", when: str) -> Any:
    """A DataFrame in the order of its timestamps, which may be texts or whole numbers, as its index."""
    import pandas as pd  # noqa: PLC0415 - a second, for those who have a table anyway

    frame = table.to_pandas()
    if pd.api.types.is_numeric_dtype(frame[when].dtype):
        return frame.set_index(when, drop=False).sort_index()
    return frame.set_index(pd.DatetimeIndex(pd.to_datetime(frame[when]))).sort_index()
