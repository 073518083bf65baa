"""What forecasts of several methods scored: over all leads, and by bucket of leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.evaluation import metrics

MOST_BUCKETS = 8


@dataclass(frozen=True)
class Score:
    """How one method did, averaged over series and cutoffs.

    Attributes:
        method: `longshot`, `seasonal_naive`, `drift`, or `weekly_naive` for what is observed within the day.
        mase: Mean absolute error over that of the seasonal naive method within the history.
        smape: Symmetric mean absolute percentage error, 0..200.
        mae: Mean absolute error, in the unit of the series.
        pinball: Mean pinball loss over the levels 0.1 … 0.9, in the unit of the series; None for point methods.
        coverage: Share of truths inside the 80 % interval; None for point methods.
    """

    method: str
    mase: float
    smape: float
    mae: float
    pinball: float | None
    coverage: float | None


@dataclass(frozen=True)
class LeadScores:
    """How all methods did at some leads.

    Attributes:
        first_lead: The first of them, in steps after the cutoff.
        last_lead: The last one, included.
        num_observations: Truths at these leads.
        scores: One a method, in the order of the whole report's.
    """

    first_lead: int
    last_lead: int
    num_observations: int
    scores: tuple[Score, ...]


@dataclass(frozen=True, eq=False)
class Attempt:
    """What one method forecast from one cutoff.

    Attributes:
        method: Its name.
        point: One value a truth.
        quantiles: The values at each level; None for point methods.
    """

    method: str
    point: NDArray[np.float64]
    quantiles: Mapping[float, NDArray[np.float64]] | None = None


@dataclass(frozen=True, eq=False)
class Trial:
    """The attempts of all methods from one cutoff, beside what happened.

    Attributes:
        leads: In steps after the cutoff, one a truth.
        truth: What was observed.
        unit: Mean absolute error of the seasonal naive method within the history.
        attempts: One a method.
    """

    leads: NDArray[np.int64]
    truth: NDArray[np.float64]
    unit: float
    attempts: tuple[Attempt, ...]

    def scores(self, first_lead: int, last_lead: int) -> dict[str, Score]:
        """The scores of each method at some leads; of none where nothing was observed there."""
        at = (self.leads >= first_lead) & (self.leads <= last_lead)
        return {one.method: self._score(one, at) for one in self.attempts} if at.any() else {}

    def count(self, first_lead: int, last_lead: int) -> int:
        """The truths at some leads."""
        return int(((self.leads >= first_lead) & (self.leads <= last_lead)).sum())

    def _score(self, attempt: Attempt, at: NDArray[np.bool_]) -> Score:
        truth, point = self.truth[at], attempt.point[at]
        error = metrics.mae(truth, point)
        quantiles = {level: values[at] for level, values in (attempt.quantiles or {}).items()}
        return Score(
            attempt.method,
            mase=error / self.unit,
            smape=metrics.smape(truth, point),
            mae=error,
            pinball=metrics.pinball(truth, quantiles) if quantiles else None,
            coverage=metrics.coverage(truth, quantiles[0.1], quantiles[0.9]) if quantiles else None,
        )


def lead_buckets(horizon: int) -> tuple[tuple[int, int], ...]:
    """The first and last lead of each bucket: the last is the second half of the horizon, and so on backwards."""
    ends = [horizon]
    while ends[-1] > 1 and len(ends) < MOST_BUCKETS:
        ends.append((ends[-1] + 1) // 2)
    ends.reverse()
    return tuple(zip([1, *(end + 1 for end in ends)], ends, strict=False))


def average(trials: Sequence[Trial], first_lead: int, last_lead: int) -> tuple[Score, ...]:
    """The mean score of each method that made every attempt, over the trials with truths at these leads."""
    rows = [scores for trial in trials if (scores := trial.scores(first_lead, last_lead))]
    return tuple(_mean([row[one] for row in rows]) for one in rows[0] if all(one in row for row in rows))


def by_lead(trials: Sequence[Trial], horizon: int) -> tuple[LeadScores, ...]:
    """The mean scores in each bucket of leads in which something was observed."""
    counted = [(sum(trial.count(*bucket) for trial in trials), bucket) for bucket in lead_buckets(horizon)]
    return tuple(LeadScores(*bucket, count, average(trials, *bucket)) for count, bucket in counted if count)


def _mean(scores: Sequence[Score]) -> Score:
    def mean(values: Sequence[float | None]) -> float:
        return float(np.mean([value for value in values if value is not None]))

    probabilistic = scores[0].pinball is not None
    return Score(
        scores[0].method,
        mase=mean([one.mase for one in scores]),
        smape=mean([one.smape for one in scores]),
        mae=mean([one.mae for one in scores]),
        pinball=mean([one.pinball for one in scores]) if probabilistic else None,
        coverage=mean([one.coverage for one in scores]) if probabilistic else None,
    )
