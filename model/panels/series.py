"""The values that cross the front door: Panel in, Forecast out."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.errors import AxesMixed, ColumnMissing, DuplicateItems, PanelEmpty, SeriesTooShort
from model.panels.columns import Column
from model.panels.counting import COUNTED, MAX_COUNT, to_instants
from model.panels.covariates import NO_COVARIATES, Covariates, RawCovariates
from model.panels.grid import Grid, Instants, local_axis, shared_grid
from model.panels.reading import Aggregation, Reading, read_columns, read_grid

Moment = pd.Timestamp | float | int
"""A point of a time axis: a timestamp, or a number where timestamps are whole numbers."""


@dataclass(frozen=True, eq=False)
class Series:
    """One thing's observations at its own timestamps: sorted, unique, finite; what is missing is absent.

    Attributes:
        item_id: Its name, unique in its panel.
        timestamps: Instants in UTC, or wall-clock times where `time_zone` is None; shape (n,).
        values: The observations; shape (n,).
        freq: The step of its grid as a pandas offset alias; None where a single observation leaves it open.
        time_zone: The zone that the timestamps came in and that forecasts are given back in; `COUNTED` where they are
            whole numbers, and so is `freq`.
        covariates: What is known beside the observations, also after the last one.
    """

    item_id: str
    timestamps: Instants
    values: NDArray[np.float64]
    freq: str | None
    time_zone: str | None = None
    covariates: Covariates = NO_COVARIATES

    @classmethod
    def from_values(
        cls,
        item_id: str,
        timestamps: Column,
        values: Column,
        *,
        freq: str | None = None,
        duplicates: Aggregation = "error",
        covariates: RawCovariates | None = None,
    ) -> "Series":
        """A series from raw timestamps and values: sorted, without the missing ones, duplicates refused or aggregated.

        Args:
            item_id: Its name.
            timestamps: ISO 8601 strings, datetimes, or a pandas datetime column; all with a time zone or all without.
                Or whole numbers, steps of any size apart.
            values: Numbers; None and NaN are missing, which is the same as absent.
            freq: A pandas offset alias, or a whole number such as `1` where timestamps are numbers; read from the
                timestamps if left out.
            duplicates: How to aggregate the observations of one timestamp; `error` refuses them.
            covariates: What is known beside the observations, a value a timestamp.

        Raises:
            CovariateLengthMismatch, CovariateInvalid: A covariate cannot be used.
            LengthMismatch, TimestampInvalid, TimeZonesMixed, ValueInvalid: The input is not a series.
            DuplicateTimestamps: Timestamps repeat and `duplicates` is `error`.
            FrequencyInvalid: `freq` is not an offset alias.
            AxesMixed: Timestamps are numbers, and `freq` is not, or the other way round.
            SeriesTooShort: No observation is left.
        """
        return cls.from_reading(
            read_columns(item_id, timestamps, values, freq=freq, duplicates=duplicates, covariates=covariates)
        )

    @classmethod
    def from_reading(cls, reading: Reading) -> "Series":
        """The series that was read.

        Raises:
            DataError: The first of its faults.
        """
        for fault in reading.faults:
            raise fault.error
        return cls(
            reading.item_id, reading.instants, reading.numbers, reading.freq, reading.time_zone, reading.covariates
        )

    @classmethod
    def from_grid(
        cls,
        item_id: str,
        start: Any,
        freq: str,
        values: Sequence[Any] | NDArray[Any],
        *,
        covariates: RawCovariates | None = None,
    ) -> "Series":
        """A series whose values stand one step apart from `start` on; missing ones are None or NaN.

        Raises:
            FrequencyInvalid, TimestampInvalid, ValueInvalid: The input is not a series.
            SeriesTooShort: No observation is left.
        """
        return cls.from_reading(read_grid(item_id, start, freq, values, covariates=covariates))

    def __len__(self) -> int:
        return len(self.values)

    def to_reading(self) -> Reading:
        """The series as if it had just been read, without a fault."""
        return Reading(
            self.item_id, len(self), 0, self.timestamps, self.timestamps, self.values, self.freq, self.time_zone,
            (), (), self.covariates,
        )  # fmt: skip

    @property
    def last(self) -> np.datetime64:
        """The instant of the last observation."""
        return np.datetime64(self.timestamps[-1])

    def grid(self, freq: str) -> Grid:
        """The grid of a frequency whose position 0 is the last observation."""
        return shared_grid(self.last, freq, self.time_zone)

    @property
    def is_counted(self) -> bool:
        """Whether its timestamps are whole numbers."""
        return self.time_zone == COUNTED

    @property
    def clock(self) -> str | None:
        """How an instant is written in an error: as a date in UTC, or as a whole number."""
        return COUNTED if self.is_counted else None

    def local_timestamps(self) -> "pd.Index[Any]":
        """The timestamps in the zone they came in, or the numbers that they are."""
        return local_axis(self.timestamps, self.time_zone)

    def instant(self, timestamp: Moment) -> np.datetime64:
        """The instant that a timestamp means here: one without a zone is read on the clocks of the series.

        Of an hour that the clocks show twice the first is meant, for one that they skip the next that there is.

        Raises:
            AxesMixed: It is a number and those of the series are dates, or the other way round.
        """
        if not isinstance(timestamp, pd.Timestamp):
            return self._counted_instant(timestamp)
        if self.is_counted:
            raise self._other_kind(f"the date {timestamp}")
        if self.time_zone is not None and timestamp.tz is None:
            timestamp = timestamp.tz_localize(self.time_zone, ambiguous=True, nonexistent="shift_forward")
        naive = timestamp if timestamp.tz is None else timestamp.tz_convert("UTC").tz_localize(None)
        return np.datetime64(naive.as_unit("us").to_datetime64())

    def _counted_instant(self, number: float | int) -> np.datetime64:
        if not self.is_counted or not abs(number) <= MAX_COUNT:
            raise self._other_kind(f"the number {number:g}")
        return np.datetime64(to_instants(np.array([number], dtype=np.float64))[0])

    def _other_kind(self, found: str) -> AxesMixed:
        own = f"whole numbers at most {MAX_COUNT} from 0" if self.is_counted else "dates"
        return AxesMixed(
            f"Series {self.item_id!r} was asked about {found}", f"its timestamps are {own}", item_id=self.item_id
        )

    def until(self, cutoff: np.datetime64) -> "Series":
        """The observations up to and including an instant; covariates stay, since some are known in advance.

        Raises:
            SeriesTooShort: None is left.
        """
        return self._part(slice(None, int(np.searchsorted(self.timestamps, cutoff, side="right"))))

    def after(self, cutoff: np.datetime64) -> "Series":
        """The observations after an instant.

        Raises:
            SeriesTooShort: None is left.
        """
        return self._part(slice(int(np.searchsorted(self.timestamps, cutoff, side="right")), None))

    def _part(self, part: slice) -> "Series":
        if len(self.values[part]) == 0:
            raise SeriesTooShort(self.item_id, 0, 1, "the part asked for")
        return replace(self, timestamps=self.timestamps[part], values=self.values[part])


@dataclass(frozen=True, eq=False)
class Panel:
    """Several series together, each with its own item_id.

    Raises:
        PanelEmpty: There is no series.
        DuplicateItems: Two series share their item_id.
        AxesMixed: Some have whole numbers for timestamps, and others dates.
    """

    series: tuple[Series, ...]

    def __post_init__(self) -> None:
        if not self.series:
            raise PanelEmpty
        seen: set[str] = set()
        for series in self.series:
            if series.item_id in seen:
                raise DuplicateItems(series.item_id)
            seen.add(series.item_id)
        first = self.series[0]
        for series in self.series:
            if series.is_counted != first.is_counted:
                counted, dated = (series, first) if series.is_counted else (first, series)
                found = f"Series {counted.item_id!r} has timestamps that are whole numbers"
                raise AxesMixed(found, f"those of series {dated.item_id!r} are dates", item_id=counted.item_id)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        item_id: str | None = "item_id",
        timestamp: str = "timestamp",
        target: str = "target",
        freq: str | None = None,
        duplicates: Aggregation = "error",
        past_covariates: Sequence[str] = (),
        future_covariates: Sequence[str] = (),
        static_covariates: Sequence[str] = (),
    ) -> "Panel":
        """A panel from a table in long form, one observation a row.

        Args:
            frame: The table.
            item_id: The column that names the series; None if the table holds a single one, to be named "series".
            timestamp: The column of timestamps.
            target: The column of observations.
            freq: A pandas offset alias for every series; read from each one's timestamps if left out.
            duplicates: How to aggregate the observations of one timestamp; `error` refuses them.
            past_covariates: The columns of signals that are known once they have happened.
            future_covariates: Those of signals known in advance; rows without an observation hold what is to come.
            static_covariates: Those of facts, the same in all rows of a series.

        Raises:
            ColumnMissing: A column named is not in the table.
            DataError: A series in it cannot be used; see `Series.from_values`.
        """
        beside = (past_covariates, future_covariates, static_covariates)
        for column in (item_id, timestamp, target, *(name for names in beside for name in names)):
            if column is not None and column not in frame.columns:
                raise ColumnMissing(column, [str(name) for name in frame.columns])
        groups: Sequence[tuple[Any, pd.DataFrame]] = (
            [("series", frame)] if item_id is None else list(frame.groupby(item_id, sort=False, observed=True))
        )
        return cls(
            tuple(
                Series.from_values(
                    str(name),
                    rows[timestamp],
                    rows[target],
                    freq=freq,
                    duplicates=duplicates,
                    covariates=RawCovariates(*({one: rows[one] for one in names} for names in beside)),
                )
                for name, rows in groups
            )
        )

    def to_frame(self) -> pd.DataFrame:
        """The panel in long form: columns item_id, timestamp (UTC, naive, or whole numbers), target."""
        return pd.concat(
            [
                pd.DataFrame({"item_id": one.item_id, "timestamp": one.local_timestamps(), "target": one.values})
                for one in self.series
            ],
            ignore_index=True,
        )

    def __len__(self) -> int:
        return len(self.series)

    def __iter__(self) -> Iterator[Series]:
        return iter(self.series)

    @property
    def num_observations(self) -> int:
        """The observations of all series together."""
        return sum(len(one) for one in self.series)

    def digest(self) -> str:
        """SHA-256 over all that the series hold: equal panels, in whatever order, share it."""
        content = hashlib.sha256()
        for one in sorted(self.series, key=lambda series: series.item_id):
            head = f"{one.item_id}\0{one.time_zone}\0{one.freq}\0{len(one)}\0"
            content.update(head.encode())
            content.update(one.timestamps.astype("<i8").tobytes())
            content.update(one.values.astype("<f8").tobytes())
            if one.covariates:
                for part in one.covariates.content():
                    content.update(part)
        return content.hexdigest()


@dataclass(frozen=True)
class Notice:
    """Something about a forecast that its reader should know: a stable code and a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, eq=False)
