"""A loaded checkpoint that answers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from model.calibration import CalibrationSummary
from model.checkpoint import Checkpoint, Manifest
from model.columns import LAST_INSTANT
from model.config import TrainingConfig
from model.device import choose_device
from model.errors import FrequencyUnknown, HorizonNotAhead, HorizonOutOfRange, QuantileLevelOutOfRange, SeriesTooShort
from model.grid import Grid, Instants, season_length
from model.horizon import At, Duration, Horizon, Steps, Until
from model.inference import Predictor
from model.scaling import Scale
from model.series import Forecast, ItemForecast, Notice, Panel, Series
from model.windows import on_grid

MAX_STEPS = 100_000
MIN_OBSERVATIONS = 2
MAX_BATCH = 256


@dataclass(frozen=True, eq=False)
class _Question:
    """One series and what is asked of it, in steps of its grid.

    Attributes:
        series: The history.
        grid: Its grid.
        positions: Where answers are wanted, in steps after the last observation, in the order asked.
        num_steps: Steps of the grid that cover them.
    """

    series: Series
    grid: Grid
    positions: NDArray[np.float64]
    num_steps: int


class Forecaster:
    """A loaded checkpoint; safe to call from several threads.

    Args:
        checkpoint: What training gave.
        device: `cpu`, `cuda` or `cuda:N`; the best one of the machine if left out.
    """

    def __init__(self, checkpoint: Checkpoint, *, device: str | None = None) -> None:
        self.config: TrainingConfig = checkpoint.config
        self.manifest: Manifest = checkpoint.manifest
        self._device = choose_device(device)
        self._calibration = checkpoint.validation.calibration
        self._predictor = Predictor(
            checkpoint.network.to(self._device),
            block_length=checkpoint.validation.block_length,
            season_length=self.config.season_length,
        )
        self._predictor.prepare(self.config.horizon)

    @classmethod
    def load(cls, path: Path, *, device: str | None = None) -> "Forecaster":
        """Reads a checkpoint's folder and checks every hash.

        Raises:
            CheckpointError: The folder cannot be trusted.
        """
        return cls(Checkpoint.load(path), device=device)

    @property
    def calibration(self) -> CalibrationSummary:
        """How its intervals were calibrated, and how they did."""
        return self._calibration.summary

    @property
    def num_bytes(self) -> int:
        """Memory that it holds."""
        return self._predictor.num_bytes

    def check(self, series: Series, horizon: Horizon, *, max_steps: int = MAX_STEPS) -> int:
        """How many steps ahead `forecast` would go for this series; raises what it would raise."""
        return self._question(series, horizon, max_steps).num_steps

    def forecast(
        self,
        panel: Panel,
        horizon: Horizon,
        quantile_levels: Sequence[float] = (0.1, 0.5, 0.9),
        *,
        max_steps: int = MAX_STEPS,
    ) -> Forecast:
        """What is expected of each series, and how sure that is.

        The value at a timestamp does not depend on the other timestamps asked. Between two points of the grid it is
        linear in time.

        Args:
            panel: The histories, each with at least two observations.
            horizon: What to answer for.
            quantile_levels: Between 0 and 1.
            max_steps: The longest horizon to accept.

        Raises:
            SeriesTooShort: A series has fewer than two observations.
            HorizonOutOfRange: A horizon is below one step, or longer than `max_steps`.
            HorizonNotAhead: A timestamp is asked that is not after the last observation.
            QuantileLevelOutOfRange: A level is not between 0 and 1.
        """
        levels = _checked_levels(quantile_levels)
        questions = [self._question(series, horizon, max_steps) for series in panel]
        by_length: dict[int, list[int]] = defaultdict(list)
        for number, question in enumerate(questions):
            by_length[question.num_steps].append(number)
        items: dict[int, ItemForecast] = {}
        for num_steps, numbers in by_length.items():
            for first in range(0, len(numbers), MAX_BATCH):
                some = numbers[first : first + MAX_BATCH]
                answers = self._answer([questions[number] for number in some], num_steps, levels)
                items.update(zip(some, answers, strict=True))
        evaluations = sum(self._predictor.num_evaluations(question.num_steps) for question in questions)
        return Forecast(tuple(items[number] for number in range(len(questions))), evaluations)

    def _question(self, series: Series, horizon: Horizon, max_steps: int) -> _Question:
        if len(series) < MIN_OBSERVATIONS:
            raise SeriesTooShort(series.item_id, len(series), MIN_OBSERVATIONS, "a forecast")
        if series.freq is None:
            raise FrequencyUnknown(series.item_id)
        grid = series.grid(series.freq)
        positions = _positions(series, grid, horizon, max_steps)
        return _Question(series, grid, positions, int(np.ceil(positions.max())))

    def _answer(self, questions: list[_Question], num_steps: int, levels: tuple[float, ...]) -> list[ItemForecast]:
        contexts = np.stack([self._context(question.series) for question in questions])
        context = torch.from_numpy(contexts).to(self._device)
        raw = self._predictor.quantiles(context, num_steps)
        mean = self._predictor.mean(raw).cpu().numpy()
        quantiles = self._calibration.apply(raw, Scale.of(context).spread).cpu().numpy()
        wanted = _interpolate_levels(quantiles, self.config.quantile_levels, levels)
        return [self._item(question, mean[number], wanted[number], levels) for number, question in enumerate(questions)]

    def _context(self, series: Series) -> NDArray[np.float64]:
        freq = series.freq or self.config.freq
        season = self.config.season_length if freq == self.config.freq else season_length(freq)
        return on_grid(series, freq, season, self.config.context_length).values

    def _item(
        self, question: _Question, mean: NDArray[np.float64], quantiles: NDArray[np.float64], levels: tuple[float, ...]
    ) -> ItemForecast:
        series, positions = question.series, question.positions
        grid = np.arange(len(mean) + 1)
        start = series.values[-1]

        def at_positions(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.interp(positions, grid, np.concatenate([[start], values])))

        return ItemForecast(
            series.item_id,
            _timestamps(question),
            at_positions(mean),
            {level: at_positions(quantiles[:, number]) for number, level in enumerate(levels)},
            series.time_zone,
            self._notices(question),
        )

    def _notices(self, question: _Question) -> tuple[Notice, ...]:
        notices = []
        series, longest = question.series, self._calibration.summary.longest_lead
        if question.num_steps > longest:
            detail = f"Intervals are calibrated up to {longest} steps ahead; {question.num_steps} were asked."
            notices.append(Notice("past_calibrated_lead", detail))
        if series.freq != self.config.freq:
            detail = f"The series has frequency {series.freq}; the version was trained on {self.config.freq}."
            notices.append(Notice("frequency_differs", detail))
        span = -question.grid.positions(series.timestamps[:1])[0] + 1
        if span < self.config.context_length:
            detail = f"The history spans {int(span)} steps; the version looks at {self.config.context_length}."
            notices.append(Notice("history_short", detail))
        return tuple(notices)


def _positions(series: Series, grid: Grid, horizon: Horizon, max_steps: int) -> NDArray[np.float64]:
    """Where answers are wanted, in steps after the last observation.

    Raises:
        HorizonOutOfRange: None, or further away than `max_steps` or the last year of the calendar.
        HorizonNotAhead: Not after the last observation.
    """
    limit = min(max_steps, int(grid.steps_until(LAST_INSTANT)))
    match horizon:
        case Steps(num_steps):
            pass
        case Until(timestamp):
            num_steps = int(_steps_until(series, grid, [_instant(timestamp, series)], limit)[0] + 1e-9)
        case Duration(length):
            num_steps = int(_steps_until(series, grid, [series.last + length.to_timedelta64()], limit)[0] + 1e-9)
        case At(timestamps):
            return _steps_until(series, grid, [_instant(one, series) for one in timestamps], limit)
    if not 1 <= num_steps <= limit:
        raise HorizonOutOfRange(num_steps, limit, item_id=series.item_id)
    return np.arange(1.0, num_steps + 1)


def _steps_until(series: Series, grid: Grid, instants: list[np.datetime64], limit: int) -> NDArray[np.float64]:
    if not instants:
        raise HorizonOutOfRange(0, limit, item_id=series.item_id)
    asked = np.array(instants, dtype="datetime64[us]")
    if asked.min() <= series.last:
        raise HorizonNotAhead(series.item_id, str(pd.Timestamp(asked.min())), str(pd.Timestamp(series.last)))
    roughly = grid.steps_until(asked.max())
    if roughly > limit + 60:
        raise HorizonOutOfRange(int(roughly), limit, item_id=series.item_id)
    positions = grid.positions(asked)
    if positions.max() > limit:
        raise HorizonOutOfRange(int(np.ceil(positions.max())), limit, item_id=series.item_id)
    return positions


def _instant(timestamp: pd.Timestamp, series: Series) -> np.datetime64:
    """A timestamp as the series counts time; one without a zone is read in the zone of the series."""
    if series.time_zone is not None:
        aware = timestamp.tz_localize(series.time_zone) if timestamp.tz is None else timestamp
        timestamp = aware.tz_convert("UTC").tz_localize(None)
    elif timestamp.tz is not None:
        timestamp = timestamp.tz_convert("UTC").tz_localize(None)
    return np.datetime64(timestamp.as_unit("us").to_datetime64())


def _timestamps(question: _Question) -> Instants:
    whole = np.floor(question.positions).astype(int)
    points = question.grid.timestamps(0, question.num_steps).astype("datetime64[us]")
    following = points[np.minimum(whole + 1, question.num_steps)]
    fraction = question.positions - whole
    passed = ((following - points[whole]).astype(np.int64) * fraction).round().astype("timedelta64[us]")
    return np.asarray(points[whole] + passed)


def _checked_levels(levels: Sequence[float]) -> tuple[float, ...]:
    for level in levels:
        if not 0 < level < 1:
            raise QuantileLevelOutOfRange(level)
    return tuple(sorted(set(levels)))


def _interpolate_levels(
    quantiles: NDArray[np.float64], known: tuple[float, ...], wanted: tuple[float, ...]
) -> NDArray[np.float64]:
    """Quantiles at other levels: linear in the normal score of the level, continued in the tails, never crossing."""
    score = NormalDist().inv_cdf
    known_scores = np.array([score(level) for level in known])
    scores = np.array([score(level) for level in wanted])
    right = np.clip(np.searchsorted(known_scores, scores), 1, len(known) - 1)
    share = (scores - known_scores[right - 1]) / (known_scores[right] - known_scores[right - 1])
    lower, upper = quantiles[..., right - 1], quantiles[..., right]
    return np.asarray(np.maximum.accumulate(lower + share * (upper - lower), axis=-1))
