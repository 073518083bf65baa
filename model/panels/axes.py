"""Time axes of columns read one after the other: one that many series share is read once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model.panels.columns import Column, Times, read_timestamps
from model.panels.grid import Grid, Instants, infer_frequency


@dataclass(frozen=True, eq=False)
class Axis:
    """The time axis of one column.

    Attributes:
        times: What was read.
    """

    times: Times

    @cached_property
    def is_ascending(self) -> bool:
        """Whether every row is later than the one before it, so that nothing is to be sorted and nothing repeats."""
        instants = self.times.instants
        return bool((instants[1:] > instants[:-1]).all()) and not np.isnat(instants[:1]).any()


class AxisReader:
    """Reads time axes one after the other, and remembers the last one and its frequency."""

    def __init__(self) -> None:
        self._written: Column = []
        self._axis: Axis | None = None
        self._instants: Instants | None = None
        self._freq = ""
        self._zone: str | None = None
        self._grid: tuple[Grid, int] | None = None
        self._steps: Instants = np.empty(0, dtype="datetime64[us]")

    def read(self, item_id: str, timestamps: Column, *, counted: bool = False) -> Axis:
        """The axis of a column; the same one as before where the texts are the same, all of them sound.

        Args:
            item_id: The series.
            timestamps: The column.
            counted: Whether texts are whole numbers, even if they could be dates.
        """
        if counted:
            return Axis(read_timestamps(item_id, timestamps, counted=True))
        if self._axis is not None and isinstance(timestamps, list) and timestamps == self._written:
            return self._axis
        times = read_timestamps(item_id, timestamps)
        axis = Axis(times)
        # Only texts that are equal are the same: equal datetimes may be of two zones.
        if isinstance(timestamps, list) and not times.faults and set(map(type, timestamps)) == {str}:
            self._written, self._axis = timestamps, axis
        return axis

    def frequency(self, instants: Instants, time_zone: str | None, *, item_id: str) -> str:
        """As `infer_frequency` gives it, found once for instants that are those before them.

        Raises:
            FrequencyUnknown: There are fewer than two.
        """
        if self._instants is None or time_zone != self._zone or not np.array_equal(instants, self._instants):
            self._freq = infer_frequency(instants, time_zone, item_id=item_id)
            self._instants, self._zone = instants, time_zone
        return self._freq

    def on_grid(self, grid: Grid, num_rows: int) -> Instants:
        """The first points of a grid, from its anchor on; made once for grids that follow each other."""
        if (grid, num_rows) != self._grid:
            skip = 0 if grid.timestamps(0, 0)[0] >= grid.anchor else 1
            self._grid, self._steps = (grid, num_rows), grid.timestamps(skip, skip + num_rows - 1)
        return self._steps
