"""Covariates move forecasts where they should, are missed where they are needed, and leave other versions alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model import (
    At,
    Checkpoint,
    ConfigurationInvalid,
    CovariateInvalid,
    CovariateLengthMismatch,
    CovariateMissing,
    Cutoffs,
    Forecaster,
    Panel,
    RawCovariates,
    Search,
    Series,
    Steps,
    TrainingConfig,
    backtest,
    choose_config,
    find_anomalies,
    fit,
    join,
    with_future,
)
from model.contexts.inputs import inputs_of
from model.contexts.scheme import Choice, Measure, Scheme, scheme_of
from model.panels.covariates import NO_COVARIATES
from tests.model.conftest import SMALL

LENGTH, AHEAD = 480, 60


def driven(seed: int, *, is_permuted: bool = False) -> tuple[Series, np.ndarray]:
    """A series that a promotion known in advance lifts, and how it goes on; each site on its own level."""
    random = np.random.default_rng(seed)
    steps = np.arange(LENGTH + AHEAD)
    promo = (random.random(len(steps)) < 0.25) * random.uniform(1, 4, len(steps))
    weather = random.normal(size=len(steps))
    values = 10 + np.sin(2 * np.pi * steps / 24) + 2 * promo + 0.1 * random.normal(size=len(steps))
    given = random.permutation(promo) if is_permuted else promo
    covariates = RawCovariates(
        {"weather": [*weather[:LENGTH], *[None] * AHEAD]}, {"promo": given}, {"site": f"site {seed % 2}", "size": seed}
    )
    known = [*values[:LENGTH], *[None] * AHEAD]
    return Series.from_grid(f"item-{seed}", "2026-01-01", "h", known, covariates=covariates), values[LENGTH:]


def trained(series: list[Series], **options: object) -> Checkpoint:
    panel = Panel(tuple(series))
    return fit(panel, choose_config(panel, replace(SMALL, **{"num_epochs": 5, **options})), device="cpu")


@pytest.fixture(scope="module")
def made() -> list[tuple[Series, np.ndarray]]:
    return [driven(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def panel(made) -> Panel:
    return Panel(tuple(series for series, _ in made))


@pytest.fixture(scope="module")
def checkpoint(panel) -> Checkpoint:
    return trained(list(panel))


@pytest.fixture
def forecaster(checkpoint) -> Forecaster:
    return Forecaster(checkpoint, device="cpu")


def error(forecaster: Forecaster, made: list[tuple[Series, np.ndarray]], num_steps: int) -> float:
    forecast = forecaster.forecast(Panel(tuple(series for series, _ in made)), Steps(num_steps))
    pairs = zip(forecast.items, made, strict=True)
    return float(np.mean([np.abs(item.mean - truth[:num_steps]).mean() for item, (_, truth) in pairs]))


def test_a_covariate_known_in_advance_makes_forecasts_far_better_and_a_permuted_one_does_not(forecaster, made):
    without = [(replace(series, covariates=NO_COVARIATES), truth) for series, truth in made]
    permuted = [driven(seed, is_permuted=True) for seed in range(3)]
    unaware = error(Forecaster(trained([one for one, _ in without])), without, 24)
    misled = error(Forecaster(trained([one for one, _ in permuted])), permuted, 24)
    assert error(forecaster, made, 24) < unaware / 2.5
    assert misled > 0.8 * unaware


def test_a_covariate_still_acts_past_the_trained_horizon(forecaster, made):
    assert error(forecaster, made, AHEAD) < 2 * error(forecaster, made, 24)


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one_and_needs_no_later_covariates(forecaster, made):
    series = made[0][0]
    longer = forecaster.forecast(Panel((series,)), Steps(40)).items[0]
    until = series.timestamps[-1] + np.timedelta64(17, "h")
    known = series.covariates.timestamps <= until
    cut = replace(
        series.covariates,
        timestamps=series.covariates.timestamps[known],
        past={"weather": series.covariates.past["weather"][known]},
        future={"promo": series.covariates.future["promo"][known]},
    )
    shorter = forecaster.forecast(Panel((replace(series, covariates=cut),)), Steps(17)).items[0]
    np.testing.assert_allclose(shorter.mean, longer.mean[:17], rtol=1e-5)


def test_covariates_for_the_timestamps_asked_are_in_the_order_asked_and_linear_in_time_between_them(forecaster, made):
    series, _ = made[0]
    later = series.timestamps[-1] + np.arange(1, 9) * np.timedelta64(1, "h")
    past = replace(
        series.covariates, future={"promo": np.where(series.covariates.timestamps > series.last, np.nan,
                                                     series.covariates.future["promo"])}
    )  # fmt: skip
    history = replace(series, covariates=past)
    every = with_future(history, Steps(8), {"promo": [2.0, 1.75, 1.5, 1.25, 1.0, 0.75, 0.5, 0.25]})
    ends = At((pd.Timestamp(later[7]), pd.Timestamp(later[0])))
    two = with_future(history, ends, {"promo": [0.25, 2.0]})
    dense = forecaster.forecast(Panel((every,)), Steps(8)).items[0].mean
    sparse = forecaster.forecast(Panel((two,)), ends).items[0].mean
    np.testing.assert_allclose(sparse, [dense[7], dense[0]], rtol=1e-5)


def test_what_happens_after_the_last_observation_is_not_seen_of_a_past_covariate(forecaster, made):
    series, _ = made[0]
    weather = series.covariates.past["weather"].copy()
    weather[LENGTH:] = 1e6
    told = replace(series, covariates=replace(series.covariates, past={"weather": weather}))
    before = forecaster.forecast(Panel((series,)), Steps(24)).items[0]
    after = forecaster.forecast(Panel((told,)), Steps(24)).items[0]
    np.testing.assert_array_equal(before.mean, after.mean)


@pytest.mark.parametrize("name", ["weather", "promo", "site", "size"])
def test_a_covariate_that_is_needed_and_missing_is_named(forecaster, made, name):
    kept = made[0][0].covariates
    kinds = {kind: {k: v for k, v in getattr(kept, kind).items() if k != name} for kind in ("past", "future", "static")}
    with pytest.raises(CovariateMissing) as refusal:
        forecaster.ask(replace(made[0][0], covariates=replace(kept, **kinds)), Steps(4))
    assert refusal.value.covariate == name


def test_a_covariate_that_is_not_known_far_enough_or_only_ahead_is_refused(forecaster, made):
    series, _ = made[0]
    with pytest.raises(CovariateMissing, match="only up to 2026-01-23"):
        forecaster.ask(series, Steps(AHEAD + 1))
    ahead = series.covariates.timestamps > series.last
    promo = np.where(ahead, series.covariates.future["promo"], np.nan)
    with pytest.raises(CovariateMissing, match="past"):
        forecaster.ask(replace(series, covariates=replace(series.covariates, future={"promo": promo})), Steps(4))


def test_nulls_in_a_covariate_are_filled_in_time(forecaster, made):
    series, _ = made[0]
    weather = series.covariates.past["weather"].copy()
    weather[400] = (weather[399] + weather[401]) / 2
    filled = replace(series, covariates=replace(series.covariates, past={"weather": weather.copy()}))
    weather[400] = np.nan
    gappy = replace(series, covariates=replace(series.covariates, past={"weather": weather}))
    expected, found = (forecaster.forecast(Panel((one,)), Steps(24)).items[0].mean for one in (filled, gappy))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_what_a_version_does_not_use_or_know_is_a_notice(forecaster, made):
    covariates = made[0][0].covariates.joined(replace(NO_COVARIATES, static={"colour": "red", "site": "elsewhere"}))
    found = forecaster.forecast(Panel((replace(made[0][0], covariates=covariates),)), Steps(4)).items[0].notices
    assert {(one.code, name) for one in found for name in ("colour", "site") if name in one.detail} == {
        ("covariate_unused", "colour"),
        ("covariate_unseen", "site"),
    }


def test_a_saved_version_answers_the_same(checkpoint, forecaster, panel, tmp_path):
    checkpoint.save(tmp_path / "version")
    loaded = Forecaster.load(tmp_path / "version")
    assert loaded.config == checkpoint.config
    before, after = (one.forecast(panel, Steps(30)).items[0].mean for one in (forecaster, loaded))
    np.testing.assert_array_equal(before, after)


def test_backtests_and_anomalies_use_the_covariates_of_the_panel(forecaster, panel):
    report = backtest(forecaster, panel, Cutoffs(24, 2))
    assert report.mase("longshot") < report.mase("seasonal_naive") / 4
    values = panel.series[0].values.copy()
    values[-10] += 5
    spoilt = replace(panel.series[0], values=values)
    (judged,) = find_anomalies(forecaster, Panel((spoilt,)), Search(last=24))
    assert judged.is_anomaly.sum() <= 3
    assert judged.is_anomaly[-10]


def test_a_configuration_without_covariates_is_written_as_before_there_were_any(checkpoint):
    plain = replace(checkpoint.config, covariates=Scheme())
    assert "covariates" not in plain.to_json()
    assert TrainingConfig.from_json(plain.to_json()) == plain
    assert TrainingConfig.from_json(checkpoint.config.to_json()) == checkpoint.config


def test_all_series_of_a_training_need_the_same_covariates(made):
    bare = replace(made[1][0], covariates=NO_COVARIATES)
    with pytest.raises(CovariateMissing, match="item-1"):
        scheme_of(Panel((made[0][0], bare)), "h")


def test_a_scheme_has_units_categories_and_cycles(panel):
    scheme = scheme_of(panel, "h", calendar=True)
    assert [one.name for one in scheme.past] == ["weather"]
    assert [one.name for one in scheme.future] == ["promo"]
    assert scheme.choices == (Choice("site", ("site 0", "site 1")),)
    assert scheme.measures == (Measure("size", 1.0, float(np.std([0.0, 1.0, 2.0]))),)
    assert scheme.calendar == ("day", "week", "year")
    assert scheme_of(panel, "D", calendar=True).calendar == ("week", "year")
    with pytest.raises(ConfigurationInvalid):
        Scheme(past=(Measure("a", 0.0, 0.0),))


def test_there_is_a_limit_to_the_signals_of_a_training():
    many = RawCovariates({f"x{number}": [1.0, 2.0] for number in range(65)})
    series = Series.from_grid("a", "2026-01-01", "D", [1, 2], covariates=many)
    with pytest.raises(ConfigurationInvalid, match="at most 64"):
        scheme_of(Panel((series,)), "D")


def test_calendar_phases_are_those_of_the_clocks_of_the_zone():
    series = Series.from_values(
        "a", pd.date_range("2026-06-01", periods=48, freq="h", tz="America/New_York"), range(48)
    )
    scheme = Scheme(calendar=("day",))
    signals = inputs_of(series, scheme, series.grid("h"), first=-47, last=2).signals
    np.testing.assert_allclose(signals[0], [0, 1], atol=1e-6)
    np.testing.assert_allclose(signals[6], [1, 0], atol=1e-6)


def test_a_version_with_the_calendar_needs_nothing_of_a_series(made):
    plain = [replace(series, covariates=NO_COVARIATES) for series, _ in made]
    checkpoint = trained(plain, calendar=True, num_epochs=1)
    assert np.isfinite(Forecaster(checkpoint).forecast(Panel(tuple(plain)), Steps(80)).items[0].mean).all()


def test_covariates_are_read_with_their_faults():
    times = ["2026-01-01", "2026-01-02"]
    with pytest.raises(CovariateLengthMismatch, match="3 values of the covariate 'x' for 2 timestamps"):
        Series.from_values("a", times, [1, 2], covariates=RawCovariates({"x": [1, 2, 3]}))
    with pytest.raises(CovariateInvalid, match="'warm' as value 1"):
        Series.from_values("a", times, [1, 2], covariates=RawCovariates({"x": [1, "warm"]}))
    frame = pd.DataFrame({"timestamp": times, "target": [1, 2], "site": ["n", "s"]})
    with pytest.raises(CovariateInvalid, match="the same in all rows"):
        Panel.from_frame(frame, item_id=None, static_covariates=["site"])


def test_a_panel_with_covariates_has_another_digest_and_joins_what_is_new():
    covariates = RawCovariates(future={"x": [1, 2, 3]})
    one = Series.from_grid("a", "2026-01-01", "D", [1, 2, None], covariates=covariates)
    assert Panel((one,)).digest() != Panel((replace(one, covariates=NO_COVARIATES),)).digest()
    later = Series.from_grid("a", "2026-01-03", "D", [3, None], covariates=RawCovariates(future={"x": [5, 6]}))
    joined = join(Panel((one,)), [later])
    np.testing.assert_array_equal(joined.panel.series[0].covariates.future["x"], [1, 2, 5, 6])
    again = join(joined.panel, [later])
    assert again.panel is joined.panel
    other = Series.from_grid("a", "2026-01-02", "D", [2, 3], covariates=RawCovariates(future={"x": [9, 5]}))
    with pytest.raises(CovariateInvalid, match=r"9.0 at 2026-01-02.*2.0, as it is stored"):
        join(joined.panel, [other])
