"""The benchmark follows its protocol and writes what it says."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.accuracy import long_horizon, m4, published, window_errors
from benchmarks.accuracy.__main__ import SUITES, main
from benchmarks.accuracy.long_horizon_sets import LongHorizonSet, last_windows, panel_of
from benchmarks.accuracy.suite import Suite
from benchmarks.measurement import Measurement
from model import TrainingOptions, choose_config


def write_set(folder: Path, name: str, *, length: int, channels: int = 2) -> None:
    steps = np.arange(length)[:, None]
    noise = np.random.default_rng(0).normal(size=(length, channels))
    values = np.sin(2 * np.pi * steps / 24 + np.arange(channels)) + 0.1 * noise
    frame = pd.DataFrame(values, columns=[f"channel {number}" for number in range(channels)])
    frame.insert(0, "date", pd.date_range("2026-01-01", periods=length, freq="h"))
    frame.to_csv(folder / name, index=False)


def test_a_set_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--datasets", "ETTh9"]) == 2
    assert f"no ETTh9.csv or ETTh9.csv.gz below {tmp_path}" in capsys.readouterr().err


def test_a_set_has_its_dates_in_any_column_and_words_beside_them(tmp_path: Path) -> None:
    write_set(tmp_path, "some.csv", length=100)
    frame = pd.read_csv(tmp_path / "some.csv")
    frame.insert(0, "weather", "fine")
    frame[["weather", "channel 1", "date", "channel 0"]].to_csv(tmp_path / "mixed.csv", index=False)
    data = LongHorizonSet.read("mixed", tmp_path / "mixed.csv")
    assert data.names == ["channel 1", "channel 0"]
    assert data.values[:70].mean(0) == pytest.approx([0, 0], abs=1e-9)
    assert len(data.until(100)) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [("dates", "needs a column of dates"), ("hole", "no value in some rows of channel 0"), ("twice", "more than once")],
)
def test_a_file_that_the_protocol_cannot_score_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, said: str
) -> None:
    write_set(tmp_path, "some.csv", length=100)
    frame = pd.read_csv(tmp_path / "some.csv")
    if change == "dates":
        frame = frame.drop(columns="date")
    elif change == "hole":
        frame.loc[5, "channel 0"] = np.nan
    else:
        frame.loc[5, "date"] = frame.loc[4, "date"]
    frame.to_csv(tmp_path / "some.csv", index=False)
    assert main(["--data", str(tmp_path), "--datasets", "some"]) == 2
    assert said in capsys.readouterr().err


def test_what_is_published_of_a_set_is_shown_for_the_horizons_asked() -> None:
    header, first, second = published.rows("ETTh1", [96, 100, 720])
    assert header.split()[2:] == list(published.METHODS)
    assert first.split()[:4] == ["96", "0.352", "/", "0.384"]
    assert second.split()[-3:] == ["0.471", "/", "0.493"]
    assert published.rows("mine", [96]) == []


def test_every_test_window_of_every_channel_is_scored(tmp_path: Path) -> None:
    write_set(tmp_path, "some.csv", length=14_400, channels=3)
    frame = pd.read_csv(tmp_path / "some.csv")
    panel = panel_of(frame, frame.iloc[:, 1:].to_numpy())
    config = choose_config(panel, TrainingOptions(horizon=96, validation_steps=2880))
    windows = last_windows(panel, config, 2880)
    assert len(windows) == 3 * (2880 - 96 + 1)
    first_targets = windows.starts + config.context_length - (windows.ends - 14_400)
    assert int(first_targets.min()) == 11_520
    assert int(first_targets.max()) == 14_400 - 96


QUICK = [f"--option={choice}" for choice in ("state_size=16", "num_particles=8", "num_epochs=6", "learning_rate=0.02")]


@pytest.mark.slow
@pytest.mark.parametrize("refit", ["none", "line"])
def test_one_version_is_asked_for_every_horizon_and_the_records_hold_what_is_needed_to_quote_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], refit: str
) -> None:
    (tmp_path / "deep").mkdir()
    write_set(tmp_path / "deep", "waves.csv.gz", length=1500)
    file = tmp_path / "records.json"
    words = ["--data", str(tmp_path), "--datasets", "waves", "--horizons", "24", "48", "--json", str(file)]
    assert main([*words, "--removed", "0.5", "--ablation", "--option", f"refit={refit}", *QUICK]) == 0
    assert len({line.strip() for line in capsys.readouterr().out.splitlines() if "trained in" in line}) == 1
    records = {record["name"]: record for record in json.loads(file.read_text())}
    errors = ["mse", "mae", "coverage_80", "coverage_95", "late_coverage_80", "late_coverage_95"]
    # What has learned from the validation part in the end says nothing there.
    figures = [*errors, *(f"validation_{name}" for name in errors if refit == "none")]
    thinned = [f"thinned_{name}" for name in errors]
    alone = [f"{side}_alone_{name}" for side in ("flow", "line") for name in errors]
    spent = ["seconds", "processor_seconds"]
    expected = {"24": [*figures, *thinned, *alone, *spent], "48": [*figures, *alone, *spent]}
    assert list(records) == [f"accuracy.waves.{h}.{figure}" for h in expected for figure in expected[h]]
    sides = [records[f"accuracy.waves.48.{side}mse"]["value"] for side in ("flow_alone_", "", "line_alone_")]
    assert len(set(sides)) == 3
    error = records["accuracy.waves.24.mae"]
    assert error["value"] < 0.15
    assert error["unit"] == "MAE"
    assert error["compared_with"]["repeat last"] > 0.5
    assert {"dataset", "horizon", "seed", "windows", "config"} <= set(error["settings"])
    assert error["settings"]["config"]["horizon"] == 48
    assert "torch" in error["environment"]


def test_removed_values_are_linear_between_those_that_were_kept() -> None:
    context = torch.tensor([[5.0, 1.0, 9.0, 9.0, 4.0, 9.0]])
    kept = torch.tensor([[False, True, False, False, True, False]])
    assert window_errors.bridged(context, kept).tolist() == [[1.0, 1.0, 2.0, 3.0, 4.0, 9.0]]


def test_repeating_a_season_goes_on_with_the_last_one() -> None:
    mean, quantiles = long_horizon.repeated(2, 5, torch.tensor([[7.0, 1.0, 2.0]]), list)
    assert mean.tolist() == [[1.0, 2.0, 1.0, 2.0, 1.0]]
    assert quantiles.shape == (1, 5, len(window_errors.LEVELS))


@pytest.mark.parametrize("text", ["colour=3", "seed=1", "dropout=much"])
def test_an_option_that_no_training_has_is_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        main(["--option", text])


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {}),
        (["--preset", "best"], {"preset": "best"}),
        (["--option", "num_epochs=1", "--preset", "best"], {"num_epochs": 1, "preset": "best"}),
    ],
)
def test_a_suite_is_asked_for_with_options_or_without(
    words: list[str], options: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[TrainingOptions] = []

    def run(_files: list[Path], found: TrainingOptions) -> list[Measurement]:
        asked.append(found)
        return []

    monkeypatch.setitem(SUITES, "m4", (Suite((), run),))
    assert main(["--data", str(tmp_path), "--suite", "m4", *words]) == 0
    assert asked == [TrainingOptions(seed=0, **options)]


def test_a_suite_whose_files_are_not_there_says_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--suite", "m4"]) == 2
    assert f"no Hourly-train.csv* below {tmp_path}" in capsys.readouterr().err


def test_naive2_puts_the_last_value_back_into_its_season() -> None:
    steps = np.arange(24 * 20 + 5)
    factors = 1 + 0.5 * np.sin(2 * np.pi * steps / 24)
    found = m4.naive2(100 * factors[:-5], season=24, horizon=5)
    assert found == pytest.approx(100 * factors[-5:], rel=1e-6)
    flat = np.random.default_rng(0).normal(10, 1, size=200)
    assert m4.naive2(flat, season=1, horizon=3).tolist() == [flat[-1]] * 3


def m4_files(folder: Path, name: str, *, lengths: list[int], horizon: int) -> None:
    random = np.random.default_rng(0)
    rows = {}
    for number, length in enumerate(lengths):
        steps = np.arange(length + horizon)
        rows[f"X{number}"] = 50 + 10 * np.sin(2 * np.pi * steps / 24 + number) + random.normal(size=len(steps))
    for part, slices in {"train": slice(None, -horizon), "test": slice(-horizon, None)}.items():
        frame = pd.DataFrame.from_dict({name: pd.Series(row[slices]) for name, row in rows.items()}, orient="index")
        frame.to_csv(folder / f"{name}-{part}.csv", index_label="V1")


@pytest.mark.slow
def test_the_m4_suite_scores_series_of_every_length(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    m4_files(tmp_path, "Hourly", lengths=[300, 260], horizon=48)
    m4_files(tmp_path, "Weekly", lengths=[120, 90], horizon=13)
    file = tmp_path / "records.json"
    assert main(["--data", str(tmp_path), "--suite", "m4", "--json", str(file), *QUICK]) == 0
    assert "m4.weekly.owa" in capsys.readouterr().out
    records = {record["name"]: record for record in json.loads(file.read_text())}
    assert 0 < records["m4.hourly.owa"]["value"] < 1.5
    assert records["m4.hourly.owa"]["compared_with"]["FFORMA"] == 0.484
    assert records["m4.weekly.owa"]["settings"]["series"] == 2
