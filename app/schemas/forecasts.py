"""A forecast asked for, and answered, in JSON."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.errors import LimitExceeded
from app.forecasting import Question, Refusal
from app.schemas.horizon import HorizonBody
from app.schemas.panels import FindDataset, SeriesBody, Text, check_size, each_series
from model import Aggregation, ForecastingError, Paths, Series

QuantileLevel = Annotated[float, Field(strict=True, gt=0, lt=1)]
IntervalLevel = Annotated[float, Field(strict=True, gt=0, lt=100)]


class ForecastOptions(BaseModel):
    """Which version is to forecast, how far, and with which quantiles."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: Annotated[Text, Field(description="`name`, `name@alias` or `name/3`.")]
    horizon: HorizonBody
    quantile_levels: list[QuantileLevel] = [0.1, 0.5, 0.9]
    interval_levels: Annotated[list[IntervalLevel], Field(description="In percent.")] = [80]
    num_samples: Annotated[
        int, Field(ge=0, le=10_000, description="Sample paths: at each timestamp distributed as the quantiles say.")
    ] = 0
    seed: Annotated[int, Field(ge=0, lt=2**63, description="Of the sample paths: the same one gives the same.")] = 0
    rates: Annotated[
        bool, Field(description="Whether to tell how fast the mean changes, per step of the series, too.")
    ] = False
    duplicates: Annotated[Aggregation, Field(description="What to do with repeated timestamps.")] = "error"
    on_error: Annotated[
        Literal["fail", "partial"], Field(description="Whether one bad series fails the request, or alone.")
    ] = "fail"
    keep: Annotated[
        bool, Field(description="Whether the forecast is kept under its id for a while, to be shown again.")
    ] = True

    @property
    def is_partial(self) -> bool:
        """Whether a bad series fails alone."""
        return self.on_error == "partial"

    @property
    def all_levels(self) -> tuple[float, ...]:
        """The quantile levels asked for and those at the ends of intervals, ascending."""
        pairs = map(interval_quantiles, self.interval_levels)
        return tuple(sorted({*self.quantile_levels, *(level for pair in pairs for level in pair)})) or (0.5,)

    def ask(self, items: Iterable[Series | Refusal]) -> Question:
        """The question of these series, as the use case knows it.

        Raises:
            ForecastingError: The first series that is none, unless it may fail alone; or an option cannot be answered.
        """
        found: list[Series | Refusal] = []
        for one in items:
            if isinstance(one, Refusal) and not self.is_partial:
                raise one.error
            found.append(one)
        return Question(
            self.model,
            tuple(found),
            self.horizon.to_horizon(),
            self.all_levels,
            is_partial=self.is_partial,
            paths=Paths(self.num_samples, self.seed),
            rates=self.rates,
        )

    def check_levels(self, *, max_horizon_steps: int, max_quantile_levels: int) -> None:
        """Refuses more timestamps or quantile levels than the service allows.

        Raises:
            LimitExceeded: There are more.
        """
        num_levels = len(self.quantile_levels) + 2 * len(self.interval_levels)
        if num_levels > max_quantile_levels:
            raise LimitExceeded("quantile levels", num_levels, max_quantile_levels, "LONGSHOT_MAX_QUANTILE_LEVELS")
        asked = len(self.horizon.timestamps or ())
        if asked > max_horizon_steps:
            raise LimitExceeded("timestamps to forecast", asked, max_horizon_steps, "LONGSHOT_MAX_HORIZON_STEPS")


class ForecastRequest(ForecastOptions):
    """Which version is to forecast which series, how far, and with which quantiles."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "grid-load",
                    "series": [{"item_id": "a", "start": "2026-11-01", "freq": "h", "target": [1.2, None, 3.4]}],
                    "horizon": {"steps": 96},
                }
            ]
        },
    )

    series: Annotated[list[SeriesBody], Field(min_length=1)]

    def to_question(self, find_dataset: FindDataset) -> Question:
        """The request as the use case knows it.

        Raises:
            ForecastingError: It cannot be answered; with `on_error: partial` not for the sake of one series.
        """
        return self.ask(self._items(find_dataset))

    def sources(self, find_dataset: FindDataset) -> dict[str, str]:
        """The dataset that each series is from, by item; not those that were sent along, or could not be read."""
        found: dict[str, str] = {}
        for body in self.series:
            if body.dataset is not None and body.item_id is not None:
                found[body.item_id] = body.dataset
            elif body.dataset is not None:
                with suppress(ForecastingError):
                    found.update((one.item_id, body.dataset) for one in find_dataset(body.dataset))
        return found

    def check_limits(
        self, *, max_series: int, max_points: int, max_horizon_steps: int, max_quantile_levels: int
    ) -> None:
        """Refuses what is more than the service allows.

        Raises:
            LimitExceeded: There is more.
        """
        check_size(self.series, max_series, max_points)
        self.check_levels(max_horizon_steps=max_horizon_steps, max_quantile_levels=max_quantile_levels)

    def _items(self, find_dataset: FindDataset) -> Iterator[Series | Refusal]:
        for body, one in each_series(
            self.series, find_dataset, duplicates=self.duplicates, horizon=self.horizon.to_horizon()
        ):
            yield one if isinstance(one, Series) else Refusal(body.item_id, one)


def interval_quantiles(level: float) -> tuple[float, float]:
    """The quantile levels at the ends of an interval: 80 percent lies between 0.1 and 0.9."""
    tail = round((100 - level) / 200, 10)
    return tail, round(1 - tail, 10)
