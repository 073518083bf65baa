"""A trained network as a folder: safetensors, JSON, manifest."""

from dataclasses import dataclass
from pathlib import Path

from model.config import TrainingConfig

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """Where a checkpoint comes from.

    Attributes:
        format_version: Of the folder's layout.
        digest: SHA-256 over the hashes of its files; names the checkpoint's content.
        data_digest: `Panel.digest()` of the panel it was trained on.
        num_series: Series of that panel.
        num_observations: Observations of that panel.
        trained_until: The last instant of that panel (ISO 8601, UTC).
        seed: Of the training.
        device: That trained it.
        versions: Of Python and the libraries that trained it.
        created_at: When training ended (ISO 8601, UTC).
        train_seconds: How long training took.
        validation_loss: The best one reached.
    """

    format_version: int
    digest: str
    data_digest: str
    num_series: int
    num_observations: int
    trained_until: str
    seed: int
    device: str
    versions: dict[str, str]
    created_at: str
    train_seconds: float
    validation_loss: float


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network with its configuration and origin, in memory."""

    config: TrainingConfig
    manifest: Manifest

    def save(self, path: Path) -> None:
        """Writes the folder whole or not at all; an existing one of the same digest is left as it is."""
        raise NotImplementedError

    @classmethod
    def load(cls, path: Path) -> "Checkpoint":
        """Reads the folder and checks every hash.

        Raises:
            CheckpointMissing, CheckpointCorrupt, CheckpointFormatUnsupported
        """
        raise NotImplementedError
