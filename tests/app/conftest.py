"""A home folder of its own for every test, and one tiny training for all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import pytest
import structlog
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from starlette.types import Message

from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.server import create_app
from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database, migrate
from app.stores.datasets import Datasets
from app.stores.registry import Registry
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


class Client:
    """Talks to an application in this process, as httpx does over a network."""

    def __init__(self, application: FastAPI, portal: BlockingPortal) -> None:
        self._portal = portal
        self.application = application
        self.come_from("127.0.0.1")

    def come_from(self, address: str) -> None:
        """From now on, requests come from this address."""
        transport = httpx.ASGITransport(self.application, client=(address, 50_000))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def request(self, method: str, path: str, **options: object) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, path, **options))

    def post_raw(self, path: str, content: bytes, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
        """An answer and its bytes as they were sent, compressed or not."""

        async def post() -> tuple[httpx.Response, bytes]:
            async with self._client.stream("POST", path, content=content, headers=headers) as response:
                return response, b"".join([piece async for piece in response.aiter_raw()])

        return self._portal.call(post)

    def leave_during_upload(self, path: str) -> list[Message]:
        """What is sent to a caller who announces a body and leaves before a byte of it."""
        sent: list[Message] = []

        async def leave() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = {"host": "127.0.0.1", "content-type": "application/json", "content-length": "1000"}
        scope = {
            "type": "http", "method": "POST", "http_version": "1.1", "scheme": "http", "root_path": "",
            "path": path, "raw_path": path.encode(), "query_string": b"", "client": ("127.0.0.1", 50_000),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self._portal.call(self.application, scope, leave, send)
        return sent

    def __getattr__(self, method: str) -> Callable[..., httpx.Response]:
        return partial(self.request, method.upper())


@contextmanager
def serve(settings: Settings, *, worker_alive: bool = True) -> Iterator[Client]:
    application = create_app(settings, lambda _: worker_alive)
    with start_blocking_portal() as portal:
        yield Client(application, portal)
    application.state.resources.close()


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


@pytest.fixture
def ledger(database: Database) -> JobLedger:
    return JobLedger(database)


@pytest.fixture
def logs() -> Iterator[list[dict]]:
    """What is logged, whatever level an earlier test has left the process at."""
    configured = structlog.get_config()
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as lines:
        yield lines
    structlog.configure(**configured)
