"""Which lenses a version looks through for precedents, and the share of each, chosen on validation windows.

Lenses, cycles among them, are drawn one at a time, what was said without them counting as one more: each time the one
whose mean with those before it errs least, with repetition, so that shares come in eighths. Caruana and others,
"Ensemble selection from libraries of models", 2004.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from model.contexts.scaling import Scale
from model.contexts.windows import Windows
from model.networks.cycles import Cycles
from model.networks.lens import Lens, Stretches
from model.networks.past import Past
from model.networks.precedents import NO_PRECEDENTS, Look, Precedents
from model.training.evidence import LEAST_CLUSTERS, Kinship, is_real

NUM_DRAWS = 8
MAX_LENSES = 4
"""Each costs a forecast its time."""

MIN_CASES = 16
"""With fewer, there is nothing to choose by."""

LEAST_APART = 8
"""With fewer cases whose targets do not overlap lenses are not looked through: as many as are drawn."""

CLEARLY_BETTER = 0.98
"""Precedents have a share only where errors fall below so many times what they are without."""

CAUTIOUS_SHARE = 0.25
"""Of cycles whose gain is clear, and may be chance."""

MAX_LENGTH = 336
_IN_SEASONS = (0.2, 0.5, 1, 3, 7)
_WITHOUT_SEASON = (4, 8, 16, 32)
_LOCALITIES, _STRENGTHS = (4.0, 16.0, 64.0), (0.1, 1.0)
_FIRST, _GLOBAL = ((4.0, 0.1), (16.0, 1.0)), ((0.0, 0.01), (0.0, 0.1))
_NUM_KEPT = 3
_CYCLES = tuple(Cycles(count, relative) for count, relative in product((2, 4, 8), (True, False)))


@dataclass(frozen=True, eq=False)
class Case:
    """A validation window, in units of its context's spread.

    Attributes:
        past: All that is known before it.
        said: The medians forecast without precedents.
        target: What came.
        known: Which of it was observed.
    """

    past: Past
    said: Float[Tensor, " horizon"]
    target: Float[Tensor, " horizon"]
    known: Bool[Tensor, " horizon"]


def shares_of(cases: Sequence[Case], kinship: Kinship, season_length: int, *, num_apart: int) -> Precedents:
    """The precedents with the least errors; none unless they do clearly better than what is said without them.

    Whether they do is asked of each half of the cases, after a choice by the other half; see `evidence`. Cycles whose
    gain is as clear but may be chance have a small share: forecasts of different kinds are seldom worse together.

    Args:
        cases: In time, so that the halves overlap little.
        kinship: Of the cases.
        season_length: Steps of a season.
        num_apart: Cases whose targets do not overlap, of all series. With few, only cycles are heard, which are few
            themselves; but not where all cases are of much the same time, whatever the number of series.
    """
    if len(cases) < MIN_CASES:
        return NO_PRECEDENTS
    jury = _Jury(cases, kinship)
    if cases[0].past.period > 1 and len(kinship.stretches.unique()) >= LEAST_CLUSTERS:
        jury.hear_cycles()
    if num_apart >= LEAST_APART:
        _hear_lenses(jury, season_length)
    return jury.verdict()


def _hear_lenses(jury: "_Jury", season_length: int) -> None:
    """A few of every form; where one of them gains, every one of the best forms."""
    forms = list(product(_lengths(season_length), (True, False)))
    for length, relative in forms:
        jury.hear(length, _FIRST, relative=relative)
    if not jury.has_gain():
        return
    best = sorted(forms, key=lambda form: min(jury.error_of(form, look) for look in _FIRST))[:_NUM_KEPT]
    for length, relative in best:
        jury.hear(length, (*product(_LOCALITIES, _STRENGTHS), *_GLOBAL), relative=relative)


def pasts_of(windows: Windows, numbers: Int[Tensor, " some"], season_length: int, period: int) -> list[Past]:
    """What is known before the targets of some windows, of each row in units of its context's spread."""
    pasts = []
    contexts, starts = windows.levelled_batch(numbers).context, windows.places(numbers).tolist()
    moves = contexts[:, 0] - windows.batch(numbers).context[:, 0]
    for start, context, move, level, spread in zip(starts, contexts, moves, *Scale.of(contexts), strict=True):
        values, observed = windows.past(start)
        # What jumped, and a channel that ends before its system does, are shown as a forecast sees them.
        values = torch.cat([values[: -len(context)] + move, context[-len(values) :]])
        scaled = Scale(level[None], spread[None]).remove(values[None])[0]
        pasts.append(Past(scaled.cpu(), observed.cpu(), season_length, period))
    return pasts


def _lengths(season: int) -> list[int]:
    lengths = {round(seasons * season) for seasons in _IN_SEASONS} if season > 1 else set()
    return sorted(length for length in lengths if 4 <= length <= MAX_LENGTH) or list(_WITHOUT_SEASON)


