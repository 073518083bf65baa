"""A forecast asked for by a program, and answered as a table of the kind it came as."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from app.client.errors import AnswerUnreadable

if TYPE_CHECKING:
    import httpx
    import pyarrow as pa
    from matplotlib.figure import Figure

    from app.client.tables import Sent

Moment = str | date | float
"""A timestamp: ISO 8601, or a date, a datetime, a pandas Timestamp; a number where those of the series are."""

Horizon = int | str | timedelta | date | Sequence[Moment]
"""How far: a number of steps, a duration (`"7D"`, a timedelta), the last date, or the very timestamps, in a list."""


def write_horizon(horizon: Horizon) -> dict[str, Any]:
    """A horizon as JSON has it."""
    if isinstance(horizon, timedelta):
        return {"duration": f"PT{round(horizon.total_seconds())}S"}
    if isinstance(horizon, date):
        return {"until": horizon.isoformat()}
    if isinstance(horizon, str):
        return {"until" if horizon[:4].isdecimal() and "-" in horizon else "duration": horizon}
    try:
        return {"steps": int(horizon)}  # type: ignore[arg-type]
    except TypeError:
        return {"timestamps": [write_moment(one) for one in horizon]}  # type: ignore[union-attr]


def write_moment(moment: Moment) -> str | float:
    """A timestamp as JSON has it."""
    if isinstance(moment, date):
        return moment.isoformat()
    return moment if isinstance(moment, str) else float(moment)


@dataclass(frozen=True)
class Question:
    """What is asked of the series of a table.

    Attributes:
        model: Which version.
        horizon: As JSON has it.
        quantile_levels: Between 0 and 1.
        interval_levels: In percent.
        options: Whatever else, as the service calls it.
    """

    model: str
    horizon: Mapping[str, Any]
    quantile_levels: tuple[float, ...]
    interval_levels: tuple[float, ...]
    options: Mapping[str, str | int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        model: str,
        horizon: Horizon,
        quantile_levels: Sequence[float],
        interval_levels: Sequence[float],
        options: Mapping[str, str | int | None],
    ) -> "Question":
        """A question as callers put it; an option that is None is left to the service."""
        given = {name: one for name, one in options.items() if one is not None}
        return cls(model, write_horizon(horizon), tuple(quantile_levels), tuple(interval_levels), given)

    @property
    def num_values(self) -> int:
        """Numbers that are forecast of each series, as far as can be said before it is."""
        steps = self.horizon.get("steps") or len(self.horizon.get("timestamps", ()))
        ask_rates = bool(self.options.get("rates"))
        num_paths = int(self.options.get("num_samples", 0))
        return int(steps) * (1 + ask_rates + len(self.quantile_levels) + 2 * len(self.interval_levels) + num_paths)

    def to_json(self, series: Sequence[Mapping[str, Any]]) -> bytes:
        """The request in JSON."""
        options = dict(self.options)
        freq = options.pop("freq", None)
        if freq is not None:
            series = [{**one, "freq": freq} for one in series]
        return orjson.dumps(
            {
                "model": self.model,
                "series": series,
                "horizon": self.horizon,
                "quantile_levels": self.quantile_levels,
                "interval_levels": self.interval_levels,
                **options,
            }
        )

    def to_query(self) -> dict[str, Any]:
        """The request beside a table."""
        (form, horizon) = next(iter(self.horizon.items()))
        return {
            "model": self.model,
            form if form in ("until", "timestamps") else "horizon": horizon,
            "quantile_levels": ",".join(map(repr, self.quantile_levels)) or None,
            "interval_levels": ",".join(map(repr, self.interval_levels)) or None,
            **self.options,
        }


@dataclass(frozen=True)
class Failure:
    """Why a series has no forecast, where the others were to have theirs."""

    item_id: str | None
    code: str
    detail: str


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is expected of each series.

    Attributes:
        table: In Arrow, in long form: the names and timestamps under the caller's own column names, `mean`, `rate` if
            it was asked for, a column for each quantile level (`0.1`), two for each interval (`lower_80`,
            `upper_80`), one for each path (`sample_1`).
        model: The version that answered, as `name/3`.
        quantile_levels: Those asked for.
        interval_levels: Those asked for, in percent.
        warnings: What a reader should know, by series: codes such as `past_calibrated_lead`.
        failures: The series that failed alone, with `on_error="partial"`.
        notes: What the client guessed.
        sent: The history that was sent; None where it was a dataset.
    """

    table: "pa.Table"
    model: str
    quantile_levels: tuple[float, ...]
    interval_levels: tuple[float, ...]
    warnings: Mapping[str, tuple[str, ...]]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    sent: "Sent | None"

    @cached_property
    def frame(self) -> Any:
        """The forecast as a table of the kind that was sent; a pandas DataFrame where a dataset was named."""
        from app.client.kinds import to_kind  # noqa: PLC0415 - loads pyarrow

        return to_kind(self.table, self.sent.kind if self.sent else "pandas")

    def plot(self, *, items: Sequence[Any] | None = None, max_items: int = 4) -> "Figure":
        """History, mean and the widest interval of some series, drawn with matplotlib.

        Args:
            items: Which series; the first ones if left out.
            max_items: How many then.

        Raises:
            PlottingUnavailable: matplotlib is not installed.
        """
        from app.client.plots import plot_forecast  # noqa: PLC0415 - loads matplotlib

        return plot_forecast(self.table, self.sent, self._widest(), items=items, max_items=max_items)

    def _widest(self) -> tuple[str, str, str] | None:
        """The columns of its widest interval, and what that is called."""
        if self.interval_levels:
            percent = max(self.interval_levels)
            return f"lower_{percent:g}", f"upper_{percent:g}", f"{percent:g} % interval"
        if len(set(self.quantile_levels)) < 2:
            return None
        low, high = min(self.quantile_levels), max(self.quantile_levels)
        return f"{low:g}", f"{high:g}", f"quantiles {low:g} to {high:g}"

    def __repr__(self) -> str:
        told = [f"{self.table.num_rows} rows of {self.model}"]
        told += [f"{len(self.failures)} series failed"] if self.failures else []
        told += [f"warnings for {len(self.warnings)} series"] if self.warnings else []
        return " ".join([f"<Forecast: {', '.join(told)}>", *self.notes])


