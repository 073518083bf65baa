"""Series that form one system are forecast together, and keep every promise of those that are not."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from model import (
    At,
    ChannelMissing,
    ChannelUnknown,
    Checkpoint,
    ConfigurationInvalid,
    Cutoffs,
    Forecast,
    Forecaster,
    FrequencyUnknown,
    HorizonNotAhead,
    Panel,
    Search,
    Series,
    Steps,
    TimeZonesMixed,
    TrainingConfig,
    TrainingOptions,
    backtest,
    check_backtest,
    choose_config,
    find_anomalies,
    fit,
)
from model.contexts.cuts import WindowShape
from model.contexts.splitting import split
from model.contexts.system import System
from model.networks.loss import pinball
from model.networks.network import ShootingNetwork
from tests.model.conftest import SMALL, coupled, season_and_trend, thinned

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
CUT = 1300
OPTIONS = replace(
    SMALL,
    horizon=12,
    context_length=48,
    state_size=32,
    num_epochs=8,
    steps_per_epoch=30,
    learning_rate=0.01,
    joint=True,
)


@pytest.fixture(scope="module")
def whole() -> Panel:
    return coupled()


@pytest.fixture(scope="module")
def known(whole: Panel) -> Panel:
    return until(whole, CUT)


@pytest.fixture(scope="module")
def joint_checkpoint(known: Panel) -> Checkpoint:
    return fit(known, choose_config(known, OPTIONS), device="cpu")


@pytest.fixture(scope="module")
def joint(joint_checkpoint: Checkpoint) -> Forecaster:
    return Forecaster(joint_checkpoint, device="cpu")


def until(panel: Panel, length: int) -> Panel:
    return Panel(tuple(one.until(one.timestamps[length - 1]) for one in panel))


def with_values(panel: Panel, item_id: str, values: Sequence[float] | np.ndarray) -> Panel:
    return Panel(tuple(replace(one, values=np.asarray(values)) if one.item_id == item_id else one for one in panel))


def columns(forecast: Forecast) -> dict[str, np.ndarray]:
    return {one.item_id: np.stack([one.mean, *one.quantiles.values()]) for one in forecast.items}


def error(forecaster: Forecaster, whole: Panel, item_id: str) -> float:
    """The mean square error over the horizon from several cutoffs, in units of the variance."""
    truth = next(one for one in whole if one.item_id == item_id).values
    errors = []
    for cutoff in range(CUT, len(truth) - 12, 12):
        items = forecaster.forecast(until(whole, cutoff), Steps(12)).items
        mean = next(one for one in items if one.item_id == item_id).mean
        errors.append(np.square(mean - truth[cutoff : cutoff + 12]).mean() / truth.var())
    return float(np.mean(errors))


def error_of_own_past(whole: Panel, item_id: str) -> float:
    """The same of the best linear forecast from a channel's own past: of a Gaussian one, no other does better."""
    values = next(one for one in whole if one.item_id == item_id).values
    windows = np.lib.stride_tricks.sliding_window_view(values - values.mean(), 48 + 12)
    past, future = windows[:, :48], windows[:, 48:]
    weights = np.linalg.lstsq(past[: CUT - 60], future[: CUT - 60])[0]
    return float(np.square(past[CUT - 48 :] @ weights - future[CUT - 48 :]).mean() / values.var())


def test_what_drives_a_channel_tells_its_future(joint: Forecaster, whole: Panel) -> None:
    driver = np.random.default_rng(0).permutation(whole.series[0].values)
    assert error(joint, whole, "driven") < 0.2
    assert error_of_own_past(whole, "driven") > 0.7
    assert error(joint, with_values(whole, "driver", driver), "driven") > 0.7


def test_the_order_of_the_channels_does_not_matter(joint: Forecaster, known: Panel) -> None:
    first = columns(joint.forecast(known, Steps(30), LEVELS))
    second = columns(joint.forecast(Panel(known.series[::-1]), Steps(30), LEVELS))
    assert all(np.array_equal(first[name], second[name]) for name in ("driver", "driven"))
    assert choose_config(known, OPTIONS) == choose_config(Panel(known.series[::-1]), OPTIONS)


def test_scaling_and_shifting_a_channel_does_so_to_its_forecast_and_to_no_other(
    joint: Forecaster, known: Panel
) -> None:
    moved = with_values(known, "driver", 1000 * known.series[0].values - 5e5)
    plain, other = (columns(joint.forecast(panel, Steps(30), LEVELS)) for panel in (known, moved))
    assert np.allclose(other["driver"], 1000 * plain["driver"] - 5e5, atol=0.2)
    assert np.allclose(other["driven"], plain["driven"], atol=1e-3)


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(joint: Forecaster, known: Panel) -> None:
    short, long = (columns(joint.forecast(known, Steps(length), LEVELS)) for length in (7, 200))
    for name, values in short.items():
        assert np.allclose(values, long[name][:, :7], atol=1e-4)
    assert all(np.isfinite(values).all() for values in long.values())


