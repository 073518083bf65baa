"""Training: it learns, repeats itself, stops when asked and goes on where it was."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from model import Panel, Progress, SeriesTooShort, TrainingCancelled, TrainingConfig, TrainingDiverged, fit
from model.training.checkpoint import Checkpoint
from model.training.learning import one_cycle
from tests.model.conftest import season_and_trend


def weights(checkpoint: Checkpoint) -> list[torch.Tensor]:
    return list(checkpoint.network.state_dict().values())


def same(first: Checkpoint, second: Checkpoint) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def test_training_lowers_the_loss_and_tells_every_epoch(panel: Panel, config: TrainingConfig) -> None:
    told: list[Progress] = []
    fit(panel, config, on_epoch=told.append, device="cpu")
    num_epochs = config.num_epochs + config.num_refit_epochs
    assert [progress.epoch for progress in told] == list(range(1, num_epochs + 1))
    assert told[-1].validation_loss < told[0].validation_loss
    assert told[-1].fraction == 1.0
    assert told[-1].eta_seconds == 0.0
    assert told[-1].num_steps == num_epochs * config.steps_per_epoch
    windows, steps = (float(text.split()[0].replace(",", "")) for text in told[-1].throughput.split(", "))
    assert windows / steps == pytest.approx(config.batch_size, rel=0.1)


def test_the_same_seed_gives_the_same_weights(panel: Panel, config: TrainingConfig) -> None:
    short = replace(config, num_epochs=2, steps_per_epoch=4)
    first = fit(panel, short, device="cpu")
    torch.randn(100)
    again = fit(panel, short, device="cpu")
    assert same(again, first)
    assert again.manifest.digest == first.manifest.digest
    assert not same(fit(panel, replace(short, seed=1), device="cpu"), first)


@pytest.mark.parametrize("stop_after", [10, 50, 81])
def test_a_training_that_was_stopped_goes_on_to_the_same_weights(
    panel: Panel, config: TrainingConfig, checkpoint: Checkpoint, tmp_path: Path, stop_after: int
) -> None:
    batches = itertools.count()
    with pytest.raises(TrainingCancelled):
        fit(panel, config, state_path=tmp_path / "state", should_stop=lambda: next(batches) >= stop_after, device="cpu")
    told: list[Progress] = []
    resumed = fit(panel, config, state_path=tmp_path / "state", on_epoch=told.append, device="cpu")
    assert same(resumed, checkpoint)
    assert told[0].epoch == stop_after // config.steps_per_epoch + 1


def test_of_several_seeds_the_one_that_validates_best_is_kept(panel: Panel, config: TrainingConfig) -> None:
    told: list[Progress] = []
    several = replace(config, num_epochs=2, num_seeds=3, refit="line")
    kept = fit(panel, several, on_epoch=told.append, device="cpu")
    losses = [progress.validation_loss for progress in told]
    assert [(progress.epoch, progress.num_epochs) for progress in told] == [(number, 6) for number in range(1, 7)]
    assert len(set(losses)) == len(losses)
    assert kept.manifest.validation_loss == min(losses)
    alone = fit(panel, replace(several, num_seeds=1), device="cpu")
    assert alone.manifest.validation_loss == min(losses[:2])


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_several_seeds_that_were_stopped_go_on_to_the_same_weights(
    panel: Panel, config: TrainingConfig, tmp_path: Path, epochs: int
) -> None:
    several = replace(config, num_epochs=2, num_seeds=2, steps_per_epoch=4, refit="line")
    batches = itertools.count()
    with pytest.raises(TrainingCancelled):
        fit(panel, several, state_path=tmp_path / "s", should_stop=lambda: next(batches) >= 4 * epochs, device="cpu")
    told: list[Progress] = []
    resumed = fit(panel, several, state_path=tmp_path / "s", on_epoch=told.append, device="cpu")
    assert same(resumed, fit(panel, several, device="cpu"))
    assert [progress.epoch for progress in told] == list(range(epochs + 1, 5))


def test_a_state_of_other_data_or_a_damaged_one_is_not_continued(
    panel: Panel, config: TrainingConfig, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    fit(Panel((season_and_trend("c", seed=5),)), replace(config, num_epochs=1), state_path=state, device="cpu")
    assert same(fit(panel, config, state_path=state, device="cpu"), checkpoint)
    state.write_bytes(state.read_bytes()[:1000])
    assert same(fit(panel, config, state_path=state, device="cpu"), checkpoint)


def test_training_does_not_disturb_the_random_numbers_of_its_caller(panel: Panel, config: TrainingConfig) -> None:
    torch.manual_seed(0)
    expected = torch.randn(3)
    torch.manual_seed(0)
    fit(panel, replace(config, num_epochs=1), device="cpu")
    assert torch.equal(torch.randn(3), expected)


def test_a_loss_that_is_no_longer_finite_is_an_error(panel: Panel, config: TrainingConfig, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with pytest.raises(TrainingCancelled):
        fit(panel, config, state_path=state, on_epoch=lambda _: None, should_stop=state.exists, device="cpu")
    with safe_open(state, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) * float("nan") for name in file.keys()}  # noqa: SIM118
    save_file(tensors, state, metadata)
    with pytest.raises(TrainingDiverged, match="no longer finite in epoch 2"):
        fit(panel, config, state_path=state, device="cpu")


def test_a_panel_without_a_window_is_too_short(config: TrainingConfig) -> None:
    with pytest.raises(SeriesTooShort, match="validation steps"):
        fit(Panel((season_and_trend("a", length=40),)), replace(config, validation_steps=30), device="cpu")


def test_the_learning_rate_rises_to_its_highest_and_falls_to_almost_nothing() -> None:
    rates = [one_cycle(step, 100, 1.0) for step in range(100)]
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 30
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[-1] < 0.001
