"""What MLflow loads an exported version with; it is copied beside the checkpoint, and needs nothing of the service."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from app.column_names import ColumnNames, ColumnsUnclear, Found, choose_names
from model import Forecaster, Panel, Steps, load

DEFAULT_LEVELS: Final = (0.1, 0.5, 0.9)


class Predictor:
    """A version as MLflow asks it.

    Args:
        forecaster: The version.
    """

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster

    def predict(self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """The forecasts of the series in a table: item_id, timestamp, mean, and a column for each quantile level.

        Args:
            model_input: In long form, with the covariates that the version was trained with; other columns are guessed
                by usual names, then by type.
            params: `horizon` in steps (as far as it was trained if left out), `quantile_levels`, `freq`, and the names
                of columns: `item_id`, `timestamp`, `target`.

        Raises:
            ValueError: A column has to be named.
            ForecastingError: A series cannot be forecast.
        """
        # MLflow sends every parameter, those left out as the empty text that stands for them in the signature.
        asked = {name: one for name, one in (params or {}).items() if not isinstance(one, str) or one}
        scheme = self._forecaster.config.covariates
        past, future = [one.name for one in scheme.past], [one.name for one in scheme.future]
        static = [*(one.name for one in scheme.measures), *(one.name for one in scheme.choices)]
        columns = _columns(model_input, asked, [*past, *future, *static])
        panel = Panel.from_frame(
            model_input,
            item_id=columns.item_id,
            timestamp=columns.timestamp,
            target=columns.target,
            freq=asked.get("freq"),
            past_covariates=past,
            future_covariates=future,
            static_covariates=static,
        )
        levels = tuple(float(one) for one in asked.get("quantile_levels", DEFAULT_LEVELS))
        horizon = Steps(int(asked.get("horizon", self._forecaster.config.horizon)))
        return self._forecaster.forecast(panel, horizon, levels).to_frame()


def _load_pyfunc(path: str) -> Predictor:
    """The entry that MLflow calls, with the folder of the checkpoint."""
    return Predictor(load(Path(path)))


def _columns(table: pd.DataFrame, asked: Mapping[str, Any], beside: Sequence[str]) -> ColumnNames:
    names = [str(one) for one in table.columns]
    times = [name for name in names if pd.api.types.is_datetime64_any_dtype(table[name])]
    numbers = [name for name in names if pd.api.types.is_numeric_dtype(table[name])]
    named = {role: asked.get(role) for role in ("item_id", "timestamp", "target")}
    try:
        return choose_names(Found(names, times, numbers), **named, beside=beside)
    except ColumnsUnclear as error:
        remedy = f" Name it in params: {{{error.role!r}: …}}." if error.role else ""
        raise ValueError(f"{error.reason}{remedy}") from error
