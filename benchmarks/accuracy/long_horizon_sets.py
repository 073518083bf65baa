"""The sets of long horizons: where their parts end, and the windows of a part.

Values are z-scored by the mean and deviation of each channel's training part.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import Panel, Series, TrainingConfig
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
        """The set in a file with a column of dates and one for each channel."""
        frame = pd.read_csv(path)
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
