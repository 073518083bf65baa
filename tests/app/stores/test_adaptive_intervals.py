"""Intervals are moved by what they covered, day by day, and only where that is asked for."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.schemas.forecasts import interval_quantiles
from app.stores.adaptive_intervals import AdaptiveIntervals, _moved
from app.stores.database import Database, now
from app.stores.references import PRODUCTION
from app.stores.tables import RealisedRow
from tests.app.conftest import serve
from tests.app.test_hindsight import append, ask, realised
from tests.app.test_server import SERIES, VALUES

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)


def enter(database: Database, covered: float, *, level: float = 80.0, days_ago: int = 0, scored: int = 1000) -> None:
    sums = {"num_scored": scored, "num_covered": round(covered * scored)}
    errors = {"sum_absolute_error": 0.0, "sum_absolute_observed": 0.0}
    day = now().date() - timedelta(days=days_ago)
    with database.writing() as session:
        session.add(RealisedRow(model_name="m", number=1, day=day, kind="interval", level=level, **sums, **errors))


def adaptive(database: Database, rate: float = 0.5) -> AdaptiveIntervals:
    return AdaptiveIntervals(database, rate=rate, window_days=30)


def test_an_interval_that_covers_too_little_is_served_wider_and_one_that_covers_too_much_narrower(database):
    enter(database, 0.7)
    assert adaptive(database).of("m", 1) == {80.0: pytest.approx(85.0)}
    enter(database, 0.6, days_ago=1)
    assert adaptive(database).of("m", 1) == {80.0: pytest.approx(95.0)}
    enter(database, 1.0, level=50.0)
    assert adaptive(database).of("m", 1)[50.0] == pytest.approx(25.0)
    assert adaptive(database).served("m", 1, (0.1, 0.5, 0.9)) == pytest.approx((0.025, 0.5, 0.975))


def test_nothing_moves_without_a_rate_without_observations_or_by_days_long_gone(database):
    assert adaptive(database).served("m", 1, LEVELS) == LEVELS
    enter(database, 0.1, days_ago=40)
    assert adaptive(database).served("m", 1, LEVELS) == LEVELS
    enter(database, 0.1)
    assert adaptive(database, rate=0.0).served("m", 1, LEVELS) == LEVELS
    assert adaptive(database).served("m", 2, LEVELS) == LEVELS


def test_a_day_of_few_observations_counts_for_little(database):
    enter(database, 0.0, scored=10)
    assert adaptive(database, rate=0.1).of("m", 1) == {80.0: pytest.approx(80 + 100 * 0.1 * 0.8 * 0.1)}


def test_levels_that_are_moved_still_ascend_and_stay_inside(database):
    enter(database, 0.0, level=50.0)
    enter(database, 1.0, level=95.0)
    served = adaptive(database, rate=1.0).served("m", 1, (0.025, 0.25, 0.5, 0.75, 0.975))
    assert list(served) == sorted(served)
    assert all(0 < level < 1 for level in served)


@given(st.integers(1, 999), st.floats(0.2, 99.8))
def test_the_ends_of_an_interval_move_alike(tenths, served):
    ends = interval_quantiles(tenths / 10)
    low, high = (_moved(one, {tenths / 10: served}) for one in ends)
    assert high - low == pytest.approx(served / 100, abs=1e-6)
    assert low + high == pytest.approx(1, abs=1e-6)


def test_the_coverage_of_a_world_that_grew_wilder_is_won_back(database):
    noise = np.random.default_rng(0)
    shown, rate = [], 0.2
    for day in reversed(range(30)):
        level = AdaptiveIntervals(database, rate=rate, window_days=30).served("m", 1, (0.1, 0.9))
        ends = np.quantile(np.random.default_rng(1).normal(size=20_000), level)
        came = 2 * noise.normal(size=500)
        covered = float(np.mean((came >= ends[0]) & (came <= ends[1])))
        shown.append(covered)
        enter(database, covered, days_ago=day, scored=500)
    assert shown[0] < 0.55
    assert np.mean(shown[-10:]) == pytest.approx(0.8, abs=0.03)


def test_a_service_that_adapts_serves_wider_intervals_says_so_and_still_counts_them_as_asked(
    settings, registry, checkpoint
):
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        dataset = client.post("/v1/datasets", json={"series": [SERIES]}).headers["location"]
        ask(client, dataset, 120)
        append(client, dataset, [1000.0] * 100)
        assert realised(client)["adapted_intervals"] == {}
        assert "intervals_adapted" not in {one["code"] for one in ask(client, dataset)["warnings"]}
    with serve(replace(settings, adaptive_rate=0.15)) as client:
        assert realised(client)["adapted_intervals"] == {"80": pytest.approx(92.0)}
        after = ask(client, dataset, quantile_levels=[0.04, 0.5, 0.96], interval_levels=[80])
        assert "intervals_adapted" in {one["code"] for one in after["warnings"]}
        assert after["intervals"]["80"]["lower"] == pytest.approx(after["quantiles"]["0.04"])
        assert after["intervals"]["80"]["upper"] == pytest.approx(after["quantiles"]["0.96"])
        append(client, dataset, [1000.0], len(VALUES) + 100)
        counted = {one["level"]: one["num_scored"] for one in realised(client)["coverage"] if one["kind"] == "interval"}
        assert counted[80] > 100
