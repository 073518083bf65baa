"""Series in JSON: at timestamps, on a grid, or by dataset."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.errors import DatasetError, LimitExceeded
from app.schemas.horizon import Moment, parse_moment
from app.schemas.refusals import DatasetRepeated, ItemNotFound
from model import (
    Aggregation,
    AxisReader,
    DataError,
    ForecastingError,
    Horizon,
    Panel,
    RawCovariates,
    Reading,
    RequestError,
    Series,
    Steps,
    read_columns,
    read_grid,
    with_future,
)

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=256)]
Timestamp = Annotated[str, Field(max_length=64)]
Fact = Annotated[str, Field(min_length=1, max_length=256)] | bool | Number
Scalar = Annotated[str, Field(max_length=256)] | Annotated[float, Field(allow_inf_nan=False)] | int | bool | None
FindDataset = Callable[[str], Panel]
"""Gives the panel of a dataset id."""

_FORMS = "A series is timestamps with target, start with freq and target, or a dataset"


class SeriesBody(BaseModel):
    """One series: `timestamps` with `target`; `start` with `freq` and `target`; or `dataset`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    item_id: Annotated[
        Text | None,
        Field(description='Its name; "series" if left out. With dataset: which of its series, or all if left out.'),
    ] = None
    timestamps: Annotated[
        list[Timestamp] | list[int] | None,
        Field(union_mode="left_to_right", description="One per observation: ISO 8601, or whole numbers."),
    ] = None
    start: Annotated[Timestamp | int | None, Field(description="The first timestamp of a regular grid.")] = None
    freq: Annotated[
        Text | None,
        Field(description="A pandas offset alias: 15min, h, D, W, MS; or 1 where timestamps are numbers."),
    ] = None
    target: Annotated[list[Number | None] | None, Field(description="The observations; null is missing.")] = None
    dataset: Annotated[Text | None, Field(description="The id of an uploaded dataset.")] = None
    cutoff: Annotated[
        Moment | None,
        Field(description="With dataset: the last timestamp to be read of it; what came later is left out."),
    ] = None
    past_covariates: Annotated[
        dict[Text, list[Number | None]],
        Field(description="By name, a number or null for each observation sent, missing ones included."),
    ] = {}
    future_covariates: Annotated[
        dict[Text, list[Number | None]],
        Field(
            description="By name, a number for each timestamp asked, in that order; where nothing is asked, for as "
            "many steps as are known after the last one. What is named here is known in advance; its past is in "
            "past_covariates."
        ),
    ] = {}
    static_covariates: Annotated[
        dict[Text, Fact | None], Field(description="By name, a name or a number that does not change.")
    ] = {}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = {name for name in ("timestamps", "start", "target", "dataset") if getattr(self, name) is not None}
        if given not in ({"timestamps", "target"}, {"start", "target"}, {"dataset"}):
            raise PydanticCustomError(
                "series_form", f"{_FORMS}; here it is {' and '.join(sorted(given)) or 'neither'}."
            )
        if "start" in given and self.freq is None:
            raise PydanticCustomError("freq_missing", "A series with start needs freq, for example 15min, h or D.")
        return self

    @model_validator(mode="after")
    def _cutoff_of_dataset(self) -> Self:
        if self.cutoff is not None and self.dataset is None:
            raise PydanticCustomError("cutoff_unplaced", "A cutoff belongs to a dataset; send fewer values instead.")
        return self

    @model_validator(mode="after")
    def _covariates_placed(self) -> Self:
        if self.dataset is not None and (self.past_covariates or self.static_covariates):
            raise PydanticCustomError(
                "covariates_unplaced", "A dataset has its past and static covariates; send only future ones with it."
            )
        if self.dataset is not None and self.item_id is None and self.future_covariates:
            raise PydanticCustomError("covariates_unplaced", "Covariates need the item_id they belong to.")
        return self

    @property
    def num_points(self) -> int:
        """Observations and values of covariates sent, missing ones included."""
        signals = (*self.past_covariates.values(), *self.future_covariates.values())
        return len(self.target or ()) + sum(map(len, signals))

    def to_series(
        self,
        find_dataset: FindDataset,
        *,
        duplicates: Aggregation = "error",
        horizon: Horizon | None = None,
        axes: AxisReader | None = None,
    ) -> tuple[Series, ...]:
        """The series meant: one, or all of a dataset.

        Args:
            find_dataset: Gives the panel of a dataset id.
            duplicates: What to do with repeated timestamps.
            horizon: What is asked, which covariates of the future are for; as many steps as they have, if left out.
            axes: Reads its timestamps; given where other series are read that may share them.

        Raises:
            RequestError: There is no such horizon.
            DataError: It is not a series.
            ItemNotFound: The dataset has no such series.
            DateInvalid: The cutoff cannot be read.
        """
        if self.dataset is not None:
            found = _of_dataset(find_dataset(self.dataset), self.dataset, self.item_id)
            found = found if self.cutoff is None else _until(found, parse_moment(self.cutoff))
        else:
            found = (Series.from_reading(self._read(duplicates, axes)),)
        return tuple(self._with_future(one, horizon) for one in found) if self.future_covariates else found

    def to_readings(self, find_dataset: FindDataset, *, duplicates: Aggregation = "error") -> tuple[Reading, ...]:
        """What the series holds, faults included: one reading, or one for each series of a dataset.

        Raises:
            ItemNotFound: The dataset has no such series.
        """
        if self.dataset is not None:
            return tuple(one.to_reading() for one in self.to_series(find_dataset))
        read = self._read(duplicates)
        if read.faults or not self.future_covariates:
            return (read,)
        return (replace(read, covariates=self._with_future(Series.from_reading(read), None).covariates),)

    def _with_future(self, series: Series, horizon: Horizon | None) -> Series:
        if horizon is not None:
            return with_future(series, horizon, self.future_covariates)
        for name, values in self.future_covariates.items():
            if values:
                series = with_future(series, Steps(len(values)), {name: values})
        return series

    def _read(self, duplicates: Aggregation, axes: AxisReader | None = None) -> Reading:
        item_id, target = self.item_id or "series", self.target or []
        covariates = self._covariates() if self.past_covariates or self.static_covariates else None
        if self.start is not None:
            return read_grid(item_id, self.start, str(self.freq), target, covariates=covariates, axes=axes)
        return read_columns(
            item_id,
            self.timestamps or [],
            target,
            freq=self.freq,
            duplicates=duplicates,
            covariates=covariates,
            axes=axes,
        )

    def _covariates(self) -> RawCovariates:
        ahead = self.future_covariates.keys() & self.past_covariates.keys()
        return RawCovariates(
            {name: values for name, values in self.past_covariates.items() if name not in ahead},
            {name: self.past_covariates[name] for name in ahead},
            self.static_covariates,
        )