class ItemForecast:
    """What is expected of one series.

    Attributes:
        item_id: The series.
        timestamps: The instants asked, in the order asked; UTC, or wall clock where `time_zone` is None; shape (n,).
        mean: The expected value; shape (n,).
        quantiles: For each quantile level, ascending, the value there; each of shape (n,); they never cross.
        time_zone: The zone of the series; `COUNTED` where its timestamps are whole numbers.
        notices: What the reader should know.
        samples: Paths it may take, a row each; none where none were asked for; shape (samples, n).
        rate: How fast the mean changes, per step of the series, where that was asked for; shape (n,).
    """

    item_id: str
    timestamps: Instants
    mean: NDArray[np.float64]
    quantiles: Mapping[float, NDArray[np.float64]]
    time_zone: str | None
    notices: tuple[Notice, ...] = ()
    samples: NDArray[np.float64] | None = None
    rate: NDArray[np.float64] | None = None

    def means(self) -> dict[str, NDArray[np.float64]]:
        """The mean, and its rate of change where that was asked for, as columns `mean` and `rate`."""
        return {"mean": self.mean} | ({} if self.rate is None else {"rate": self.rate})

    def named_samples(self) -> dict[str, NDArray[np.float64]]:
        """The paths as columns `sample_1`, `sample_2` and so on."""
        paths = () if self.samples is None else self.samples
        return {f"sample_{number}": path for number, path in enumerate(paths, 1)}

    def local_timestamps(self) -> "pd.Index[Any]":
        """The timestamps in the zone of the series, or the numbers that they are."""
        return local_axis(self.timestamps, self.time_zone)


@dataclass(frozen=True)
class Forecast:
    """The forecasts of a panel, in its order, and what they cost.

    Attributes:
        items: One forecast a series.
        function_evaluations: How often the vector field was evaluated for them.
    """

    items: tuple[ItemForecast, ...]
    function_evaluations: int

    def to_frame(self) -> pd.DataFrame:
        """The forecasts in long form.

        Its columns are item_id, timestamp, mean, rate where it was asked for, and one for each quantile level and path.
        """
        return pd.concat(
            [
                pd.DataFrame({"item_id": one.item_id, "timestamp": one.local_timestamps(), **one.means()}).assign(
                    **{f"{level:g}": values for level, values in one.quantiles.items()},
                    **one.named_samples(),
                )
                for one in self.items
            ],
            ignore_index=True,
        )
