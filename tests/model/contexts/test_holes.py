"""Holes are torn at random and filled as a series' own are."""

import numpy as np
import pandas as pd
import pytest
import torch

from model.contexts.grid_series import on_grid
from model.contexts.holes import LEAST_SPREAD, MOST, Holes, filled
from model.panels.series import Series


@pytest.mark.parametrize("season", [1, 6, 24])
@pytest.mark.parametrize("lost", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("stretch", [1, 20])
def test_holes_are_filled_as_those_of_a_series_on_its_grid(season: int, lost: float, stretch: int) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(20, 200))
    kept = np.repeat(random.random(size=(20, 200 // stretch)) >= lost, stretch, axis=1)
    kept[:, -1] = True
    kept[:, 5 * season % 200] = True
    found = filled(torch.from_numpy(values), torch.from_numpy(kept), season).numpy()
    timestamps = pd.date_range("2026-01-01", periods=200, freq="h")
    for row in range(20):
        series = Series.from_values("some", timestamps[kept[row]], values[row][kept[row]], freq="h")
        assert found[row] == pytest.approx(on_grid(series, "h", season, 200).values)


def torn(holes: Holes, context: torch.Tensor, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    kept = holes.drawn(*context.shape, context.device)
    assert kept is not None
    return holes.tear(context, kept)


def test_some_histories_are_torn_and_the_last_value_is_kept() -> None:
    context = torch.randn(2000, 96)
    found = torn(Holes(0.5, 24), context)
    changed = found != context
    assert not changed[:, -1].any()
    assert float(changed.any(1).float().mean()) == pytest.approx(0.5, abs=0.1)
    assert float(changed.float().mean(1).max()) < MOST + 0.2
    assert bool((found.std(1) >= LEAST_SPREAD * context.std(1) - 1e-6).all())


def test_nothing_is_drawn_where_no_holes_are_wanted() -> None:
    before = torch.get_rng_state()
    assert Holes(0.0, 24).drawn(5, 30, torch.device("cpu")) is None
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("length", [4, 5, 30])
def test_short_and_constant_histories_stay_finite(length: int) -> None:
    context = torch.cat([torch.full((50, length), 3.0), torch.randn(50, length)])
    for season in (1, 7, 24):
        found = torn(Holes(1.0, season), context)
        assert bool(torch.isfinite(found).all())
        assert torch.allclose(found[:50], torch.tensor(3.0))


def test_the_same_seed_tears_the_same_holes_in_whatever_parts_and_alike_in_all_channels_of_a_system() -> None:
    context, holes = torch.randn(8, 50), Holes(0.7, 12)
    whole = torn(holes, context, seed=5)
    torch.manual_seed(5)
    kept = holes.drawn(8, 50, context.device)
    assert kept is not None
    assert torch.equal(torch.cat([holes.tear(context[:3], kept[:3]), holes.tear(context[3:], kept[3:])]), whole)
    system = holes.tear(context.repeat_interleave(2, 0), kept)
    assert torch.equal(system[::2], whole)
    assert torch.equal(system[1::2], whole)
