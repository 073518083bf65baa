"""A home folder of its own for every test, and one tiny training for all of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.artifacts import ArtifactStore
from app.database import Database, migrate
from app.datasets import Datasets
from app.jobs import Jobs
from app.registry import Registry
from app.settings import Settings
from model import Checkpoint, Panel, Series, TrainingOptions, choose_config, fit

TINY = TrainingOptions(
    horizon=6, context_length=24, state_size=4, num_particles=2, num_epochs=2, steps_per_epoch=2, batch_size=4
)


def make_panel(num_items: int = 2, length: int = 160, seed: int = 0) -> Panel:
    noise = np.random.default_rng(seed)
    steps = np.arange(length)
    return Panel(
        tuple(
            Series.from_grid(
                f"item-{number}",
                "2026-01-01T00:00:00Z",
                "h",
                10 + number + np.sin(2 * np.pi * steps / 24) + 0.1 * noise.normal(size=length),
            )
            for number in range(num_items)
        )
    )


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    panel = make_panel()
    return fit(panel, choose_config(panel, TINY))


@pytest.fixture(scope="session")
def other_checkpoint() -> Checkpoint:
    panel = make_panel(seed=1)
    return fit(panel, choose_config(panel, TINY))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, shutdown_seconds=10, training_threads=1)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def artifacts(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.artifacts_path)


@pytest.fixture
def datasets(database: Database, artifacts: ArtifactStore) -> Datasets:
    return Datasets(database, artifacts)


@pytest.fixture
def registry(database: Database, artifacts: ArtifactStore) -> Registry:
    return Registry(database, artifacts)


@pytest.fixture
def jobs(database: Database, settings: Settings) -> Iterator[Jobs]:
    jobs = Jobs(database, settings.jobs_url)
    yield jobs
    jobs.close()