class RawSeriesBody(SeriesBody):
    """One series to be audited: as `SeriesBody`, with anything where timestamps and observations should be."""

    timestamps: list[Scalar] | None = None  # type: ignore[assignment]
    start: Scalar = None  # type: ignore[assignment]
    target: list[Scalar] | None = None  # type: ignore[assignment]


def check_size(bodies: Sequence[SeriesBody], max_series: int, max_points: int) -> None:
    """Refuses more series or observations than the service allows.

    Raises:
        LimitExceeded: There are more.
        DatasetRepeated: A whole dataset is named twice, which would be refused anyway, after much work.
    """
    if len(bodies) > max_series:
        raise LimitExceeded("series", len(bodies), max_series, "LONGSHOT_MAX_SERIES")
    num_points = sum(one.num_points for one in bodies)
    if num_points > max_points:
        raise LimitExceeded("observations", num_points, max_points, "LONGSHOT_MAX_POINTS")
    whole: set[str] = set()
    for one in bodies:
        if one.dataset is not None and one.item_id is None:
            if one.dataset in whole:
                raise DatasetRepeated(one.dataset)
            whole.add(one.dataset)


def each_read_once(find_dataset: FindDataset, max_points: int) -> FindDataset:
    """Finds the same panels, reading each dataset once, and several only as long as they hold no more than allowed.

    A request is small that names a large dataset a thousand times.

    Args:
        find_dataset: Gives the panel of a dataset id, or refuses.
        max_points: The most observations in several datasets of one request; a single one may hold more.
    """
    found: dict[str, Panel] = {}

    def find(dataset_id: str) -> Panel:
        if dataset_id not in found:
            found[dataset_id] = find_dataset(dataset_id)
            num_points = sum(one.num_observations for one in found.values())
            if len(found) > 1 and num_points > max_points:
                raise LimitExceeded("observations in the datasets named", num_points, max_points, "LONGSHOT_MAX_POINTS")
        return found[dataset_id]

    return find


def to_panel(bodies: list[SeriesBody], find_dataset: FindDataset, *, duplicates: Aggregation = "error") -> Panel:
    """The panel that several series make.

    Raises:
        ForecastingError: One of them cannot be used, or two share their item_id.
    """
    axes = AxisReader()
    return Panel(
        tuple(one for body in bodies for one in body.to_series(find_dataset, duplicates=duplicates, axes=axes))
    )


def each_series(
    bodies: list[SeriesBody],
    find_dataset: FindDataset,
    *,
    duplicates: Aggregation = "error",
    horizon: Horizon | None = None,
) -> Iterator[tuple[SeriesBody, Series | ForecastingError]]:
    """Each series with the body it came from, or what is wrong with it."""
    axes = AxisReader()
    for body in bodies:
        try:
            found = body.to_series(find_dataset, duplicates=duplicates, horizon=horizon, axes=axes)
            yield from ((body, one) for one in found)
        except (DataError, DatasetError, ItemNotFound, RequestError) as error:
            yield body, error


def _of_dataset(panel: Panel, dataset_id: str, item_id: str | None) -> tuple[Series, ...]:
    chosen = tuple(one for one in panel if item_id in (None, one.item_id))
    if not chosen:
        raise ItemNotFound(str(item_id), dataset_id)
    return chosen


def _until(series: tuple[Series, ...], cutoff: pd.Timestamp | float) -> tuple[Series, ...]:
    return tuple(one.until(one.instant(cutoff)) for one in series)
