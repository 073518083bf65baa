"""What a registry holds: versions, the names they are kept under, and where aliases point."""

from dataclasses import dataclass
from datetime import datetime

from model import BacktestReport, Manifest, TrainingConfig


@dataclass(frozen=True)
class Origin:
    """What an imported version is a copy of, as its bundle says.

    Attributes:
        name: The model it belonged to; None where the bundle does not say.
        number: Its number there.
        digest: Of its checkpoint, which is that of the copy.
    """

    name: str | None
    number: int | None
    digest: str


@dataclass(frozen=True, eq=False)
class Version:
    """A registered checkpoint; it never changes, only `aliases` tells what points at it now.

    Attributes:
        name: The model it belongs to.
        number: 1, 2, … in order of registration.
        digest: Of its checkpoint.
        created_at: When it was registered.
        job_id: The job that made it, if one did.
        dataset_id: The dataset it was trained on, if it is one.
        dataset_digest: Of the dataset's revision that it was trained on.
        config: Of its training.
        manifest: Where its checkpoint comes from.
        report: Its backtest beside the baselines; None where the series were too short to hold something back.
        origin: What it is a copy of; None where it was trained here.
        aliases: The aliases that point at it, sorted.
    """

    name: str
    number: int
    digest: str
    created_at: datetime
    job_id: str | None
    dataset_id: str | None
    dataset_digest: str | None
    config: TrainingConfig
    manifest: Manifest
    report: BacktestReport | None
    origin: Origin | None
    aliases: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


@dataclass(frozen=True)
class RegisteredModel:
    """A name with at least one version.

    Attributes:
        name: Its name.
        created_at: When its first version was registered.
        latest: The number of its newest version; None once all are deleted.
        aliases: Where each alias points, sorted by alias.
    """

    name: str
    created_at: datetime
    latest: int | None
    aliases: tuple["AliasState", ...]


@dataclass(frozen=True)
class AliasState:
    """Where an alias points since its last move, which is also one entry of its history.

    Attributes:
        name: The model.
        alias: The alias.
        number: The version it points at.
        revision: 1 for the first move, one more each; what `point_alias` can expect.
        actor: Who moved it.
        created_at: When.
    """

    name: str
    alias: str
    number: int
    revision: int
    actor: str
    created_at: datetime