def test_past_the_trained_horizon_the_whole_system_moves_on(joint: Forecaster, known: Panel) -> None:
    """What the driver does last is in the forecast of what it drives two horizons later."""
    values = known.series[0].values.copy()
    values[-3:] += 5
    length = 3 * 12
    first, second = (
        columns(joint.forecast(panel, Steps(length), LEVELS)) for panel in (known, with_values(known, "driver", values))
    )
    assert np.abs(first["driven"] - second["driven"])[:, 24:].max() > 1e-3


def test_a_missing_value_is_the_same_as_an_absent_point(joint: Forecaster, known: Panel) -> None:
    absent = Panel((thinned(known.series[0], keep=0.7), known.series[1]))
    index = pd.date_range("2026-01-01", periods=CUT, freq="h")
    values = pd.Series(absent.series[0].values, index=absent.series[0].local_timestamps()).reindex(index)
    null = Panel((Series.from_values("driver", index, values), known.series[1]))
    first, second = (columns(joint.forecast(panel, Steps(30), LEVELS)) for panel in (absent, null))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_channel_that_ends_early_is_forecast_from_the_end_of_its_system(joint: Forecaster, known: Panel) -> None:
    driver, driven = known
    early = driver.until(driver.timestamps[-4])
    held = with_values(known, "driver", np.where(np.arange(CUT) < CUT - 3, driver.values, early.values[-1]))
    items = joint.forecast(Panel((early, driven)), Steps(12), LEVELS)
    expected = columns(joint.forecast(held, Steps(12), LEVELS))
    assert all(np.allclose(values, expected[name], atol=1e-6) for name, values in columns(items).items())
    assert np.array_equal(items.items[0].timestamps, items.items[1].timestamps)
    assert [notice.code for notice in items.items[0].notices] == ["channel_ends_early"]
    with pytest.raises(HorizonNotAhead):
        joint.forecast(Panel((early, driven)), At((driven.local_timestamps()[-1],)))


def test_every_channel_has_to_be_there_and_no_other(joint: Forecaster, known: Panel) -> None:
    with pytest.raises(ChannelMissing, match="'driven' is not among the series") as refusal:
        joint.forecast(Panel(known.series[:1]), Steps(12))
    assert refusal.value.item_id == "driven"
    assert refusal.value.channels == ("driven", "driver")
    with pytest.raises(ChannelMissing):
        joint.ask(known.series[0], Steps(12))
    with pytest.raises(ChannelUnknown, match="'other' is no channel"):
        joint.forecast(Panel((*known, season_and_trend("other"))), Steps(12))


def test_channels_share_a_frequency_and_a_kind_of_time() -> None:
    single = Series.from_values("a", ["2026-01-01"], [1.0])
    with pytest.raises(FrequencyUnknown):
        System.of((single,), ("a",), freq="h", season_at=lambda _: 24, context_length=4)
    zoned = Series.from_values("b", ["2026-01-01T00:00Z", "2026-01-01T01:00Z"], [1.0, 2.0])
    with pytest.raises(TimeZonesMixed, match="'a' and 'b' of the same system"):
        System.of((zoned, single), ("a", "b"), freq="h", season_at=lambda _: 24, context_length=4)


def test_a_saved_system_answers_bit_for_bit(joint_checkpoint: Checkpoint, known: Panel, tmp_path: Path) -> None:
    joint_checkpoint.save(tmp_path / "saved")
    first, second = (
        columns(Forecaster(one, device="cpu").forecast(known, Steps(40), LEVELS))
        for one in (joint_checkpoint, Checkpoint.load(tmp_path / "saved"))
    )
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_systems_asked_together_do_not_change_each_other(joint: Forecaster, known: Panel, whole: Panel) -> None:
    panels = [known, until(whole, CUT - 50), until(whole, CUT + 30)]
    asked = [
        joint.ask(one, Steps(12), LEVELS, system=system)
        for panel in panels
        for system in (joint.system(panel),)
        for one in panel
    ]
    together = joint.answer(asked)
    for number, panel in enumerate(panels):
        own = joint.forecast(panel, Steps(12), LEVELS)
        for one, other in zip(own.items, together[2 * number : 2 * number + 2], strict=True):
            assert np.allclose(one.mean, other.mean, atol=1e-5)
    assert joint.num_evaluations(asked) == 3 * joint.num_evaluations(asked[:1])


