"""A loaded checkpoint that answers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.configuration.config import TrainingConfig
from model.contexts.grid_series import on_grid
from model.contexts.inputs import Inputs, inputs_of, require_ahead
from model.contexts.scaling import Scale
from model.contexts.system import System
from model.errors import ChannelUnknown
from model.forecasting.asking import MAX_STEPS, NO_PATHS, Asked, Paths, ask
from model.forecasting.floor import floors_of
from model.forecasting.horizon import Horizon
from model.forecasting.levelling import levelled
from model.forecasting.levels import at_levels
from model.forecasting.notices import notices
from model.forecasting.of_late import late_errors
from model.networks.device import choose_device
from model.networks.inference import Predictor
from model.networks.past import MAX_HISTORY, Past
from model.networks.precedents import moved
from model.networks.trend import Trend, towards
from model.panels.series import Forecast, ItemForecast, Panel, Series
from model.training.checkpoint import Checkpoint, Manifest
from model.uncertainty.calibration import CalibrationSummary
from model.uncertainty.recent import misses_of, reach_of, steps_of
from model.uncertainty.sampling import at_scores, scores_between

MAX_BATCH = 256
_MARGIN_STEPS = 8

_Scores = Callable[[int, int, int, tuple[str, ...]], NDArray[np.float64]]


def memory_of(config: TrainingConfig, *, looks_back: bool) -> int:
    """Steps of history beyond which nothing changes a forecast: what is seen, and seasons that fill holes in it.

    Args:
        config: Of the version.
        looks_back: Whether it looks for precedents, or at the change over the whole history.
    """
    of_late = reach_of(steps_of(config.horizon, config.season_length))
    seen = max(config.context_length + of_late, MAX_HISTORY if looks_back else 0)
    return seen + 2 * config.season_length + _MARGIN_STEPS


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
        self._dependence = checkpoint.validation.dependence
        self._precedents = checkpoint.validation.precedents
        self._levels = checkpoint.validation.levels
        self._trend = checkpoint.validation.trend
        self._period = checkpoint.network.period
        self._predictor = Predictor(
            checkpoint.network.to(self._device),
            block_length=checkpoint.validation.block_length,
            season_length=self.config.season_length,
            trust=checkpoint.validation.trust,
            width=checkpoint.validation.width,
        )
        self._predictor.prepare(self.config.horizon)
        recent, line = self._calibration.recent, checkpoint.network.linear
        self._misses = None if recent is None or line is None else misses_of(line.weights, recent.steps)

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
    def memory(self) -> int:
        """Steps of history beyond which nothing changes a forecast."""
        return memory_of(self.config, looks_back=bool(self._precedents or self._trend))

    @property
    def num_bytes(self) -> int:
        """Memory that it holds."""
        return self._predictor.num_bytes

    def forecast(
        self,
        panel: Panel,
        horizon: Horizon,
        quantile_levels: Sequence[float] = (0.1, 0.5, 0.9),
        *,
        paths: Paths = NO_PATHS,
        rates: bool = False,
        max_steps: int = MAX_STEPS,
    ) -> Forecast:
        """What is expected of each series, and how sure that is.

        The value at a timestamp does not depend on the other timestamps asked. Between two points of the grid it is
        linear in time.

        Args:
            panel: The histories, each with at least two observations.
            horizon: What to answer for.
            quantile_levels: Between 0 and 1.
            paths: Sample paths to draw; at each timestamp they are distributed as the quantiles say.
            rates: Whether to tell how fast the mean changes, too: the slope there of what lies between two points of
                the grid, or on a point of the way to it, per step.
            max_steps: The longest horizon to accept.

        Raises:
            SeriesTooShort, FrequencyUnknown, HorizonOutOfRange, HorizonNotAhead, QuantileLevelOutOfRange: As `ask`.
            CovariateMissing: A series lacks a covariate that the version uses.
            ChannelMissing, ChannelUnknown: The series are not the channels of the system that the version forecasts.
        """
        system = self.system(panel)
        asked = [
            self.ask(one, horizon, quantile_levels, paths=paths, rates=rates, max_steps=max_steps, system=system)
            for one in panel
        ]
        return Forecast(self.answer(asked), self.num_evaluations(asked))

    def system(self, series: Iterable[Series]) -> System | None:
        """What series that are asked for together have in common, for `ask`; None where each is forecast by itself.

        Raises:
            ChannelMissing: A channel of the version's system is not among them.
            FrequencyUnknown: No channel has a frequency.
            TimeZonesMixed: Some channels have a time zone, others have none.
        """
        if not self.config.channels:
            return None
        return System.of(
            series,
            self.config.channels,
            freq=self.config.freq,
            season_at=self.config.season_at,
            context_length=self.config.context_length,
        )

    def require_channel(self, item_id: str) -> None:
        """Refuses a series that is none of the channels, where the version forecasts a system.

        Raises:
            ChannelUnknown
        """
        if self.config.channels and item_id not in self.config.channels:
            raise ChannelUnknown(item_id, self.config.channels)

    def ask(
        self,
        series: Series,
        horizon: Horizon,
        quantile_levels: Sequence[float] = (0.1, 0.5, 0.9),
        *,
        paths: Paths = NO_PATHS,
        rates: bool = False,
        max_steps: int = MAX_STEPS,
        system: System | None = None,
    ) -> Asked:
        """A question that this version can answer; other arguments and errors are those of `forecast`.

        Args:
            series: The history.
            horizon: What to answer for.
            quantile_levels: Between 0 and 1.
            paths: Sample paths to draw.
            rates: Whether to tell how fast the mean changes, too.
            max_steps: The longest horizon to accept.
            system: What `system` said of all series of the request.
        """
        system = self.system((series,)) if system is None else system
        asked = ask(series, horizon, quantile_levels, paths=paths, rates=rates, max_steps=max_steps, system=system)
        scheme = self.config.covariates
        if not scheme:
            return asked
        require_ahead(series, scheme, asked.grid, float(asked.positions.max()))
        first = 1 - self.config.context_length
        return replace(asked, inputs=inputs_of(series, scheme, asked.grid, first=first, last=asked.num_steps))

    def answer(self, asked: Sequence[Asked]) -> tuple[ItemForecast, ...]:
        """The forecasts of what `ask` gave, to different callers perhaps; neighbours do not change an answer."""
        by_length: dict[int, list[int]] = defaultdict(list)
        for number, one in enumerate(asked):
            by_length[one.num_steps].append(number)
        items: dict[int, ItemForecast] = {}
        for num_steps, numbers in by_length.items():
            for some in _chunks(asked, numbers):
                items.update(zip(some, self._answer([asked[number] for number in some], num_steps), strict=True))
        return tuple(items[number] for number in range(len(asked)))

    def num_evaluations(self, asked: Iterable[Asked]) -> int:
        """How often the vector field is evaluated for these answers, system by system."""
        passes = {(_pass(one), one.num_steps) for one in tuple(asked)}
        counts = Counter(num_steps for _, num_steps in passes)
        return sum(number * self._predictor.num_evaluations(num_steps) for num_steps, number in counts.items())

    @torch.inference_mode()
    def _answer(self, asked: Sequence[Asked], num_steps: int) -> list[ItemForecast]:
        contexts, rows = self._contexts(asked)
        floors = floors_of(contexts if rows is None else contexts[rows], self.config.floor)
        if self._levels:
            asked, contexts = self._levelled(asked, contexts)
        context = torch.from_numpy(contexts).to(self._device)
        given = [one.inputs for one in asked if one.inputs is not None]
        inputs = Inputs.stacked(given, self._device) if given else None
        raw = self._predictor.quantiles(context, num_steps, inputs)
        if rows is not None:
            raw, context = raw[rows], context[rows]
        if self._trend:
            path = Trend.of([self._past(one) for one in asked]).path(self.config.horizon, self._predictor.trust)
            raw = towards(raw, self._predictor.mean(raw), path, self._trend, self.config.season_length)
        if self._precedents:
            raw = self._moved(asked, raw.cpu()).to(raw)
        means = np.maximum(self._predictor.mean(raw).cpu().numpy(), floors[:, None])
        quantiles = self._calibration.apply(raw, Scale.of(context).spread, self._late(asked)).cpu().numpy()
        wanted = at_levels([one.levels for one in asked], self.config.quantile_levels, quantiles)
        # The channels of a system come one after the other, and are drawn once.
        scores = lru_cache(maxsize=1)(self._dependence.scores)
        return [self._item(*each, scores) for each in zip(asked, means, quantiles, wanted, floors, strict=True)]

    @property
    def _looked_at(self) -> int:
        """Steps of history that a forecast is better with."""
        return max(self.config.context_length, self._precedents.reach(self.config.horizon, self._period))

    def _late(self, asked: Sequence[Asked]) -> NDArray[np.float64] | None:
        return None if self._misses is None else late_errors(asked, self._misses, self.config.season_at)

    def _contexts(self, asked: Sequence[Asked]) -> tuple[NDArray[np.float64], list[int] | None]:
        """What the network is shown, and which rows of that were asked for if it is shown whole systems."""
        systems = {id(one.system): one.system for one in asked if one.system is not None}
        if not systems:
            return np.stack([self._context(one) for one in asked]), None
        first = {key: number * self.config.num_channels for number, key in enumerate(systems)}
        rows = [first[id(one.system)] + one.system.number(one.series.item_id) for one in asked if one.system]
        return np.concatenate([one.contexts for one in systems.values()]), rows

    def _levelled(
        self, asked: Sequence[Asked], contexts: NDArray[np.float64]
    ) -> tuple[Sequence[Asked], NDArray[np.float64]]:
        """The same with histories moved where they jumped."""
        moved = levelled(asked, contexts, self.config.season_at)
        if not moved:
            return asked, contexts
        contexts = contexts.copy()
        for number, one in moved.items():
            contexts[number] = self._context(one)
        return [moved.get(number, one) for number, one in enumerate(asked)], contexts

    def _moved(self, asked: Sequence[Asked], quantiles: Tensor) -> Tensor:
        """Quantiles moved by the share of each history's precedents."""
        by_freq: dict[str, list[int]] = defaultdict(list)
        for number, one in enumerate(asked):
            by_freq[one.freq].append(number)
        for numbers in by_freq.values():
            pasts = [self._past(asked[number]) for number in numbers]
            quantiles[numbers] = moved(quantiles[numbers], self._precedents, pasts, self.config.horizon)
        return quantiles

    def _past(self, asked: Asked) -> Past:
        season = self._season(asked)
        grid = on_grid(asked.series, asked.freq, season, end=None if asked.system is None else asked.system.end)
        # What came as Arrow may not be written to, and torch warns of what shares memory with it.
        values, observed = (torch.from_numpy(np.require(one, requirements="W")) for one in (grid.values, grid.observed))
        period = self._period if asked.freq == self.config.freq else season
        return Past(values, observed, season, period)

    def _context(self, asked: Asked) -> NDArray[np.float64]:
        return on_grid(asked.series, asked.freq, self._season(asked), self.config.context_length).values

    def _season(self, asked: Asked) -> int:
        return self.config.season_at(asked.freq)

    def _item(
        self,
        asked: Asked,
        mean: NDArray[np.float64],
        quantiles: NDArray[np.float64],
        wanted: NDArray[np.float64],
        floor: float,
        scores: _Scores,
    ) -> ItemForecast:
        return ItemForecast(
            asked.series.item_id,
            asked.timestamps(),
            asked.at_positions(mean),
            {
                level: np.maximum(asked.at_positions(path), floor)
                for level, path in zip(asked.levels, wanted, strict=True)
            },
            asked.series.time_zone,
            notices(asked, self.config, longest_lead=self.calibration.longest_lead, looked_at=self._looked_at),
            self._samples(asked, quantiles, floor, scores),
            asked.rates_at_positions(mean) if asked.rates else None,
        )

    def _samples(
        self, asked: Asked, quantiles: NDArray[np.float64], floor: float, scores_of: _Scores
    ) -> NDArray[np.float64] | None:
        """Paths at the positions asked; between two points of the grid scores, too, are between theirs."""
        num_samples, seed = asked.paths.num_samples, asked.paths.seed
        if num_samples == 0:
            return None
        item_id = asked.series.item_id
        names = (item_id,) if asked.system is None else asked.system.channels
        scores = scores_of(asked.num_steps, num_samples, seed, names)[names.index(item_id)]
        levels = self.config.quantile_levels
        here = np.stack([asked.at_positions(quantiles[:, number]) for number in range(len(levels))], axis=-1)
        scores = scores_between(scores, asked.positions, self._dependence.next_correlation)
        return np.maximum(np.ascontiguousarray(at_scores(here, levels, scores).T), floor)


def load(path: str | Path, *, device: str | None = None) -> Forecaster:
    """The forecaster of a checkpoint: its folder, or the bundle that a service or `longshot models export` gives.

    Args:
        path: The folder, or the tar.
        device: `cpu`, `cuda` or `cuda:N`; the best one of the machine if left out.

    Raises:
        CheckpointError: It cannot be trusted.
    """
    return Forecaster.load(Path(path), device=device)


def _chunks(asked: Sequence[Asked], numbers: Sequence[int]) -> Iterator[list[int]]:
    """Parts of which no more than `MAX_BATCH` rows pass through the network, those of one system together."""
    groups: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        groups[_pass(asked[number])].append(number)
    together, system = list(groups.values()), asked[numbers[0]].system
    most = max(1, MAX_BATCH // (1 if system is None else len(system.channels)))
    for first in range(0, len(together), most):
        yield [number for group in together[first : first + most] for number in group]


def _pass(asked: Asked) -> int:
    """What is the same for those that pass through the network together."""
    return id(asked if asked.system is None else asked.system)
