"""Forecasts out, as tables."""

from collections.abc import Iterable

import pandas as pd

from model import ItemForecast


def write_csv(forecasts: Iterable[ItemForecast]) -> str:
    """Forecasts in long form: item_id, timestamp, mean, and a column for each quantile level."""
    return pd.concat(_tables(forecasts), ignore_index=True).to_csv(
        index=False, lineterminator="\n", float_format="%.10g"
    )


def _tables(forecasts: Iterable[ItemForecast]) -> Iterable[pd.DataFrame]:
    for item in forecasts:
        quantiles = {f"{level:g}": values for level, values in item.quantiles.items()}
        times = [timestamp.isoformat() for timestamp in item.local_timestamps()]
        yield pd.DataFrame({"item_id": item.item_id, "timestamp": times, "mean": item.mean, **quantiles})
