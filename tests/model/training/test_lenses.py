"""Which precedents get a share."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from model import Checkpoint, Panel, TrainingConfig
from model.contexts.cuts import WindowShape
from model.contexts.splitting import split
from model.networks.cycles import Cycles
from model.networks.past import Past
from model.training.evidence import Kinship
from model.training.lenses import CAUTIOUS_SHARE, MAX_LENSES, Case, pasts_of, shares_of
from tests.model.conftest import season_and_trend
from tests.model.networks.test_precedents import logistic, past_of

HORIZON = 4


def cases_of(values: Tensor, said: float, num_cases: int = 24) -> list[Case]:
    ends = [len(values) - HORIZON * number for number in range(1, num_cases + 1)]
    known = torch.ones(HORIZON, dtype=torch.bool)
    flat = torch.full((HORIZON,), said, dtype=torch.float64)
    return [Case(past_of(values[:end], 1), flat, values[end : end + HORIZON], known) for end in ends]


def apart(num_cases: int = 24) -> Kinship:
    """Cases of one series whose targets do not overlap."""
    return Kinship(torch.arange(num_cases), torch.zeros(num_cases, dtype=torch.long))


@pytest.mark.parametrize("season_length", [1, 24, 86_400])
def test_precedents_have_shares_where_they_know_better(season_length: int) -> None:
    found = shares_of(cases_of(logistic(600), said=0.5), apart(), season_length, num_apart=24)
    assert 0.5 < sum(found.shares) <= 1
    assert len(found.lenses) <= MAX_LENSES
    assert all(share * 8 == round(share * 8) for share in found.shares)


def test_precedents_of_noise_have_none() -> None:
    noise = torch.randn(600, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert not shares_of(cases_of(noise, said=0.0), apart(), season_length=1, num_apart=24)


def weeks_and_noise() -> list[Case]:
    random = torch.Generator().manual_seed(0)
    values = torch.randn(12, generator=random).double().repeat(60) + torch.randn(720, generator=random).double()
    ends = [len(values) - HORIZON * number for number in range(1, 49)]
    known = torch.ones(HORIZON, dtype=torch.bool)
    return [
        Case(past_of(values[:end], 12), values[end - 12 : end - 12 + HORIZON], values[end : end + HORIZON], known)
        for end in ends
    ]


@pytest.mark.parametrize("num_apart", [3, 48])
def test_periods_whose_mean_stays_have_a_share(num_apart: int) -> None:
    found = shares_of(weeks_and_noise(), apart(48), season_length=12, num_apart=num_apart)
    assert Cycles(8, relative=False) in found.lenses
    assert sum(found.shares) > 0.5


def test_a_gain_that_may_be_chance_gives_cycles_a_small_share() -> None:
    """All of it in one of three stretches of time, so that the next three may have none."""
    cases = weeks_and_noise()
    right = [replace(case, said=case.target + 0.3) for case in cases]
    cases = [case if 10 < number < 40 else known for number, (case, known) in enumerate(zip(cases, right, strict=True))]
    stretches = torch.tensor([number // 16 for number in range(48)])
    found = shares_of(cases, Kinship(stretches, torch.zeros(48, dtype=torch.long)), season_length=12, num_apart=3)
    assert found.shares == (CAUTIOUS_SHARE,)
    assert isinstance(found.lenses[0], Cycles)


def test_many_series_of_one_stretch_of_time_are_no_ground_for_cycles() -> None:
    together = Kinship(torch.arange(48) // 24, torch.arange(48))
    assert not shares_of(weeks_and_noise(), together, season_length=12, num_apart=7)


def test_without_cases_there_is_no_choice() -> None:
    assert not shares_of([], apart(0), season_length=24, num_apart=24)


def test_the_past_of_a_window_ends_where_its_targets_begin_and_begins_with_its_series() -> None:
    panel = Panel((season_and_trend("a", length=150), season_and_trend("b", length=60, seed=1)))
    shape = WindowShape("h", 24, context_length=48, horizon=12, validation_steps=20)
    windows = split(panel, shape, torch.device("cpu")).validation
    numbers = torch.arange(len(windows))
    pasts = pasts_of(windows, numbers, 24, 24)
    lengths = [len(past.values) for past in pasts]
    assert sorted(lengths) == [*range(40, 49), *range(130, 139)]
    assert all(bool(past.observed.all()) for past in pasts)
    contexts = windows.batch(numbers).context
    for past, context in zip(pasts, contexts, strict=True):
        recent = past.values[-24:]
        assert torch.corrcoef(torch.stack([recent, context[-24:]]))[0, 1] > 0.999


def test_a_checkpoint_keeps_what_was_chosen(checkpoint: Checkpoint, config: TrainingConfig) -> None:
    assert config.precedent_windows > 0
    precedents = checkpoint.validation.precedents
    assert type(precedents).from_json(precedents.to_json()) == precedents


def test_a_past_is_never_looked_at_whole_where_it_is_not_known() -> None:
    values = logistic(600)
    case = cases_of(values, said=0.5)[0]
    unknown = Past(case.past.values, torch.zeros_like(case.past.observed), 1, 1)
    assert not shares_of(
        [Case(unknown, case.target, case.target, case.known)] * 24, apart(), season_length=1, num_apart=24
    )
