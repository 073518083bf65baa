"""Anomalies asked for, and answered, in JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.anomalies import Suspicion, Verdict
from app.forecasting import Refusal
from app.schemas.answers import CalibrationBody, FailedBody, VersionUsed, Warned, explain
from app.schemas.horizon import Moment, parse_moment
from app.schemas.panels import FindDataset, SeriesBody, Text, each_series
from app.time_axes import Axis, format_timestamps
from model import Aggregation, ItemAnomalies, Search, Series


class AnomalyRequest(BaseModel):
    """Which observations of which series a version is to judge."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "model": "grid-load",
                    "series": [{"dataset": "ds_56e4d8c934b5c3d95e304fc8"}],
                    "last": 96,
                    "level": 99,
                    "on_error": "partial",
                }
            ]
        },
    )

    model: Annotated[Text, Field(description="`name`, `name@alias` or `name/3`.")]
    series: Annotated[list[SeriesBody], Field(min_length=1)]
    last: Annotated[
        int | None,
        Field(ge=1, description="How many of each series' last observations; the trained horizon if left out."),
    ] = None
    since: Annotated[Moment | None, Field(description="The first timestamp to judge, instead of last.")] = None
    level: Annotated[float, Field(gt=0, lt=100, description="Of the interval, in percent.")] = 99.0
    lead: Annotated[
        int, Field(ge=1, description="Steps that one forecast is used for: 1 forecasts each observation anew.")
    ] = 1
    duplicates: Annotated[Aggregation, Field(description="What to do with repeated timestamps.")] = "error"
    on_error: Annotated[
        Literal["fail", "partial"], Field(description="Whether one bad series fails the request, or alone.")
    ] = "fail"

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if self.last is not None and self.since is not None:
            raise PydanticCustomError("search_start", "A search takes either last or since.")
        return self

    def to_suspicion(self, find_dataset: FindDataset) -> Suspicion:
        """The request as the use case knows it.

        Raises:
            ForecastingError: It cannot be answered; with `on_error: partial` not for the sake of one series.
        """
        since = None if self.since is None else parse_moment(self.since)
        search = Search(self.level, self.last, since, self.lead)
        return Suspicion(self.model, tuple(self._items(find_dataset)), search, is_partial=self.on_error == "partial")

    def _items(self, find_dataset: FindDataset) -> Iterator[Series | Refusal]:
        for body, one in each_series(self.series, find_dataset, duplicates=self.duplicates):
            if isinstance(one, Series):
                yield one
            elif self.on_error == "partial":
                yield Refusal(body.item_id, one)
            else:
                raise one


@dataclass(frozen=True)
class JudgedBody:
    """The observations of one series that were judged, each with what was expected of it.

    The score is the distance from what was expected, in units of the interval's half on that side: above 1 is outside.
    """

    item_id: str
    status: Literal["ok"]
    timestamps: Axis
    value: list[float]
    expected: list[float]
    lower: list[float]
    upper: list[float]
    score: list[float]
    is_anomaly: list[bool]
    num_anomalies: int
    num_expected_by_chance: float
    warnings: list[Warned]


@dataclass(frozen=True)
class AnomalyUsage:
    """What the answer took."""

    points_in: int
    points_out: int


@dataclass(frozen=True)
class AnomalyTimings:
    """Where the time went, in milliseconds."""

    load: float
    judge: float


@dataclass(frozen=True)
class AnomalyResponse:
    """What was judged of all series, in the order they were sent."""

    id: str
    model: VersionUsed
    level: float
    lead: int
    share_expected_by_chance: float
    anomalies: list[JudgedBody | FailedBody]
    calibration: CalibrationBody
    usage: AnomalyUsage
    timings_ms: AnomalyTimings


def from_verdict(verdict: Verdict, search: Search, *, answer_id: str) -> AnomalyResponse:
    """The answer as JSON has it.

    Args:
        verdict: The answer.
        search: What was searched.
        answer_id: Its id.
    """
    version, summary = verdict.version, verdict.calibration
    share = round(1 - search.level / 100, 10)
    return AnomalyResponse(
        id=answer_id,
        model=VersionUsed(version.name, version.number, version.digest, verdict.alias),
        level=search.level,
        lead=search.lead,
        share_expected_by_chance=share,
        anomalies=[
            FailedBody(one.item_id, "failed", explain(one.error)) if isinstance(one, Refusal) else _judged(one, share)
            for one in verdict.items
        ],
        calibration=CalibrationBody(summary.method, summary.num_scores, summary.nominal, summary.realised_coverage),
        usage=AnomalyUsage(verdict.points_in, verdict.points_out),
        timings_ms=AnomalyTimings(round(verdict.load_seconds * 1000, 2), round(verdict.judge_seconds * 1000, 2)),
    )


def _judged(found: ItemAnomalies, share: float) -> JudgedBody:
    return JudgedBody(
        item_id=found.item_id,
        status="ok",
        timestamps=format_timestamps(found),
        value=found.values.tolist(),
        expected=found.expected.tolist(),
        lower=found.lower.tolist(),
        upper=found.upper.tolist(),
        score=found.scores.tolist(),
        is_anomaly=found.is_anomaly.tolist(),
        num_anomalies=int(found.is_anomaly.sum()),
        num_expected_by_chance=round(share * len(found.values), 6),
        warnings=[Warned(notice.code, notice.detail) for notice in found.notices],
    )
