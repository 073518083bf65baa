"""A forecast as a picture in a file: history, mean, interval, and what came, a panel a series."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from app.cli.refusals import refuse
from app.client.errors import PlottingUnavailable
from app.client.plots import Band, plot_forecast
from app.client.tables import read_frame
from app.frames import FileNotWritable
from model import Forecast, ItemForecast, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def to_frame(forecasts: Sequence[ItemForecast]) -> pd.DataFrame:
    """Forecasts in long form: item_id, timestamp, mean, and a column for each quantile level."""
    return Forecast(tuple(forecasts), 0).to_frame()


def save_picture(
    path: str, history: Panel, forecasts: Sequence[ItemForecast], whole: Panel | None, *, max_items: int
) -> None:
    """Draws the first series with matplotlib; the name of the file says in which format.

    Raises:
        FileNotWritable: It cannot be written.
    """
    shown = list(forecasts)[:max_items]
    names = [one.item_id for one in shown]
    past = Panel(tuple(one for one in history if one.item_id in names))
    sent = read_frame(_in_one_zone(past.to_frame()), item_id="item_id", timestamp="timestamp", target="target")
    table = pa.Table.from_pandas(_in_one_zone(to_frame(shown)), preserve_index=False)
    try:
        figure = plot_forecast(table, sent, _band(shown[0]), items=names, max_items=max_items)
        for axes, one in zip(figure.axes, shown, strict=True):
            _mark(axes, _came(one, whole))
        figure.savefig(path, dpi=120)
    except PlottingUnavailable as error:
        refuse(str(error))
    except OSError as error:
        raise FileNotWritable(path, (error.strerror or "it failed").lower()) from error
    except ValueError as error:
        raise FileNotWritable(path, str(error).partition(";")[0].lower()) from error


def _mark(axes: "Axes", came: pd.DataFrame) -> None:
    if len(came):
        axes.plot(came["timestamp"], came["target"], ".", color="C1", markersize=4, label="what came")
        axes.legend(loc="upper left", ncols=4, frameon=False)


def _band(forecast: ItemForecast) -> Band | None:
    levels = [f"{level:g}" for level in sorted(forecast.quantiles)]
    return (levels[0], levels[-1], f"quantiles {levels[0]} to {levels[-1]}") if len(levels) > 1 else None


def _came(forecast: ItemForecast, whole: Panel | None) -> pd.DataFrame:
    """What was observed while the forecast lasts, as far as that is known."""
    truth = next((one for one in whole or () if one.item_id == forecast.item_id), None)
    if truth is None:
        return pd.DataFrame({"timestamp": [], "target": []})
    ahead = np.isin(truth.timestamps, forecast.timestamps)
    return pd.DataFrame({"timestamp": truth.local_timestamps()[ahead], "target": truth.values[ahead]})


def _in_one_zone(table: pd.DataFrame) -> pd.DataFrame:
    if table["timestamp"].dtype != object:
        return table
    return table.assign(timestamp=pd.to_datetime(table["timestamp"], utc=True))
