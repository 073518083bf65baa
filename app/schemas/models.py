"""Registered models, versions and aliases in JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.schemas.refusals import PreconditionInvalid
from app.stores.track_records import TrackRecord
from app.stores.versions import AliasState, RegisteredModel, Version
from model import Manifest


class AliasRequest(BaseModel):
    """Where an alias is to point."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


@dataclass(frozen=True)
class AliasBody:
    """Where an alias points."""

    name: str
    alias: str
    version: int
    revision: int
    actor: str
    created_at: datetime


@dataclass(frozen=True)
class AliasHistory:
    """Every move of an alias, newest first."""

    data: list[AliasBody]


@dataclass(frozen=True)
class ModelBody:
    """A registered model."""

    name: str
    created_at: datetime
    latest_version: int | None
    aliases: dict[str, int]
    drifted_versions: list[int]


@dataclass(frozen=True)
class ModelList:
    """Every registered model, by name."""

    data: list[ModelBody]


@dataclass(frozen=True)
class CoverageBody:
    """How often a quantile (level from 0 to 1) or an interval (in percent) covered what came."""

    kind: Literal["quantile", "interval"]
    level: float
    nominal: float
    realised: float
    num_scored: int


@dataclass(frozen=True)
class RealisedBody:
    """What a version's forecasts of datasets were worth, once the observations came.

    The relative error is the sum of the absolute errors over that of the absolute observations. `adapted_intervals` has
    the level, in percent, at which an interval is served that is not served at its own.
    """

    since: date
    num_scored: int
    mean_absolute_error: float
    relative_error: float | None
    coverage: list[CoverageBody]
    has_drifted: bool
    adapted_intervals: dict[str, float]


@dataclass(frozen=True)
class OriginBody:
    """What an imported version is a copy of, as its bundle says; null where it does not."""

    name: str | None
    version: int | None
    digest: str


@dataclass(frozen=True)
class VersionBody:
    """A version: its training, its checkpoint, and how it did beside the baselines."""

    name: str
    version: int
    digest: str
    created_at: datetime
    aliases: list[str]
    training_job: str | None
    dataset: str | None
    dataset_digest: str | None
    imported_from: OriginBody | None
    configuration: dict[str, Any]
    manifest: dict[str, Any]
    report: dict[str, Any] | None
    realised: RealisedBody | None


@dataclass(frozen=True)
class ShownVersion(VersionBody):
    """A version, and the addresses of the newest backtests of it."""

    backtests: list[str]


@dataclass(frozen=True)
class VersionList:
    """The versions of a model, newest first."""

    data: list[VersionBody]


def from_alias(state: AliasState) -> AliasBody:
    """An alias as JSON has it."""
    return AliasBody(state.name, state.alias, state.number, state.revision, state.actor, state.created_at)


def from_model(registered: RegisteredModel, drifted_versions: list[int]) -> ModelBody:
    """A registered model as JSON has it, with the numbers of its versions that cover less than they promise."""
    aliases = {one.alias: one.number for one in registered.aliases}
    return ModelBody(registered.name, registered.created_at, registered.latest, aliases, drifted_versions)


def from_version(
    version: Version, record: TrackRecord | None = None, adapted: Mapping[float, float] | None = None
) -> VersionBody:
    """A version as JSON has it, with what its forecasts were worth, if any was compared.

    Args:
        version: It.
        record: What its forecasts were worth.
        adapted: The intervals that are served at other levels than their own.
    """
    origin = version.origin
    return VersionBody(
        name=version.name,
        version=version.number,
        digest=version.digest,
        created_at=version.created_at,
        aliases=list(version.aliases),
        training_job=version.job_id,
        dataset=version.dataset_id,
        dataset_digest=version.dataset_digest,
        imported_from=None if origin is None else OriginBody(origin.name, origin.number, origin.digest),
        configuration=version.config.to_json(),
        manifest=_manifest(version.manifest),
        report=version.report.to_json() if version.report else None,
        realised=_realised(record, adapted or {}) if record else None,
    )


def _manifest(manifest: Manifest) -> dict[str, Any]:
    """The manifest, each of its reasons under the name that users know the choice by, too."""
    return asdict(manifest) | {"reasons": [{"name": one.name} | asdict(one) for one in manifest.reasons]}


def _realised(record: TrackRecord, adapted: Mapping[float, float]) -> RealisedBody:
    return RealisedBody(
        since=record.since,
        num_scored=record.num_scored,
        mean_absolute_error=record.mean_absolute_error,
        relative_error=record.relative_error,
        coverage=[CoverageBody(**asdict(one)) for one in record.coverage],
        has_drifted=record.has_drifted,
        adapted_intervals={f"{level:g}": served for level, served in adapted.items()},
    )


def revision_tag(revision: int) -> str:
    """The ETag of an alias at a revision."""
    return f'"{revision}"'


def expected_revision(if_match: str | None, if_none_match: str | None) -> int | None:
    """The revision that a caller's precondition allows; 0 for "not there yet", None for any.

    Raises:
        PreconditionInvalid: It is no ETag of an alias.
    """
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise PreconditionInvalid(if_none_match)
        return 0
    if if_match is None:
        return None
    digits = if_match.strip().strip('"')
    if not digits.isdecimal() or len(digits) > 9:
        raise PreconditionInvalid(if_match)
    return int(digits)
