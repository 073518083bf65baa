"""Horizons as people write them: a number of steps, a duration, a date, timestamps."""

import re
from datetime import timedelta
from typing import Annotated, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from model import At, Duration, Horizon, RequestError, Steps, Until

_ISO_8601 = re.compile(
    r"P(?=.)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_SHORT = re.compile(r"(?P<count>\d+)\s*(?P<unit>w|d|h|min|s)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,9})?", re.ASCII)
_DAY = re.compile(r"\d{8}", re.ASCII)
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "min": "minutes", "s": "seconds"}


class DurationInvalid(RequestError):
    """A duration that cannot be read."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"{found[:80]!r} is not a duration of fixed length.",
            hint="Write it as P30D, PT12H, 4W, 30D, 12h or 90min; months and years have no fixed length.",
        )
        self.found = found


class DateInvalid(RequestError):
    """A date or timestamp of a horizon that cannot be read."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"{found[:80]!r} is not a point in time.",
            hint="Write it as ISO 8601, for example 2026-11-01 or 2026-11-01T00:00:00Z; as a number where those of the "
            "series are whole numbers.",
        )
        self.found = found


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Moment = Annotated[str, Field(max_length=64)] | Number
"""A timestamp as JSON has it: ISO 8601, or a number where those of the series are whole numbers."""


class HorizonBody(BaseModel):
    """What is asked for; exactly one of the four."""

    model_config = ConfigDict(extra="forbid", strict=True)

    steps: Annotated[int, Field(description="The next points of the series' own grid.")] | None = None
    until: (
        Annotated[Moment, Field(description="Every point of the grid up to and including this timestamp.")] | None
    ) = None
    duration: Annotated[str, Field(description="ISO 8601 duration (P30D) or 30D, 12h, 90min.")] | None = None
    timestamps: Annotated[
        Annotated[list[str], Field(min_length=1)] | Annotated[list[Number], Field(min_length=1)] | None,
        Field(
            union_mode="left_to_right",
            description="These timestamps, in this order; numbers, whole or not, where those of the series are.",
        ),
    ] = None

    @model_validator(mode="after")
    def _one_of_four(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "nothing"
            raise PydanticCustomError(
                "horizon_form", f"A horizon is one of steps, until, duration, timestamps; here it is {found}."
            )
        return self

    def to_horizon(self) -> Horizon:
        """The horizon as the model knows it.

        Raises:
            DurationInvalid, DateInvalid: It cannot be read.
        """
        if self.steps is not None:
            return Steps(self.steps)
        if self.until is not None:
            return Until(parse_moment(self.until))
        if self.duration is not None:
            return Duration(parse_duration(self.duration))
        return At(tuple(parse_moment(one) for one in self.timestamps or ()))

    @property
    def is_whole(self) -> bool:
        """Whether no number is asked for that is not whole."""
        asked = [one for one in self.timestamps or () if _NUMBER.fullmatch(str(one))]
        return all(float(one).is_integer() for one in asked)


def parse_duration(text: str) -> pd.Timedelta:
    """A duration of fixed length: ISO 8601, or a number and a unit.

    pandas would read P1M as one minute and 7 as seven nanoseconds.

    Raises:
        DurationInvalid: It is neither, or too long.
    """
    try:
        if iso := _ISO_8601.fullmatch(text):
            return pd.Timedelta(timedelta(**{unit: int(count) for unit, count in iso.groupdict().items() if count}))
        if short := _SHORT.fullmatch(text.strip()):
            return pd.Timedelta(timedelta(**{_UNITS[short["unit"].lower()]: int(short["count"])}))
    except (ValueError, OverflowError) as error:
        raise DurationInvalid(text) from error
    raise DurationInvalid(text)


def parse_timestamp(text: str) -> pd.Timestamp:
    """A timestamp that begins with its date; pandas would also take `now`, or an hour of today.

    Raises:
        DateInvalid: It is none.
    """
    try:
        if not re.match(r"\d{4}-\d{2}", text) and not re.match(r"\d{8}", text):
            raise DateInvalid(text)
        return pd.Timestamp(text)
    except (ValueError, OverflowError) as error:
        raise DateInvalid(text) from error


def parse_moment(written: str | float) -> pd.Timestamp | float:
    """A timestamp, or a number of a series whose timestamps are whole numbers; a text of eight digits is a date.

    Raises:
        DateInvalid: It is neither.
    """
    if not isinstance(written, str):
        return written
    text = written.strip()
    return float(text) if _NUMBER.fullmatch(text) and not _DAY.fullmatch(text) else parse_timestamp(text)


def parse_horizon(text: str) -> Horizon:
    """A horizon as the command line takes it: 336 is a number of steps, 7D a duration.

    Raises:
        DurationInvalid: It is neither.
    """
    return Steps(int(text)) if re.fullmatch(r"[+-]?\d{1,18}", text.strip()) else Duration(parse_duration(text))
