"""What holds a forecast far past the trained horizon."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from model.networks.anchor import Anchor, Limits

MEDIAN = 1


def history(length: int = 60) -> torch.Tensor:
    steps = torch.arange(length, dtype=torch.float64)
    return torch.stack([10 + torch.sin(steps * torch.pi / 6), 100 - steps])


def block(length: int, *, shift: float = 0.0) -> torch.Tensor:
    medians = history(60 + length)[:, 60:] + shift
    return torch.stack([medians - 1, medians, medians + 2], dim=-1)


def anchor(first: torch.Tensor) -> Anchor:
    return Anchor.of(history(), first, period=12, season_length=12, median=MEDIAN)


@pytest.mark.parametrize("length", [7, 12, 29, 48])
def test_a_season_goes_on_in_phase(length: int) -> None:
    later = block(length + 30)[:, length:]
    assert_close(anchor(block(length)).pull(later, length)[0], later[0])


def test_blocks_that_drift_end_up_a_block_away_from_the_season() -> None:
    held, drift = anchor(block(24)), 0.0
    for _ in range(60):
        drifting = block(24 + 12)[:, 24:, :] + drift + 5.0
        drift = float((held.pull(drifting, 24) - block(36)[:, 24:])[0].mean())
    assert drift == pytest.approx(5.0)


def test_a_trend_goes_on_from_its_last_level() -> None:
    level = anchor(block(24)).profile[1].mean()
    assert level == pytest.approx(float(block(24)[1, -12:, MEDIAN].mean()))


def test_a_first_block_of_less_than_a_period_takes_the_rest_from_the_history() -> None:
    found = Anchor.of(history(), block(5), period=24, season_length=12, median=MEDIAN)
    assert found.profile.shape == (2, 24)
    assert found.spreads.shape == (2, 5, 3)
    assert Anchor.of(history(10), block(5), period=24, season_length=12, median=MEDIAN).profile.shape == (2, 15)


def limits() -> Limits:
    return Limits.of(history(), block(12), median=MEDIAN)


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3).map(sorted))
def test_nothing_leaves_the_limits_and_quantiles_stay_in_order(values: list[float]) -> None:
    held = limits().hold(torch.tensor(values, dtype=torch.float64).expand(2, 1, 3))
    known = torch.cat([history(), block(12)[..., MEDIAN]], dim=1)
    room = 0.5 * (known.amax(1) - known.amin(1))
    assert (held[..., MEDIAN] <= (known.amax(1) + room + 1e-9)[:, None]).all()
    assert (held[..., MEDIAN] >= (known.amin(1) - room - 1e-9)[:, None]).all()
    assert ((held - held[..., MEDIAN, None]).abs() <= (2 + room + 1e-9)[:, None, None]).all()
    assert (held.diff(dim=-1) >= 0).all()


def test_what_is_near_the_known_range_is_left_as_it_is() -> None:
    assert_close(limits().hold(block(24)), block(24))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e300])
def test_even_a_flow_that_ran_away_gets_a_finite_answer(value: float) -> None:
    assert torch.isfinite(limits().hold(torch.full((2, 4, 3), value, dtype=torch.float64))).all()


def test_limits_and_season_scale_and_shift_with_the_series() -> None:
    def moved(values: torch.Tensor) -> torch.Tensor:
        return 1000 * values - 5e5

    wild = 3 * block(24, shift=40.0)
    held = Limits.of(moved(history()), moved(block(12)), median=MEDIAN).hold(moved(wild))
    assert_close(held, moved(limits().hold(wild)))
    pulled = Anchor.of(moved(history()), moved(block(24)), period=12, season_length=12, median=MEDIAN)
    assert_close(pulled.pull(moved(wild), 24), moved(anchor(block(24)).pull(wild, 24)))


def test_a_constant_stays_constant() -> None:
    flat, zero = torch.full((1, 30), 7.3, dtype=torch.float64), torch.full((1, 8, 3), 7.3, dtype=torch.float64)
    assert_close(Limits.of(flat, zero, median=MEDIAN).hold(zero), zero)
    assert_close(Anchor.of(flat, zero, period=4, season_length=4, median=MEDIAN).pull(zero, 8), zero)
