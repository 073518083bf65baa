import numpy as np
import pandas as pd
import pytest

from model.panels.columns import read_numbers, read_timestamps


@pytest.mark.parametrize(("length", "suffix"), [(10, ""), (16, ""), (16, "Z"), (19, ""), (19, "Z")])
def test_timestamps_written_alike_are_read_as_pandas_reads_them(length, suffix):
    instants = np.datetime64("1999-12-28T21:59:07") + np.arange(400) * np.timedelta64(11, "h")
    texts = [str(one)[:length] + suffix for one in instants]
    read = read_timestamps("a", texts)
    expected = pd.DatetimeIndex(pd.to_datetime(pd.Series(texts), format="ISO8601"))
    assert read.faults == ()
    assert read.time_zone == (None if expected.tz is None else str(expected.tz))
    assert read.instants.dtype == np.dtype("datetime64[us]")
    np.testing.assert_array_equal(read.instants, expected.tz_localize(None).as_unit("us").to_numpy())


@pytest.mark.parametrize(
    "wrong",
    [
        "2026-13-01T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-0a-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
    ],
)
def test_one_wrong_timestamp_among_many_written_alike_is_found(wrong):
    texts = ["2026-01-01T00:00:00Z", wrong, "2026-01-01T02:00:00Z"]
    (fault,) = read_timestamps("a", texts).faults
    assert fault.positions.tolist() == [1]
    assert wrong in fault.error.found


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+01:00"])
@pytest.mark.parametrize("ticks", [2**62, -(2**62), 2**57, -(2**57), 2**45, -(2**45), 86400])
def test_instants_of_a_table_are_read_or_refused_however_far_away(unit, zone, ticks):
    column = pd.Series(pd.DatetimeIndex(np.array([0, ticks], dtype=f"datetime64[{unit}]")))
    column = column.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else column
    read = read_timestamps("a", column)
    years = ticks / {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit] / 31556952
    assert bool(read.faults) == (not -970 < years < 7030)
    assert read.instants[0] == np.datetime64(0, "s")
    assert np.isnat(read.instants[1]) == bool(read.faults)
    assert read.instants.dtype == np.dtype("datetime64[us]")


def test_numbers_in_a_list_are_read_as_in_a_table():
    for values in ([1, 2.5, None, float("nan")], [None, None], [], [1, "2", None], [10**400, 1.0], [True, 1.0]):
        mine, faults = read_numbers("a", list(values))
        theirs, others = read_numbers("a", pd.Series(values, dtype=object))
        np.testing.assert_array_equal(mine, theirs)
        assert [str(one.error) for one in faults] == [str(one.error) for one in others]


@pytest.mark.parametrize(
    ("texts", "first", "day_unsure"),
    [
        (["3.4.2026", "4.4.2026"], "2026-04-03", False),
        (["03.04.2026 10:30", "03.04.2026 11:30"], "2026-04-03T10:30", False),
        (["04.13.2026", "04.14.2026"], "2026-04-13", False),
        (["03/04/2026", "13/04/2026"], "2026-04-03", False),
        (["03-04-2026", "13-04-2026"], "2026-04-03", False),
        (["03/04/2026", "03/14/2026"], "2026-03-04", False),
        (["13/04/2026", "03/05/2026"], "2026-04-13", False),
        (["03/04/2026", "04/04/2026"], "2026-03-04", True),
        (["01/01/2026", "02/02/2026"], "2026-01-01", False),
        (["2026-04-03", "2026-04-04"], "2026-04-03", False),
    ],
)
@pytest.mark.filterwarnings("error")
def test_the_whole_column_says_whether_the_day_comes_first_and_dots_say_so_by_themselves(
    texts: list[str], first: str, *, day_unsure: bool
) -> None:
    times = read_timestamps("a", texts)
    assert not times.faults
    assert times.instants[0] == np.datetime64(first)
    assert times.day_unsure is day_unsure


def test_one_date_that_cannot_be_read_leaves_the_others_as_they_are() -> None:
    times = read_timestamps("a", ["3.4.2026", "4.4.2026", "nonsense"])
    assert times.instants[:2].tolist() == np.array(["2026-04-03", "2026-04-04"], dtype="datetime64[us]").tolist()
    assert times.faults[0].positions.tolist() == [2]
