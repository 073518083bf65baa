"""Why choices are what they are: told for each one, kept with the checkpoint."""

from dataclasses import fields, replace

import numpy as np
import pytest

from model import Checkpoint, Panel, Reason, Series, TrainingConfig, TrainingOptions, WarmStart, fit, select
from model.configuration.choosing import choose
from model.training.blending import SEASON_SHARES
from model.training.warm_start import choose_from

QUICK = TrainingOptions(
    num_epochs=1, steps_per_epoch=2, batch_size=8, state_size=8, num_particles=4, horizon=24, context_length=48
)


@pytest.fixture(scope="module")
def cycles() -> Panel:
    """A machine whose cycle of 37 minutes is no part of a day."""
    values = np.sin(2 * np.pi * np.arange(1200) / 37) + 0.2 * np.random.default_rng(0).normal(size=1200)
    return Panel((Series.from_grid("machine", "2025-01-01", "min", values),))


@pytest.fixture(scope="module")
def checkpoint(cycles: Panel) -> Checkpoint:
    chosen = select(cycles, QUICK, device="cpu")
    return fit(cycles, chosen.config, reasons=chosen.reasons, device="cpu")


def why(reasons: tuple[Reason, ...], choice: str) -> str:
    (found,) = [one.why for one in reasons if one.choice == choice]
    return found


def test_every_choice_that_follows_from_the_data_has_one_reason_with_its_value(cycles: Panel) -> None:
    chosen = choose(cycles, TrainingOptions())
    names = [one.choice for one in chosen.reasons]
    expected = {"freq", "season_length", "horizon", "context_length", "patch_length", "validation_steps"}
    assert expected <= set(names)
    assert len(set(names)) == len(names)
    for one in chosen.reasons:
        if one.choice != "training_horizons":
            assert one.value == str(getattr(chosen.config, one.choice))


def test_a_period_of_the_values_sets_season_horizon_context_and_patch(cycles: Panel) -> None:
    config = choose(cycles, TrainingOptions()).config
    found = (config.season_length, config.period, config.horizon, config.context_length, config.patch_length)
    assert found == (37, 37, 37, 111, 37)


def test_what_a_user_chose_is_told_as_asked(cycles: Panel) -> None:
    chosen = choose(cycles, TrainingOptions(season_length=20, horizon=10, dropout=0.25))
    assert {why(chosen.reasons, name) for name in ("season_length", "horizon", "dropout")} == {"as asked"}
    assert chosen.config.season_length == 20


def test_trials_give_their_own_reason(cycles: Panel) -> None:
    chosen = select(cycles, replace(QUICK, preset="balanced", num_epochs=10), device="cpu")
    assert "short trainings, by validation data" in " ".join(one.why for one in chosen.reasons)


def test_a_training_that_starts_from_a_version_keeps_its_season_and_says_so(
    cycles: Panel, checkpoint: Checkpoint
) -> None:
    walk = Panel((Series.from_grid("m", "2025-01-01", "min", np.cumsum(np.random.default_rng(1).normal(size=900))),))
    chosen = choose_from(walk, TrainingOptions(), WarmStart("m/1", checkpoint))
    assert (chosen.config.season_length, chosen.config.period) == (37, 37)
    assert why(chosen.reasons, "season_length") == "as m/1 has it, whose weights this starts from"


def test_reasons_are_kept_with_the_checkpoint(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("checkpoints") / "one"
    checkpoint.save(path)
    found = Checkpoint.load(path).manifest.reasons
    assert found == checkpoint.manifest.reasons
    assert "autocorrelation" in why(found, "season_length")


def test_what_validation_settled_is_told_with_the_reasons(checkpoint: Checkpoint) -> None:
    found = {one.choice: one.value for one in checkpoint.manifest.reasons}
    validation, line = checkpoint.validation, checkpoint.network.linear
    assert line is not None
    assert found["line_share"] == f"{100 * float(line.share):.0f}%"
    assert found["season_share"] in {f"{100 * share:.0f}%" for share in (0, *SEASON_SHARES)}
    assert found["trust"] == f"{100 * validation.trust:.0f}%"
    assert found["trend_share"] == f"{100 * validation.trend:.0f}%"
    assert found["block_length"] == str(validation.block_length)
    shares = [float(found[choice].rstrip("%")) for choice in ("precedent_share", "cycle_share")]
    assert sum(shares) == pytest.approx(100 * sum(validation.precedents.shares), abs=1)
    names = [one.choice for one in checkpoint.manifest.reasons]
    assert len(set(names)) == len(names)


def test_every_choice_has_a_name_that_is_not_of_the_code(checkpoint: Checkpoint) -> None:
    settled = {one.choice for one in checkpoint.manifest.reasons}
    names = [Reason(choice, "", "").name for choice in settled | {one.name for one in fields(TrainingConfig)}]
    assert len(set(names)) == len(names)
    assert not [name for name in names if "_" in name or name[:1].islower()]


def test_a_checkpoint_of_an_earlier_release_has_no_reasons(checkpoint: Checkpoint) -> None:
    content = {name: value for name, value in vars(checkpoint.manifest).items() if name != "reasons"}
    assert type(checkpoint.manifest).from_json({**content, "trials": ()}).reasons == ()
