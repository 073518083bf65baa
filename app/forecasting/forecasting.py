"""Use case: answer a forecast with the right version (resolve, prepare, compute together what is alike)."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from app.errors import LimitExceeded
from app.forecasting.loaded import LoadedVersions
from app.forecasting.prepared import Prepared
from app.forecasting.questions import Answer, Question
from app.forecasting.refusals import Refusal, refuse_duplicates, refuse_unless_partial
from app.stores.references import PinnedVersion
from app.stores.registry import Registry
from app.stores.versions import Version
from model import Asked, Forecaster, ForecastingError, Series, System

ServeLevels = Callable[[str, int, Sequence[float]], tuple[float, ...]]
"""Gives the quantile levels to compute in place of those asked for, which ascend, as do they."""


class Forecasting:
    """Answers questions with the version that their model means at that moment.

    Args:
        registry: Where versions are.
        loaded: Those in memory.
        max_steps: The longest horizon answered.
        max_values: The most values of one answer: steps of all its series, times quantile levels and sample paths.
        serve_levels: The quantile levels that a version, by name and number, computes in place of those asked for.
    """

    def __init__(
        self,
        registry: Registry,
        loaded: LoadedVersions,
        *,
        max_steps: int,
        max_values: int = 10**12,
        serve_levels: ServeLevels = lambda _name, _number, levels: tuple(levels),
    ) -> None:
        self._registry = registry
        self._serve_levels = serve_levels
        self._loaded = loaded
        self._max_steps = max_steps
        self._max_values = max_values

    def forecaster(self, version: Version | PinnedVersion) -> Forecaster:
        """A version, loaded."""
        return self._loaded.get(version.digest, self._registry.checkpoint_path(version))

    def answer(self, question: Question) -> Answer:
        """The forecasts asked for.

        Raises:
            ForecastingError: The version cannot be loaded, or a series that may not fail alone cannot be forecast.
        """
        ((_, answer),) = self.answer_each((question,))
        if isinstance(answer, ForecastingError):
            raise answer
        return answer

    def answer_each(self, questions: Sequence[Question | Prepared]) -> Iterator[tuple[int, Answer | ForecastingError]]:
        """The answers to several questions by their numbers, the quick ones first; those alike are computed together.

        What is alike are a version and a number of steps: then nothing has to be padded, and nobody waits for a longer
        forecast than his own. A question that cannot be answered is answered with its error.
        """
        groups: dict[object, list[tuple[int, Prepared]]] = defaultdict(list)
        for number, question in enumerate(questions):
            try:
                prepared = question if isinstance(question, Prepared) else self.prepare(question)
            except ForecastingError as error:
                yield number, error
            else:
                groups[prepared.forecaster, frozenset(one.num_steps for one in prepared.asked)].append(
                    (number, prepared)
                )
        for group in sorted(groups.values(), key=_num_steps):
            yield from _answer_together(group)

    def prepare(self, question: Question) -> Prepared:
        """A question with the version that answers it, and each series placed on its grid.

        Raises:
            ForecastingError: The version cannot be loaded, or a series that may not fail alone cannot be forecast.
        """
        started = time.perf_counter()
        refuse_duplicates(question.items)
        version = self._registry.pin(question.model)
        forecaster = self.forecaster(version)
        loaded = time.perf_counter()
        served = self._serve_levels(version.name, version.number, question.quantile_levels)
        system = _system(forecaster, question.items)
        items = tuple(_ask(forecaster, item, question, served, self._max_steps, system) for item in question.items)
        refuse_unless_partial(items, is_partial=question.is_partial)
        prepared = Prepared(question, version, forecaster, items, served, loaded - started, loaded)
        num_steps = sum(one.num_steps for one in prepared.asked)
        self._refuse_too_much(num_steps * max(1, len(question.quantile_levels) + question.paths.num_samples))
        return prepared

    def _refuse_too_much(self, num_values: int) -> None:
        if num_values > self._max_values:
            raise LimitExceeded(
                "values to forecast (steps of all series, times quantile levels and sample paths)",
                num_values,
                self._max_values,
                "LONGSHOT_MAX_FORECAST_VALUES",
            )


def _num_steps(group: list[tuple[int, Prepared]]) -> int:
    return sum(one.num_steps for _, prepared in group for one in prepared.asked)


def _answer_together(group: list[tuple[int, Prepared]]) -> Iterator[tuple[int, Answer | ForecastingError]]:
    forecaster = group[0][1].forecaster
    forecasts = iter(forecaster.answer([one for _, prepared in group for one in prepared.asked]))
    for number, prepared in group:
        own = islice(forecasts, len(prepared.asked))
        try:
            yield number, prepared.answer(own)
        except ForecastingError as error:
            yield number, error


def _system(forecaster: Forecaster, items: Sequence[Series | Refusal]) -> System | ForecastingError | None:
    """What the series have in common, or why they are no system."""
    try:
        return forecaster.system(one for one in items if isinstance(one, Series))
    except ForecastingError as error:
        return error


def _ask(
    forecaster: Forecaster,
    item: Series | Refusal,
    question: Question,
    levels: Sequence[float],
    max_steps: int,
    system: System | ForecastingError | None,
) -> Asked | Refusal:
    if isinstance(item, Refusal):
        return item
    try:
        forecaster.require_channel(item.item_id)
        if isinstance(system, ForecastingError):
            return Refusal(item.item_id, system)
        return forecaster.ask(
            item,
            question.horizon,
            levels,
            paths=question.paths,
            rates=question.rates,
            max_steps=max_steps,
            system=system,
        )
    except ForecastingError as error:
        return Refusal(item.item_id, error)
