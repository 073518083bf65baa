"""Datasets sent and answered in JSON."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.database import Page
from app.datasets import Dataset
from app.schemas.panels import SeriesBody
from model import Aggregation


class DatasetRequest(BaseModel):
    """A panel to keep for training."""

    model_config = ConfigDict(extra="forbid", strict=True)

    series: Annotated[list[SeriesBody], Field(min_length=1)]
    duplicates: Annotated[Aggregation, Field(description="What to do with repeated timestamps.")] = "error"


@dataclass(frozen=True)
class DatasetBody:
    """A stored panel."""

    id: str
    digest: str
    num_series: int
    num_observations: int
    created_at: datetime


@dataclass(frozen=True)
class DatasetPage:
    """Datasets, newest first."""

    data: list[DatasetBody]
    next_cursor: str | None


def from_dataset(dataset: Dataset) -> DatasetBody:
    """A dataset as JSON has it."""
    return DatasetBody(dataset.id, dataset.digest, dataset.num_series, dataset.num_observations, dataset.created_at)


def from_datasets(page: Page[Dataset]) -> DatasetPage:
    """A part of the list as JSON has it."""
    return DatasetPage([from_dataset(one) for one in page.items], page.next_cursor)
