"""Observations join a panel as if they had been there from the start."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import ObservationConflict, Panel, Series, TimeZonesMixed, join

START = pd.Timestamp("2026-01-01")


def at(minutes, values=None, *, item_id="a", zone=None, freq=None) -> Series:
    start = START if zone is None else START.tz_localize(zone)
    values = minutes if values is None else values
    return Series.from_values(item_id, [start + pd.Timedelta(minutes=one) for one in minutes], values, freq=freq)


@given(st.lists(st.integers(0, 500), min_size=2, unique=True), st.data())
def test_what_is_joined_in_parts_is_what_was_sent_at_once(minutes: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(minutes) - 1))
    again = data.draw(st.integers(0, cut))
    joined = join(Panel((at(minutes[:cut]),)), [at(minutes[again:])])
    assert joined.panel.digest() == Panel((at(minutes),)).digest()
    assert (joined.num_added, joined.num_known) == (len(minutes) - cut, cut - again)


def test_what_is_known_already_changes_nothing() -> None:
    panel = Panel((at([0, 60, 120]), at([0, 60], item_id="b")))
    joined = join(panel, [at([60, 120])])
    assert joined.panel is panel
    assert (joined.num_added, joined.num_known) == (0, 2)


def test_another_value_is_refused_by_item_and_timestamp() -> None:
    panel = Panel((at([0, 60, 120], zone="UTC"),))
    with pytest.raises(ObservationConflict, match=r"'a' has the value 60\.0 at 2026-01-01T01:00:00\+00:00, and 7\.0"):
        join(panel, [at([60, 180], [7.0, 180.0], zone="UTC")])


def test_a_new_item_becomes_another_series() -> None:
    joined = join(Panel((at([0, 60]),)), [at([0, 60, 120], item_id="b")])
    assert [one.item_id for one in joined.panel] == ["a", "b"]
    assert joined.num_added == 3


def test_a_named_frequency_stays_and_one_that_was_read_is_read_again() -> None:
    named = join(Panel((at([0, 60], freq="15min"),)), [at([120])]).panel.series[0]
    read = join(Panel((at([0, 60]),)), [at([15, 30, 45])]).panel.series[0]
    single = join(Panel((at([0]),)), [at([60])]).panel.series[0]
    assert (named.freq, read.freq, single.freq) == ("15min", "15min", "h")


def test_time_zones_join_as_they_would_together() -> None:
    berlin = at([0, 60], zone="Europe/Berlin")
    assert join(Panel((berlin,)), [at([120], zone="UTC")]).panel.series[0].time_zone == "Europe/Berlin"
    offset = Series.from_values("a", ["2026-03-29T01:00:00+01:00"], [1.0])
    summer = Series.from_values("a", ["2026-03-29T03:00:00+02:00"], [2.0])
    both = Series.from_values("a", ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"], [1.0, 2.0])
    assert join(Panel((offset,)), [summer]).panel.digest() == Panel((both,)).digest()
    with pytest.raises(TimeZonesMixed):
        join(Panel((at([0, 60]),)), [at([120], zone="UTC")])


def test_the_joined_series_is_sorted_and_unique() -> None:
    series = join(Panel((at([0, 120, 240]),)), [at([300, 60, 120])]).panel.series[0]
    assert (np.diff(series.timestamps) > np.timedelta64(0)).all()
    assert series.values.tolist() == [0, 60, 120, 240, 300]