def test_a_backtest_cuts_all_channels_at_once(joint: Forecaster, whole: Panel, known: Panel) -> None:
    """The driven channel follows its driver only if that is not seen too late, nor too early."""
    report = backtest(joint, whole, Cutoffs(12, 8))
    naive = next(one for one in report.scores if one.method == "seasonal_naive")
    assert report.num_forecasts == 16
    assert report.scores[0].mase < 0.8 * naive.mase
    driver, driven = whole
    lame = backtest(joint, Panel((driver.until(driver.timestamps[-100]), driven)), Cutoffs(12, 3))
    assert lame.scores[0].mase > report.scores[0].mase
    with pytest.raises(ChannelMissing, match="'driver'"):
        check_backtest(Panel((driven,)), joint.config, Cutoffs(12))
    with pytest.raises(ChannelUnknown):
        check_backtest(Panel((*whole, season_and_trend("other"))), joint.config, Cutoffs(12))


def test_a_channel_that_leaves_its_driver_is_an_anomaly_and_the_others_are_judged_beside_it(
    joint: Forecaster, whole: Panel
) -> None:
    driver, driven = whole
    values = driven.values.copy()
    values[-30] += 4 * driven.values.std()
    usual, found = (
        {one.item_id: one.is_anomaly for one in find_anomalies(joint, panel, Search(last=60))}
        for panel in (whole, with_values(whole, "driven", values))
    )
    assert found["driven"][30]
    assert not usual["driven"][30]
    for name in ("driver", "driven"):
        assert len(found[name]) == 60
        assert np.array_equal(found[name][:30], usual[name][:30])
    with pytest.raises(ChannelMissing):
        find_anomalies(joint, Panel((driver,)), Search(last=5))


def test_a_system_can_be_learned_by_heart(config: TrainingConfig) -> None:
    torch.manual_seed(0)
    network = ShootingNetwork(replace(config, channels=("a", "b", "c")))
    context, target = torch.randn(3 * 3, config.context_length), torch.randn(3 * 3, config.horizon)
    known = torch.ones_like(target, dtype=torch.bool)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(400):
        optimizer.zero_grad()
        loss = pinball(network(context, config.horizon), target, network.levels, known)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_windows_show_what_a_forecast_is_shown() -> None:
    """Also where channels are observed at different times: what comes after the cutoff is in no history."""
    panel = Panel((thinned(season_and_trend("a"), keep=0.6), thinned(season_and_trend("b", seed=1), keep=0.6, seed=1)))
    shape = WindowShape("h", 24, context_length=48, horizon=12, validation_steps=60, channels=("a", "b"))
    windows = split(panel, shape, torch.device("cpu")).validation
    batch = windows.batch(torch.arange(len(windows)))
    assert len(batch.context) == 2 * len(windows)
    for number, start in enumerate(windows.starts.tolist()):
        cutoff = pd.date_range("2026-01-01", periods=600, freq="h")[start + 47].to_datetime64()
        system = System.of(
            (one.until(cutoff) for one in panel), ("a", "b"), freq="h", season_at=lambda _: 24, context_length=48
        )
        assert system.end == cutoff
        for shown, expected in zip(batch.context[2 * number : 2 * number + 2].numpy(), system.contexts, strict=True):
            shape_expected = (expected - expected.mean()) / expected.std()
            assert np.allclose((shown - shown.mean()) / shown.std(), shape_expected, atol=1e-3)


def test_a_channel_that_does_not_move_counts_for_nothing() -> None:
    flat = replace(season_and_trend("b"), values=np.ones(600))
    shape = WindowShape("h", 24, context_length=48, horizon=12, validation_steps=60, channels=("a", "b"))
    parts = split(Panel((season_and_trend("a"), flat)), shape, torch.device("cpu"))
    for windows in (parts.training, parts.validation.joined(parts.training), parts.training.thinned(40)):
        batch = windows.batch(torch.arange(8))
        assert batch.known[0::2].all()
        assert not batch.known[1::2].any()
        assert windows.num_known(torch.arange(8)) == batch.known.sum()


def test_a_configuration_names_its_channels_only_if_it_has_any(panel: Panel, known: Panel) -> None:
    alone, together = choose_config(panel, SMALL), choose_config(known, OPTIONS)
    assert "channels" not in alone.to_json()
    assert together.channels == ("driven", "driver")
    assert TrainingConfig.from_json(together.to_json()) == together
    assert TrainingConfig.from_json(alone.to_json()) == alone


def test_a_system_is_forecast_from_its_channels_alone(known: Panel) -> None:
    with pytest.raises(ConfigurationInvalid, match="joint"):
        choose_config(known, TrainingOptions(joint=True, calendar=True))
    many = Panel(tuple(season_and_trend(f"s{number}", length=50) for number in range(257)))
    with pytest.raises(ConfigurationInvalid, match="256 at most"):
        choose_config(many, TrainingOptions(joint=True, horizon=2))
