"""The panels that jobs train on, kept by content digest."""

from dataclasses import dataclass
from datetime import datetime

from app.artifacts import ArtifactStore
from app.database import Database, Page
from model import Panel


@dataclass(frozen=True)
class Dataset:
    """A stored panel.

    Attributes:
        id: `ds_…`, made from the digest.
        digest: `Panel.digest()` of its panel.
        num_series: Its series.
        num_observations: The observations of all of them.
        created_at: When it was first added.
    """

    id: str
    digest: str
    num_series: int
    num_observations: int
    created_at: datetime


class Datasets:
    """The stored panels."""

    def __init__(self, database: Database, artifacts: ArtifactStore) -> None:
        self._database = database
        self._artifacts = artifacts

    def add(self, panel: Panel) -> Dataset:
        """Stores a panel; one that is stored already, in whatever order, is the same dataset."""
        raise NotImplementedError

    def get(self, dataset_id: str) -> Dataset:
        """The dataset of an id.

        Raises:
            DatasetNotFound
        """
        raise NotImplementedError

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Dataset]:
        """The datasets, newest first.

        Raises:
            CursorInvalid
        """
        raise NotImplementedError

    def panel(self, dataset_id: str) -> Panel:
        """The panel of a dataset, of the digest it was stored with.

        Raises:
            DatasetNotFound, DatasetCorrupt
        """
        raise NotImplementedError

    def delete(self, dataset_id: str) -> None:
        """Removes a dataset.

        Raises:
            DatasetNotFound
            DatasetInUse: A queued or running job needs it.
        """
        raise NotImplementedError
