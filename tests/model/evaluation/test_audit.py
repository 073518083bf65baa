"""An audit describes what a panel accepts and what it refuses, by the panel's own rules."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import ConfigurationInvalid, DataError, DuplicateItems, Panel, Series, audit_panel, read_columns
from model.panels.findings import KINDS
from tests.model.conftest import season_and_trend, thinned

START = pd.Timestamp("2026-01-01")
TIMES = st.sampled_from(
    ["2026-01-01", "2026-01-01T01:00", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00+01:00", "soon", "0021-01-01", None]
)
NUMBERS = st.one_of(st.floats(), st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["many", "7", "inf"]))


def reading(timestamps, values, *, freq=None, item_id="a"):
    return read_columns(item_id, timestamps, values, freq=freq, duplicates="error")


def codes(items, severity=None, **options) -> set[str]:
    found = audit_panel(items, **options)
    every = [*found.findings, *(finding for one in found.items for finding in one.findings)]
    return {one.code for one in every if severity in (None, one.severity)}


def refusal(timestamps, values, freq) -> str | None:
    try:
        Series.from_values("a", timestamps, values, freq=freq)
    except DataError as error:
        return error.code
    return None


@given(
    st.lists(st.tuples(TIMES, NUMBERS), max_size=6),
    st.sampled_from([None, "h", "often"]),
    st.integers(0, 1),
)
def test_an_audit_refuses_what_a_series_refuses_with_its_code_and_nothing_else(rows, freq, surplus) -> None:
    timestamps, values = [time for time, _ in rows], [value for _, value in rows] + [1.0] * surplus
    refused = codes([reading(timestamps, values, freq=freq)], "error")
    code = refusal(timestamps, values, freq)
    assert code in refused if code else not refused


def test_numbers_of_any_size_are_judged_alike() -> None:
    times = pd.date_range("2026-01-01", periods=96, freq="h").astype(str).tolist()
    values = np.sin(np.arange(96) / 24 * 2 * np.pi) + 0.1 * np.random.default_rng(0).normal(size=96)
    values[40] = 20
    for unit in (1.0, 1e-300, 8e306):
        assert codes([reading(times, (values * unit).tolist())]) == {"outliers"}
    assert "constant" not in codes([reading(times[:2], [-1.7e308, 1.7e308])])


def test_every_fault_is_found_and_not_only_the_first() -> None:
    timestamps = ["2026-01-01", "soon", "2026-01-03", "2026-01-03", "2026-01-05"]
    found = audit_panel([reading(timestamps, [1, 2, 3, 4, "many"], freq="often")])
    by_code = {one.code: one for one in found.items[0].findings if one.severity == "error"}
    assert not found.is_accepted
    assert set(by_code) == {"frequency_invalid", "timestamp_invalid", "value_invalid", "duplicate_timestamps"}
    assert by_code["timestamp_invalid"].positions == (1,)
    assert by_code["value_invalid"].positions == (4,)
    assert by_code["duplicate_timestamps"].positions == (3,)
    assert (by_code["value_invalid"].count, by_code["value_invalid"].share) == (1, 0.2)
    assert all(one.fix for one in by_code.values())


def test_what_a_panel_refuses_as_a_whole_has_its_codes() -> None:
    assert codes([], "error") == {"panel_empty"}
    same = [season_and_trend("a"), season_and_trend("a", seed=1)]
    assert codes(same, "error") == {"duplicate_items"}
    with pytest.raises(DuplicateItems):
        Panel(tuple(same))
    assert codes([DuplicateItems("x")], "error") == {"duplicate_items"}


def test_clean_series_have_no_findings() -> None:
    found = audit_panel(
        Panel((season_and_trend("a"), season_and_trend("b", seed=1))), now=datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert found.is_accepted
    assert (found.findings, found.tallies) == ((), ())
    assert (found.num_items, found.num_observations) == (2, 1200)
    assert (found.items[0].freq, found.items[0].first) == ("h", "2026-01-01T00:00:00")


def hours(values, *, missing=(), step="h") -> Series:
    index = pd.date_range(START, periods=len(values), freq=step)
    kept = ~np.isin(np.arange(len(values)), missing)
    return Series.from_values("a", index[kept], np.asarray(values, dtype=float)[kept], freq=step)


def wave(length=400) -> np.ndarray:
    noise = np.random.default_rng(3).normal(size=length)
    return 10 + 3 * np.sin(2 * np.pi * np.arange(length) / 24) + 0.2 * noise


def test_gaps_are_counted_and_only_many_are_a_warning() -> None:
    few = audit_panel([hours(wave(), missing=(50, 51, 52))]).items[0].findings
    assert [(one.code, one.severity, one.count) for one in few] == [("gaps", "notice", 3)]
    assert few[0].share == pytest.approx(3 / 400)
    assert few[0].timestamps == ("2026-01-03T01:00:00",)
    assert codes([thinned(season_and_trend("b"), keep=0.8)], "warning") == {"many_gaps"}


def test_nulls_that_are_sent_are_a_notice() -> None:
    index = pd.date_range(START, periods=30, freq="h")
    values = [None if hour == 7 else float(np.sin(hour)) for hour in range(30)]
    found = audit_panel([reading(index, values)]).tallies
    assert {(one.code, one.severity, one.count) for one in found} == {
        ("values_missing", "notice", 1),
        ("gaps", "notice", 1),
    }


@pytest.mark.parametrize(
    ("series", "code"),
    [
        (hours(np.full(50, 3.0)), "constant"),
        (hours(np.where(np.arange(400) % 3 == 0, wave(), 0)), "mostly_zero"),
        (Series.from_values("a", [START], [1.0]), "frequency_unknown"),
        (hours(wave(), missing=[one for one in range(200, 300) if one % 4]), "frequency_mixed"),
    ],
)
def test_what_may_harm_a_forecast_is_a_warning(series: Series, code: str) -> None:
    assert code in codes([series], "warning")


def test_spikes_are_outliers_and_changes_of_level_are_not() -> None:
    spiked, stepped = wave(), wave()
    spiked[[100, 250, 370, 399]] += [20, -20, 20, 20]
    stepped[200:] += 20
    (finding,) = audit_panel([hours(spiked)]).items[0].findings
    assert (finding.code, finding.count) == ("outliers", 4)
    assert finding.timestamps == tuple((START + pd.Timedelta(hours=one)).isoformat() for one in (100, 250, 370, 399))
    assert codes([hours(stepped)]) == set()


@pytest.mark.parametrize("cycle", [5, 7, 9])
def test_a_clean_wave_of_two_cycles_has_no_outliers(cycle: int) -> None:
    number = np.arange(480)
    values = 10 + 3 * np.sin(number / 3.82) + number % cycle / 9
    assert "outliers" not in codes([hours(values)])


@pytest.mark.parametrize("seed", range(5))
def test_noise_has_no_outliers(seed: int) -> None:
    assert "outliers" not in codes([season_and_trend("a", length=5000, seed=seed, noise=1.0)])


def test_rows_out_of_order_are_a_notice() -> None:
    index = pd.date_range(START, periods=30, freq="h")[::-1]
    assert codes([reading(index, np.sin(np.arange(30.0)))]) == {"timestamps_unsorted"}


def test_observations_in_the_future_are_found_wherever_the_clock_may_hang() -> None:
    now = datetime(2026, 1, 10, tzinfo=UTC)
    aware = pd.date_range("2026-01-09T00:30Z", periods=30, freq="h")
    (finding,) = audit_panel([reading(aware, np.sin(np.arange(30.0)))], now=now).items[0].findings
    assert (finding.code, finding.count) == ("timestamps_in_future", 6)
    naive = aware.tz_localize(None)
    assert codes([reading(naive, np.sin(np.arange(30.0)))], now=now) == set()
    assert codes([reading(naive + pd.Timedelta(hours=10), np.sin(np.arange(30.0)))], now=now) != set()


def test_local_times_at_changes_of_the_clocks_are_found_where_the_zone_is_known() -> None:
    index = pd.DatetimeIndex([*pd.date_range("2026-03-28", periods=48, freq="h"), "2026-10-25T02:30:00"])
    items = [reading(index, np.sin(np.arange(49.0)), freq="h")]
    found = audit_panel(items, time_zone="Europe/Berlin").items[0].findings
    by_code = {one.code: one.timestamps for one in found}
    assert by_code["local_times_nonexistent"] == ("2026-03-29T02:00:00",)
    assert by_code["local_times_ambiguous"] == ("2026-10-25T02:30:00",)
    assert not codes(items) & {"local_times_nonexistent", "local_times_ambiguous"}
    with pytest.raises(ConfigurationInvalid, match="time-zone database"):
        audit_panel(items, time_zone="Europe/Atlantis")


def test_several_offsets_without_a_named_zone_are_a_warning() -> None:
    texts = ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"]
    (finding,) = (one for one in audit_panel([reading(texts, [1, 2])]).items[0].findings if one.code == "offsets_mixed")
    assert "+01:00, +02:00" in finding.detail


def test_what_is_too_short_for_a_horizon_is_found_as_training_refuses_it() -> None:
    long, short = season_and_trend("a"), season_and_trend("b", length=60)
    assert codes([long, short], horizon=24) == set()
    assert codes([long, short], "warning", horizon=48) == {"series_too_short"}
    assert audit_panel([long, short], horizon=48).is_accepted
    assert codes([short], "error", horizon=48) == {"series_too_short"}
    assert codes([short], "error", horizon=0) == {"configuration_invalid"}


def test_series_of_other_frequencies_are_counted() -> None:
    daily = season_and_trend("b", freq="D")
    (finding,) = audit_panel([season_and_trend("a"), season_and_trend("c"), daily]).findings
    assert (finding.code, finding.count) == ("frequencies_differ", 1)


def test_the_output_is_bounded_and_shows_the_worst_first() -> None:
    items = [season_and_trend(f"good-{one}") for one in range(5)]
    items += [Series.from_values(f"constant-{one}", pd.date_range(START, periods=30), np.ones(30)) for one in range(4)]
    items += [reading(["soon"] * 1000, np.ones(1000), item_id="bad")]
    found = audit_panel(items, max_items=3)
    assert [one.item_id for one in found.items] == ["bad", "constant-0", "constant-1"]
    assert found.num_items_left_out == 7
    assert {one.code: (one.num_items, one.count) for one in found.tallies} == {
        "timestamp_invalid": (1, 1000),
        "constant": (4, 120),
    }
    assert len(found.items[0].findings[0].positions) == 10


def test_every_kind_of_finding_says_what_to_do() -> None:
    assert all(kind.fix.endswith(".") and kind.severity in ("warning", "notice") for kind in KINDS.values())
