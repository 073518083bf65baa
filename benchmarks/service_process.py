"""Servers to be measured: `longshot serve` with one version in a temporary home, and a route that does nothing."""

import json
import os
import re
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database, migrate
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Checkpoint, Panel, Series, TrainingOptions, choose_config, fit

MODEL = "load"
_START, _FREQ = "2026-01-01T00:00:00Z", "h"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
_RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")
_PATIENCE_SECONDS = 60
_STILL_LOADING = 503
_NOTHING = """
import socket, sys, uvicorn
from fastapi import FastAPI
application = FastAPI()
@application.post("/")
def do_nothing() -> dict[str, str]:
    return {}
listener = socket.create_server(("127.0.0.1", 0))
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False)).run(sockets=[listener])
"""


_TIMED = """
import os, struct, sys, time
from model.networks import inference
file, plain = int(sys.argv.pop()), inference.Predictor.quantiles
def timed(*given, **named):
    started = time.perf_counter()
    try:
        return plain(*given, **named)
    finally:
        os.write(file, struct.pack("d", time.perf_counter() - started))
inference.Predictor.quantiles = timed
from app.cli import main
sys.argv.append("serve")
main()
"""


_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A server that listens.

    Attributes:
        pid: Of its process.
        port: On the loopback interface.
        started_at: When the process was started, by the monotonic clock.
        passes: The end of a pipe to read the seconds of each forward pass from; None where they are not timed.
    """

    pid: int
    port: int
    started_at: float
    passes: int | None = None

    def connect(self) -> closing[HTTPConnection]:
        """A new connection to it, closed with its block."""
        return closing(HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS))

    def forward_seconds(self) -> float:
        """Seconds of the next forward pass that was not asked for yet; a server that times none has none."""
        assert self.passes is not None
        (seconds,) = struct.unpack("d", os.read(self.passes, 8))
        return float(seconds)

    @property
    def resident_mebibytes(self) -> float:
        """Its memory; not a number where the system does not tell."""
        try:
            found = _RESIDENT.search(Path(f"/proc/{self.pid}/status").read_text())
        except OSError:
            found = None
        return int(found.group(1)) / 1024 if found else float("nan")

    @property
    def processor_seconds(self) -> float:
        """The processor time that it has had; not a number where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def train(*, context_length: int, horizon: int, seed: int = 0) -> Checkpoint:
    """A version of the usual size, hardly trained: what it says does not matter here, only how long it takes."""
    panel = Panel((Series.from_grid("a", _START, _FREQ, _training_values(context_length, horizon, seed)),))
    options = TrainingOptions(horizon=horizon, context_length=context_length, num_epochs=1, steps_per_epoch=2)
    return fit(panel, choose_config(panel, options))


def _training_values(context_length: int, horizon: int, seed: int = 0) -> NDArray[np.float64]:
    length = 4 * (context_length + horizon)
    noise = np.random.default_rng(seed)
    return np.asarray(np.sin(np.arange(length) / 4) + 0.1 * noise.normal(size=length))


@contextmanager
def serving(*checkpoints: Checkpoint, worker: bool = False, is_timed: bool = False) -> Iterator[Server]:
    """`longshot serve` with these versions of one model, the first in production, without limits a minute.

    Args:
        checkpoints: Of the versions, from number 1 on.
        worker: Whether a worker stands beside it.
        is_timed: Whether it tells how long each forward pass of the network takes in the middle of its request.
    """
    with TemporaryDirectory() as folder:
        settings = Settings(
            home=Path(folder),
            port=0,
            worker=worker,
            max_body_bytes=2**26,
            max_requests_per_minute=0,
            max_points_per_minute=0,
            log_level="error",
        )
        settings.make_home()
        database = Database(settings.database_url)
        migrate(database)
        registry = Registry(database, ArtifactStore(settings.artifacts_path))
        for checkpoint in checkpoints:
            registry.register(MODEL, checkpoint)
        registry.point_alias(MODEL, PRODUCTION, 1, actor="benchmark")
        database.close()
        environment = os.environ | settings.to_environment()
        if not is_timed:
            with _started([sys.executable, "-m", "app.cli", "serve"], environment) as server:
                yield server
            return
        read, write = os.pipe()
        try:
            with _started([sys.executable, "-c", _TIMED, str(write)], environment, (write,)) as server:
                yield replace(server, passes=read)
        finally:
            os.close(read)
            os.close(write)


@contextmanager
def serving_nothing() -> Iterator[Server]:
    """A FastAPI route that does nothing, in a process of its own: what HTTP alone costs here."""
    with _started([sys.executable, "-c", _NOTHING], dict(os.environ)) as server:
        yield server


@contextmanager
def serving_peer(python: Path, *, context_length: int, horizon: int) -> Iterator[Server]:
    """`benchmarks/peer_server.py`, in an environment that has neuralforecast.

    Args:
        python: The interpreter of that environment.
        context_length: What the peer sees, as the version of `train` does.
        horizon: What it forecasts.
    """
    with TemporaryDirectory() as folder:
        given = {"start": _START.rstrip("Z"), "freq": _FREQ, "context": context_length, "horizon": horizon}
        file = Path(folder) / "training.json"
        file.write_text(json.dumps(given | {"target": _training_values(context_length, horizon).tolist()}))
        program = Path(__file__).with_name("peer_server.py")
        with _started([str(python), "-P", str(program), str(file)], dict(os.environ)) as server:
            yield server


@contextmanager
def _started(words: list[str], environment: dict[str, str], files: tuple[int, ...] = ()) -> Iterator[Server]:
    root = Path(__file__).parent.parent
    started_at = time.monotonic()
    process = subprocess.Popen(
        words,
        env=environment | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        pass_fds=files,
    )
    try:
        assert process.stdout is not None
        address = _ADDRESS.search(process.stdout.readline())
        if address is None:
            raise RuntimeError("The server ended before it listened; what it said stands above.")
        server = Server(process.pid, int(address.group(1)), started_at)
        _wait_until_it_answers(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _is_there(server):
        if time.monotonic() > deadline:
            raise RuntimeError(f"The server at port {server.port} did not answer in {_PATIENCE_SECONDS} seconds.")
        time.sleep(0.05)


def _is_there(server: Server) -> bool:
    with suppress(OSError), server.connect() as connection:
        connection.request("GET", "/v1/system")
        return connection.getresponse().status != _STILL_LOADING
    return False
