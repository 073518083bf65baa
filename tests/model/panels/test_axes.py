"""Columns read one after the other are read as each would be alone."""

import pandas as pd
import pytest

from model.panels.axes import AxisReader
from model.panels.reading import Reading, read_columns, read_grid

HOURS = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z", "2026-01-01T03:00:00Z"]
DAYS = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]
COLUMNS = [
    (HOURS, [1.0, 2.0, 3.0, 4.0]),
    (HOURS, [5.0, None, 7.0, 8.0]),
    (HOURS, [5.0, None, 7.0, 9.0]),
    (HOURS, [None, None, None, 1.0]),
    (HOURS, [None, None, None, None]),
    (HOURS, [1.0, float("inf"), 3.0, 4.0]),
    (HOURS, [1.0, 2.0]),
    (DAYS, [1.0, 2.0, 3.0, 4.0]),
    (DAYS[::-1], [1.0, 2.0, 3.0, 4.0]),
    (DAYS[::-1], [4.0, 3.0, 2.0, None]),
    ([DAYS[0], DAYS[1], DAYS[1], DAYS[3]], [1.0, 2.0, 3.0, 4.0]),
    ([DAYS[0], DAYS[1], DAYS[1], DAYS[3]], [1.0, 2.0, None, 4.0]),
    ([DAYS[0], "soon", DAYS[2], DAYS[3]], [1.0, 2.0, 3.0, 4.0]),
    ([DAYS[0], "soon", DAYS[2], DAYS[3]], [1.0, 2.0, 3.0, 4.0]),
    ([f"{one}T00:00:00+02:00" for one in DAYS], [1.0, 2.0, 3.0, 4.0]),
    ([f"{one}T00:00:00" for one in DAYS], [1.0, 2.0, 3.0, 4.0]),
    ([], []),
    (DAYS[:1], [1.0]),
]


def told(reading: Reading) -> tuple[object, ...]:
    faults = [(str(one.error), one.error.item_id, one.positions.tolist()) for one in reading.faults]
    arrays = [one.tolist() for one in (reading.rows, reading.instants, reading.numbers)]
    return (
        reading.item_id, reading.num_rows, reading.num_missing, *arrays, reading.freq, reading.time_zone,
        reading.offsets, faults,
    )  # fmt: skip


@pytest.mark.parametrize("duplicates", ["error", "mean"])
def test_columns_read_one_after_the_other_are_read_as_each_alone(duplicates):
    axes = AxisReader()
    for number, (times, values) in enumerate([*COLUMNS, *reversed(COLUMNS)]):
        together = read_columns(f"s{number}", list(times), values, freq=None, duplicates=duplicates, axes=axes)
        alone = read_columns(f"s{number}", list(times), values, freq=None, duplicates=duplicates)
        assert told(together) == told(alone)


def test_grids_read_one_after_the_other_are_read_as_each_alone():
    axes = AxisReader()
    grids = [("2026-01-01", "D"), ("2026-01-01", "MS"), ("2026-01-15", "MS"), ("2026-01-15T00:00:00Z", "MS")]
    for start, freq in [*grids, grids[-1], ("soon", "D"), ("8999-12-31", "D"), ("2026-01-01", "soon")]:
        for values in ([1.0, 2.0, 3.0], [1.0, None, 3.0], [1.0, 2.0]):
            together = read_grid("a", start, freq, values, axes=axes)
            assert told(together) == told(read_grid("a", start, freq, values))


def test_an_axis_that_is_shared_is_read_once():
    axes = AxisReader()
    first, again = (axes.read("a", list(HOURS)) for _ in range(2))
    assert first is again
    assert axes.read("a", HOURS[:2]) is not first


def test_equal_datetimes_of_two_zones_are_two_axes():
    axes = AxisReader()
    here = [pd.Timestamp(one) for one in HOURS]
    there = [one.tz_convert("Asia/Tokyo") for one in here]
    assert here == there
    zones = [axes.read("a", one).times.time_zone for one in (here, there)]
    assert zones == ["UTC", "Asia/Tokyo"]
