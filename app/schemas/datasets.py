"""Datasets sent and answered in JSON."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.schemas.audits import AuditBody
from app.schemas.panels import SeriesBody
from app.schemas.refusals import PreconditionInvalid
from app.stores.database import Page
from app.stores.datasets import Appended, Dataset, Revision
from model import Aggregation


class DatasetRequest(BaseModel):
    """A panel to keep for training."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"series": [{"item_id": "a", "start": "2026-11-01T00:00:00Z", "freq": "h", "target": [1.2, None, 3.4]}]}
            ]
        },
    )

    series: Annotated[list[SeriesBody], Field(min_length=1)]
    duplicates: Annotated[Aggregation, Field(description="What to do with repeated timestamps.")] = "error"


class ObservationsRequest(DatasetRequest):
    """Observations to append to the series of a dataset, or to begin new ones with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "series": [
                        {
                            "item_id": "a",
                            "timestamps": ["2026-11-01T03:00:00Z", "2026-11-01T04:00:00Z"],
                            "target": [5.6, 7.8],
                        }
                    ]
                }
            ]
        }
    )


@dataclass(frozen=True)
class DatasetBody:
    """A stored panel as it is now; its digest is its ETag."""

    id: str
    revision: int
    digest: str
    num_series: int
    num_observations: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class UploadBody(DatasetBody):
    """A stored panel, and what was found in it."""

    audit: AuditBody


@dataclass(frozen=True)
class AppendBody(DatasetBody):
    """A dataset after an append, and how many of the observations were new and how many known."""

    num_added: int
    num_known: int


@dataclass(frozen=True)
class RevisionBody:
    """What a dataset held after so many appends, and whether its content is still kept."""

    revision: int
    digest: str
    num_series: int
    num_observations: int
    is_stored: bool
    created_at: datetime


@dataclass(frozen=True)
class RevisionPage:
    """The revisions of a dataset, newest first."""

    data: list[RevisionBody]
    next_cursor: str | None


@dataclass(frozen=True)
class DatasetPage:
    """Datasets, newest first."""

    data: list[DatasetBody]
    next_cursor: str | None


def from_dataset(dataset: Dataset) -> DatasetBody:
    """A dataset as JSON has it."""
    return DatasetBody(**asdict(dataset))


def from_upload(dataset: Dataset, audit: AuditBody) -> UploadBody:
    """A dataset that was uploaded, as JSON has it."""
    return UploadBody(**asdict(dataset), audit=audit)


def from_append(appended: Appended) -> AppendBody:
    """A dataset that was appended to, as JSON has it."""
    return AppendBody(**asdict(appended.dataset), num_added=appended.num_added, num_known=appended.num_known)


def from_revisions(page: Page[Revision]) -> RevisionPage:
    """A part of the revisions as JSON has it."""
    data = [
        RevisionBody(one.number, one.digest, one.num_series, one.num_observations, one.is_stored, one.created_at)
        for one in page.items
    ]
    return RevisionPage(data, page.next_cursor)


def expected_digest(if_match: str | None) -> str | None:
    """The digest that a conditional append names; None if it does not.

    Raises:
        PreconditionInvalid: The header is no ETag of a dataset.
    """
    if if_match in (None, "*"):
        return None
    found = str(if_match)
    if not re.fullmatch(r'"[0-9a-f]{64}"', found):
        raise PreconditionInvalid(found)
    return found.strip('"')


def from_datasets(page: Page[Dataset]) -> DatasetPage:
    """A part of the list as JSON has it."""
    return DatasetPage([from_dataset(one) for one in page.items], page.next_cursor)