class _Jury:
    """What every lens says of every case."""

    def __init__(self, cases: Sequence[Case], kinship: Kinship) -> None:
        self._cases = cases
        self._kinship = kinship
        self._target = torch.stack([case.target for case in cases])
        self._known = torch.stack([case.known for case in cases])
        self._said: dict[Look | None, Tensor] = {None: torch.stack([case.said for case in cases])}

    def hear(self, length: int, looks: Iterable[tuple[float, float]], *, relative: bool) -> None:
        """Looks through every lens of a form that was not known: at each case's stretches once."""
        lenses = [Lens(length, *look, relative) for look in looks]
        new = [lens for lens in lenses if lens not in self._said]
        said = [_looked(case, length, new, relative=relative) for case in self._cases]
        self._said.update(
            (lens, torch.stack(column)) for lens, column in zip(new, zip(*said, strict=True), strict=True)
        )

    def hear_cycles(self) -> None:
        """Looks at the last periods together, of each case."""
        for cycles in _CYCLES:
            said = (cycles.repeated([case.past], len(case.said)) for case in self._cases)
            rows = [
                case.said if one is None else one[0].to(case.said) for one, case in zip(said, self._cases, strict=True)
            ]
            self._said[cycles] = torch.stack(rows)

    def error_of(self, form: tuple[int, bool], look: tuple[float, float]) -> float:
        """Of one lens alone."""
        return self._error(self._said[Lens(form[0], *look, form[1])])

    def has_gain(self) -> bool:
        """Whether half a share of any lens known so far would lower the errors of all cases."""
        without = self._said[None]
        errors = [self._error((said + without) / 2) for lens, said in self._said.items() if isinstance(lens, Lens)]
        return min(errors, default=math.inf) < self._error(without)

    def verdict(self) -> Precedents:
        """The draws by all cases, if those by each half of them convince the other half."""
        half = len(self._cases) // 2
        by_early, by_late = (self._mean(self._draws(one)) for one in (slice(None, half), slice(half, None)))
        tried = self._errors(torch.cat([by_late[:half], by_early[half:]]))
        without = self._errors(self._said[None])
        if tried.sum() > CLEARLY_BETTER * without.sum() or not is_real(without - tried, self._kinship):
            return self._cautiously()
        drawn = self._draws(slice(None))
        lenses = tuple(lens for lens in dict.fromkeys(drawn) if lens is not None)
        return Precedents(lenses, tuple(drawn.count(lens) / NUM_DRAWS for lens in lenses))

    def _cautiously(self) -> Precedents:
        """A small share of the cycles that gain most by it, where they clearly do and each half confirms the other."""
        half, without = len(self._cases) // 2, self._errors(self._said[None])
        gains = {
            one: without - self._errors(torch.lerp(self._said[None], said, CAUTIOUS_SHARE))
            for one, said in self._said.items()
            if isinstance(one, Cycles)
        }

        def best(cases: slice) -> Cycles:
            return max(gains, key=lambda one: float(gains[one][cases].sum()))

        halves = (slice(None, half), slice(half, None))
        if not gains or any(gains[best(one)][other].sum() <= 0 for one, other in permutations(halves)):
            return NO_PRECEDENTS
        chosen = best(slice(None))
        is_clear = gains[chosen].sum() > (1 - CLEARLY_BETTER) * without.sum()
        return Precedents((chosen,), (CAUTIOUS_SHARE,)) if is_clear else NO_PRECEDENTS

    def _draws(self, cases: slice) -> list[Look | None]:
        drawn: list[Look | None] = []
        total = torch.zeros_like(self._target)
        for number in range(1, NUM_DRAWS + 1):
            open_ = [one for one in self._said if one in drawn or len({*drawn} - {None}) < MAX_LENSES or one is None]
            errors = [self._error((total + self._said[one]) / number, cases) for one in open_]
            drawn.append(open_[min(range(len(open_)), key=errors.__getitem__)])
            total = total + self._said[drawn[-1]]
        return drawn

    def _mean(self, drawn: Sequence[Look | None]) -> Tensor:
        return torch.stack([self._said[one] for one in drawn]).mean(0)

    def _error(self, said: Tensor, cases: slice = slice(None)) -> float:
        return float(self._errors(said)[cases].mean())

    def _errors(self, said: Tensor) -> Tensor:
        """The root of each case's mean absolute error.

        A mean of errors would be decided by what nobody can forecast, one of their logarithms by what anybody can.
        """
        errors = ((said - self._target).abs() * self._known).sum(1) / self._known.sum(1).clamp_min(1)
        return errors.sqrt()


def _looked(case: Case, length: int, lenses: Sequence[Lens], *, relative: bool) -> list[Tensor]:
    """What each lens says of a case; what is said without it where it has too few precedents."""
    stretches = Stretches.of([case.past], len(case.said), length, relative=relative)
    if stretches is None:
        return [case.said for _ in lenses]
    return [stretches.followed(lens.locality, lens.strength)[0].to(case.said) for lens in lenses]
