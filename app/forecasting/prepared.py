"""A question of which all is known but the answer, and the answer once its forecasts are there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.forecasting.questions import Answer, Question
from app.forecasting.refusals import Refusal, finite_only, refuse_unless_partial
from app.stores.references import PinnedVersion
from model import Asked, Forecaster, ItemForecast, Notice


@dataclass(frozen=True, eq=False)
class Prepared:
    """A question of which all is known but the answer."""

    question: Question
    version: PinnedVersion
    forecaster: Forecaster
    items: tuple[Asked | Refusal, ...]
    served_levels: tuple[float, ...]
    load_seconds: float
    since: float

    @property
    def asked(self) -> list[Asked]:
        """What is to be computed."""
        return [one for one in self.items if isinstance(one, Asked)]

    @property
    def points_out(self) -> int:
        """Timestamps that are to be forecast."""
        return sum(len(one.positions) for one in self.asked)

    def part(self, items: slice) -> "Prepared":
        """The same of some of its series, to be answered from now on."""
        return replace(self, items=self.items[items], load_seconds=0.0, since=time.perf_counter())

    def ahead(self, first: Answer) -> Answer:
        """What can be said of the whole answer once its first part is there: all but the forecasts.

        Args:
            first: The answer to the first part.
        """
        return replace(
            first,
            items=tuple(one for one in self.items if isinstance(one, Refusal)),
            points_in=sum(len(one.series) for one in self.asked),
            points_out=self.points_out,
            function_evaluations=self.forecaster.num_evaluations(self.asked),
        )

    def answer(self, forecasts: Iterator[ItemForecast]) -> Answer:
        """The answer, from the forecasts of what was asked, in order."""
        items = finite_only([self._as_asked(next(forecasts)) if isinstance(one, Asked) else one for one in self.items])
        refuse_unless_partial(items, is_partial=self.question.is_partial)
        return Answer(
            name=self.version.name,
            version=self.version.number,
            digest=self.version.digest,
            alias=self.version.alias,
            items=items,
            calibration=self.forecaster.calibration,
            points_in=sum(len(one.series) for one in self.asked),
            points_out=sum(len(one.mean) for one in items if isinstance(one, ItemForecast)),
            function_evaluations=self.forecaster.num_evaluations(self.asked),
            load_seconds=self.load_seconds,
            forecast_seconds=time.perf_counter() - self.since,
        )

    def _as_asked(self, forecast: ItemForecast) -> ItemForecast:
        """A forecast under the levels that were asked for, where others were computed in their place."""
        asked = self.question.quantile_levels
        if self.served_levels == asked:
            return forecast
        quantiles = {level: forecast.quantiles[one] for level, one in zip(asked, self.served_levels, strict=True)}
        moves = ", ".join(
            f"{level:g} as {one:g}" for level, one in zip(asked, self.served_levels, strict=True) if level != one
        )
        notice = Notice(
            "intervals_adapted", f"By what came true of earlier forecasts, quantiles are served as others: {moves}."
        )
        return replace(forecast, quantiles=quantiles, notices=(*forecast.notices, notice))
