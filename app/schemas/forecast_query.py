"""A forecast asked for in the query: of the series in a table, whose body has no room for it."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.schemas.forecasts import ForecastOptions
from app.schemas.horizon import HorizonBody
from app.schemas.panels import Text
from app.schemas.refusals import ParametersMisplaced, ParametersMissing
from model import Aggregation


def _split(values: Any) -> Any:
    """Values that are repeated, or written with commas between."""
    return [part for one in values for part in str(one).split(",")] if isinstance(values, list) else values


def split_names(values: Sequence[str]) -> tuple[str, ...]:
    """Names that are repeated, or written with commas between."""
    return tuple(_split(list(values)))


Column = Annotated[Text | None, Field(description="For tables: the column of that name is read if left out.")]
Names = Annotated[list[Text], BeforeValidator(_split)]
PAST: Final = "The columns of signals known once they have happened: repeated, or with commas between."
FUTURE: Final = "Those of signals known in advance; rows without an observation hold what is to come."
STATIC: Final = "Those of names and numbers that are the same in all rows of a series."
QuantileLevels = Annotated[list[Annotated[float, Field(gt=0, lt=1)]], BeforeValidator(_split)]
IntervalLevels = Annotated[list[Annotated[float, Field(gt=0, lt=100)]], BeforeValidator(_split)]
Timestamps = Annotated[list[str], BeforeValidator(_split)]


class ForecastQuery(BaseModel):
    """What the query says of a table; a request in JSON says it in its body."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[Text | None, Field(description="For tables: `name`, `name@alias` or `name/3`.")] = None
    horizon: Annotated[
        Text | None, Field(description="For tables: a number of steps, or a duration such as P30D, 7D, 12h.")
    ] = None
    until: Annotated[Text | None, Field(description="For tables, instead of horizon: the last timestamp.")] = None
    timestamps: Annotated[
        Timestamps | None, Field(description="For tables, instead of horizon: repeated, or with commas between.")
    ] = None
    quantile_levels: Annotated[QuantileLevels | None, Field(description="For tables: with commas between.")] = None
    interval_levels: Annotated[
        IntervalLevels | None, Field(description="For tables: in percent, with commas between.")
    ] = None
    num_samples: Annotated[
        int | None, Field(ge=0, le=10_000, description="For tables: sample paths, a column each.")
    ] = None
    seed: Annotated[int | None, Field(ge=0, lt=2**63, description="For tables: of the sample paths.")] = None
    rates: Annotated[
        bool | None, Field(description="For tables: whether to tell how fast the mean changes, in a column `rate`.")
    ] = None
    on_error: Annotated[Literal["fail", "partial"] | None, Field(description="For tables.")] = None
    keep: Annotated[bool | None, Field(description="For tables: whether the forecast is kept under its id.")] = None
    item_id: Column = None
    timestamp: Column = None
    target: Column = None
    freq: Annotated[Text | None, Field(description="For tables: a pandas offset alias for every series.")] = None
    duplicates: Annotated[Aggregation | None, Field(description="For tables: what to do with repeated timestamps.")] = (
        None
    )
    past_covariates: Annotated[Names | None, Field(description=f"For tables. {PAST}")] = None
    future_covariates: Annotated[Names | None, Field(description=f"For tables. {FUTURE}")] = None
    static_covariates: Annotated[Names | None, Field(description=f"For tables. {STATIC}")] = None

    @property
    def given(self) -> Sequence[str]:
        """The names of the parameters that were sent."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    def refuse_all(self) -> None:
        """Refuses parameters beside a body that has its own.

        Raises:
            ParametersMisplaced: There are some.
        """
        if self.given:
            raise ParametersMisplaced(self.given)

    def to_options(self) -> ForecastOptions:
        """What is asked.

        Raises:
            ParametersMissing: The model is not named, or the horizon is not given in exactly one way.
        """
        horizons = [name for name in ("horizon", "until", "timestamps") if getattr(self, name) is not None]
        if self.model is None or len(horizons) != 1:
            raise ParametersMissing(self.given)
        chosen = (
            "quantile_levels",
            "interval_levels",
            "num_samples",
            "seed",
            "rates",
            "on_error",
            "duplicates",
            "keep",
        )
        given = {name: getattr(self, name) for name in chosen if getattr(self, name) is not None}
        return ForecastOptions(model=self.model, horizon=self._horizon(), **given)

    def _horizon(self) -> HorizonBody:
        text = (self.horizon or "").strip()
        if text.lstrip("+-").isdecimal():
            return HorizonBody(steps=int(text))
        return HorizonBody(duration=self.horizon, until=self.until, timestamps=self.timestamps)
