"""Which columns of a table hold the names, the timestamps and the observations, and how large it may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.errors import LimitExceeded
from app.frames.errors import ColumnTaken, ColumnUnnamed
from model import ColumnMissing


@dataclass(frozen=True)
class TableLimits:
    """How large a table may be; None is without a limit.

    Attributes:
        max_bytes: Of its content, once decompressed.
        max_rows: Of any table.
        max_series: In it.
    """

    max_bytes: int | None = None
    max_rows: int | None = None
    max_series: int | None = None

    def check_rows(self, num_rows: int) -> None:
        """Refuses a table with more rows.

        Raises:
            LimitExceeded: It has more.
        """
        if self.max_rows is not None and num_rows > self.max_rows:
            raise LimitExceeded("rows", num_rows, self.max_rows, "LONGSHOT_MAX_POINTS")

    def check_series(self, num_series: int) -> None:
        """Refuses a table with more series.

        Raises:
            LimitExceeded: It has more.
        """
        if self.max_series is not None and num_series > self.max_series:
            raise LimitExceeded("series", num_series, self.max_series, "LONGSHOT_MAX_SERIES")

    def check_bytes(self, num_bytes: int) -> None:
        """Refuses a table with more bytes.

        Raises:
            LimitExceeded: It has more.
        """
        if self.max_bytes is not None and num_bytes > self.max_bytes:
            raise LimitExceeded("or more bytes, decompressed", num_bytes, self.max_bytes, "LONGSHOT_MAX_BODY_BYTES")


NO_LIMITS: Final = TableLimits()


@dataclass(frozen=True)
class CovariateColumns:
    """The columns of covariates; the same column may be named in one of them only.

    Attributes:
        past: Signals known once they have happened.
        future: Signals known in advance; rows without an observation hold what is to come.
        static: Facts, the same in all rows of a series.
    """

    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()

    @property
    def signals(self) -> tuple[str, ...]:
        """The columns of numbers."""
        return (*self.past, *self.future)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.signals, *self.static)


NO_COVARIATE_COLUMNS: Final = CovariateColumns()


@dataclass(frozen=True)
class Columns:
    """The columns of a table in long form.

    Attributes:
        item_id: Names the series; None takes `item_id` if there is such a column, and else the table as one series.
        timestamp: None takes `timestamp`.
        target: None takes `target`.
        covariates: Those that are read beside them.
    """

    item_id: str | None = None
    timestamp: str | None = None
    target: str | None = None
    covariates: CovariateColumns = NO_COVARIATE_COLUMNS

    def choose(self, found: Sequence[str]) -> "ChosenColumns":
        """The columns to be read of those found.

        Raises:
            ColumnMissing: One that was named is not there.
            ColumnUnnamed: One has not the usual name, and was not named.
            ColumnTaken: One was named for two purposes.
        """
        for column in (self.item_id, self.timestamp, self.target, *self.covariates.names):
            if column is not None and column not in found:
                raise ColumnMissing(column, list(found))
        chosen = ChosenColumns(
            self.item_id or ("item_id" if "item_id" in found else None),
            self.timestamp or _usual("timestamp", found),
            self.target or _usual("target", found),
            self.covariates,
        )
        taken = {chosen.timestamp, chosen.target}
        for column in self.covariates.names:
            if column in taken:
                raise ColumnTaken(column)
            taken.add(column)
        return chosen


@dataclass(frozen=True)
class ChosenColumns:
    """The columns that are read: `item_id` is None where the table is one series."""

    item_id: str | None
    timestamp: str
    target: str
    covariates: CovariateColumns = NO_COVARIATE_COLUMNS

    @property
    def numbers(self) -> list[str]:
        """Those that hold numbers."""
        return [self.target, *self.covariates.signals]

    @property
    def names(self) -> list[str]:
        """Each once."""
        return list(dict.fromkeys(one for one in self._roles if one is not None))

    @property
    def _roles(self) -> tuple[str | None, ...]:
        return (self.item_id, self.timestamp, self.target, *self.covariates.names)


def _usual(role: str, found: Sequence[str]) -> str:
    if role not in found:
        raise ColumnUnnamed(role, list(found))
    return role
