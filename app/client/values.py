"""What the service tells of itself and of what it keeps, as values; what a newer one adds is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from app.client.errors import AnswerUnreadable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Read:
    """A value that is read from JSON."""

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Self:
        """The value of a JSON object.

        Raises:
            AnswerUnreadable: It lacks something.
        """
        try:
            return cls(**{one.name: found[one.name] for one in fields(cls) if one.name in found})
        except TypeError as error:
            raise AnswerUnreadable(f"This is no {cls.__name__} of Longshot: {error}.") from error


@dataclass(frozen=True)
class Dataset(_Read):
    """A panel that the service keeps.

    Attributes:
        id: What requests name it by.
        num_series: How many series.
        num_observations: Of all of them.
        revision: How often it has grown, and 1.
        audit: What was found in it, when it was uploaded.
        num_added: How many observations an append has added.
        num_known: How many of those sent were known already.
    """

    id: str
    num_series: int
    num_observations: int
    revision: int = 1
    audit: Mapping[str, Any] = field(repr=False, default_factory=dict)
    num_added: int | None = None
    num_known: int | None = None


@dataclass(frozen=True)
class Model(_Read):
    """A registered model.

    Attributes:
        name: Its name.
        latest_version: The newest of its versions.
        aliases: Which version each alias points at.
    """

    name: str
    latest_version: int | None
    aliases: Mapping[str, int]


@dataclass(frozen=True)
class Version(_Read):
    """A version of a registered model; it never changes.

    Attributes:
        name: Of the model.
        version: Its number, from 1.
        digest: Of its files.
        created_at: When it was registered.
        aliases: Those that point at it.
        dataset: What it was trained on, if that was a dataset.
        configuration: The choices it was trained with.
        report: How it did on what was held back, beside the baselines.
        realised: How its forecasts did once the observations came.
    """

    name: str
    version: int
    digest: str
    created_at: str
    aliases: list[str]
    dataset: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict, repr=False)
    report: Mapping[str, Any] | None = field(default=None, repr=False)
    realised: Mapping[str, Any] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class Alias(_Read):
    """Where an alias points.

    Attributes:
        name: Of the model.
        alias: Of the alias, such as `production`.
        version: That it points at.
        revision: How often it has moved.
    """

    name: str
    alias: str
    version: int
    revision: int


@dataclass(frozen=True)
class Health:
    """Whether the service does its work.

    Attributes:
        is_ready: Whether it does.
        detail: The version that answers; or what is missing.
    """

    is_ready: bool
    detail: str


@dataclass(frozen=True)
class Audit(_Read):
    """What is wrong or noteworthy with a table.

    Attributes:
        is_accepted: Whether the service would take it.
        num_items: How many series.
        num_observations: Of all of them.
        findings: About the table as a whole.
        tallies: How often each kind of finding was made.
        items: The series with the worst findings, in full.
    """

    is_accepted: bool
    num_items: int
    num_observations: int
    findings: list[dict[str, Any]] = field(repr=False)
    tallies: list[dict[str, Any]]
    items: list[dict[str, Any]] = field(repr=False)

    @property
    def frame(self) -> "pd.DataFrame":
        """Every finding, one a row: item_id, code, severity, detail, fix, count."""
        import pandas as pd  # noqa: PLC0415 - a second, for those who have a table anyway

        found = [
            *self.findings,
            *(each | {"item_id": one["item_id"]} for one in self.items for each in one["findings"]),
        ]
        return pd.DataFrame(found, columns=["item_id", "code", "severity", "detail", "fix", "count"])


@dataclass(frozen=True)
class JobState(_Read):
    """A training or a backtest as it stood when it was looked at.

    Attributes:
        id: Of the job.
        state: `queued`, `running`, `succeeded`, `failed` or `cancelled`.
        model: The name of the model.
        progress: From 0 to 1.
        eta_seconds: How long it may still take, if that can be said.
        version: That a training made, or that a backtest examines.
        error: Why it failed: code, detail, hint.
        epoch: Of a training: epochs done.
        num_epochs: Of a training: epochs at most.
        losses: Of a training: the losses of each epoch.
        decision: Of a training: what became of the alias, and why.
        report: Of a backtest: its scores.
        notices: What its user should know about the data.
    """

    id: str
    state: str
    model: str
    progress: float
    eta_seconds: float | None
    version: int | None
    error: Mapping[str, Any] | None = None
    epoch: int = 0
    num_epochs: int | None = None
    losses: list[dict[str, Any]] = field(default_factory=list, repr=False)
    decision: str | None = None
    report: Mapping[str, Any] | None = field(default=None, repr=False)
    notices: list[dict[str, Any]] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it, unless it is resumed."""
        return self.state in ("succeeded", "failed", "cancelled")
