"""The sets of long horizons: where their parts end, and the windows of a part.

Values are z-scored by the mean and deviation of each channel's training part.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import Panel, Series, TrainingConfig, read_instants
from model.contexts.cuts import WindowShape
from model.contexts.splitting import split
from model.contexts.windows import Windows
from model.networks.device import choose_device


@dataclass(frozen=True)
class Borders:
    """Where the training, validation and test parts of a set end, in rows."""

    train: int
    validation: int
    test: int


ETT = {
    "ETTh1": Borders(8640, 11520, 14400),
    "ETTh2": Borders(8640, 11520, 14400),
    "ETTm1": Borders(34560, 46080, 57600),
}


@dataclass(frozen=True, eq=False)
class LongHorizonSet:
    """A set, z-scored by its training part.

    Attributes:
        name: Its name.
        borders: Where its parts end.
        frame: Its timestamps and channel names.
        values: Of all parts; shape (rows, channels).
    """

    name: str
    borders: Borders
    frame: pd.DataFrame
    values: NDArray[np.float64]

    @classmethod
    def read(cls, name: str, path: Path) -> "LongHorizonSet":
        """The set in a file with a column of dates, wherever it is, and columns of numbers, each a channel.

        Raises:
            SetUnusable: There is no such column, or a channel lacks values.
        """
        frame = _dates_first(pd.read_csv(path), path)
        borders = ETT.get(name) or _seven_one_two(len(frame))
        values = frame.iloc[: borders.test, 1:].to_numpy(dtype=np.float64)
        values = (values - values[: borders.train].mean(0)) / values[: borders.train].std(0)
        return cls(name, borders, frame, values)

    @property
    def names(self) -> list[str]:
        """Of the channels."""
        return [str(column) for column in self.frame.columns[1:]]

    def until(self, row: int) -> Panel:
        """Everything before a row."""
        return panel_of(self.frame, self.values[:row])


class SetUnusable(Exception):
    """A file that is no set of long horizons."""


def _dates_first(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The dates and the numbers of a table; its other columns, such as words, are left out."""
    dates = next((name for name in frame if not _is_numeric(frame[name]) and _holds_dates(frame[name])), None)
    channels = [name for name in frame if _is_numeric(frame[name])]
    if dates is None or not channels:
        raise SetUnusable(
            f"{path} needs a column of dates and columns of numbers; it has {', '.join(map(str, frame))}."
        )
    lacking = [str(name) for name in channels if frame[name].isna().any()]
    if lacking or frame[dates].duplicated().any():
        fault = f"no value in some rows of {', '.join(lacking)}" if lacking else f"dates in {dates} more than once"
        raise SetUnusable(f"{path} has {fault}; the protocol scores whole series on one grid, a column for each.")
    return frame[[dates, *channels]]


def _is_numeric(column: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype)


def _holds_dates(column: "pd.Series[Any]") -> bool:
    return read_instants([str(one) for one in column.head(100)]) is not None


def _seven_one_two(num_rows: int) -> Borders:
    test = int(num_rows * 0.2)
    train = int(num_rows * 0.7)
    return Borders(train, num_rows - test, num_rows)


def panel_of(frame: pd.DataFrame, values: NDArray[np.float64]) -> Panel:
    """The first rows of a set as a panel, whatever the values are."""
    timestamps = frame.iloc[: len(values), 0]
    names = [str(column) for column in frame.columns[1:]]
    return Panel(tuple(Series.from_values(one, timestamps, values[:, number]) for number, one in enumerate(names)))


def last_windows(panel: Panel, config: TrainingConfig, num_steps: int) -> Windows:
    """Every window whose targets lie in the last `num_steps`: what training calls validation, of the longer panel."""
    shape = WindowShape(
        config.freq,
        config.season_length,
        config.context_length,
        config.horizon,
        num_steps,
        channels=config.channels,
    )
    return split(panel, shape, choose_device()).validation