def read_forecast(response: "httpx.Response", question: Question, sent: "Sent | None") -> Forecast:
    """The forecast that an answer holds.

    Raises:
        AnswerUnreadable: It holds none.
    """
    try:
        table, model, warnings, failures = _read_arrow(response.content, question)
        return Forecast(
            sent.like(table) if sent else table,
            f"{model['name']}/{model['version']}",
            question.quantile_levels,
            question.interval_levels,
            warnings,
            failures,
            sent.columns.notes if sent else (),
            sent,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise AnswerUnreadable(f"{response.request.url} answered with something else than a forecast.") from error


def join_forecasts(parts: Sequence[Forecast], sent: "Sent | None") -> Forecast:
    """The forecast of a whole table, whose parts were asked for one by one."""
    if len(parts) == 1:
        return parts[0]
    from app.client.tables import concatenated  # noqa: PLC0415

    return replace(
        parts[0],
        table=concatenated([one.table for one in parts]),
        warnings={name: codes for one in parts for name, codes in one.warnings.items()},
        failures=tuple(failure for one in parts for failure in one.failures),
        sent=sent,
    )


_Read = tuple["pa.Table", Mapping[str, Any], Mapping[str, tuple[str, ...]], tuple[Failure, ...]]


def _read_arrow(content: bytes, question: Question) -> _Read:
    import pyarrow.compute as pc  # noqa: PLC0415

    from app.client.tables import from_arrow  # noqa: PLC0415

    whole = from_arrow(content)
    failures: tuple[Failure, ...] = ()
    told = whole
    if "problem" in whole.column_names:
        failed = whole.filter(pc.is_valid(whole["problem"])).select(["item_id", "problem", "problem_detail"])
        failures = tuple(Failure(one["item_id"], one["problem"], one["problem_detail"]) for one in failed.to_pylist())
        told = whole.filter(pc.is_null(whole["problem"]))
    noted = told.filter(pc.is_valid(told["warnings"])).select(["item_id", "warnings"])
    codes = noted.group_by(["item_id", "warnings"]).aggregate([]).to_pylist() if noted.num_rows else []
    columns = {name: told[name] for name in ("item_id", "timestamp", "mean")}
    columns |= {name: told[name] for name in told.column_names if name == "rate"}
    columns |= {name: told[f"{level:g}"] for name, level in _levels(question)}
    columns |= {name: told[name] for name in told.column_names if name.startswith("sample_")}
    about = orjson.loads(whole.schema.metadata[b"longshot"])
    return _table(columns), about["model"], {one["item_id"]: tuple(one["warnings"].split()) for one in codes}, failures


def _levels(question: Question) -> Iterator[tuple[str, float]]:
    """The columns of a forecast, and the quantile level of each."""
    for level in sorted(set(question.quantile_levels)):
        yield f"{level:g}", level
    for percent in sorted(set(question.interval_levels)):
        tail = round((100 - percent) / 200, 10)
        yield f"lower_{percent:g}", tail
        yield f"upper_{percent:g}", round(1 - tail, 10)


def _table(columns: Mapping[str, Any]) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415

    return pa.table(dict(columns))
