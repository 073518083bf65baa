"""Many clients for minutes, while an alias moves and a training runs: nothing may fail, grow, or be out of date."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from typing import Any

import numpy as np

from benchmarks.load_bodies import Body
from benchmarks.measurement import Measurement
from benchmarks.service_process import MODEL, Server, serving
from model import Checkpoint

NUM_CLIENTS = 64
PAUSE_SECONDS = 1.0
"""Each client sends a request a second, or as soon as its last is answered."""

SWAP_SECONDS = 5.0
_IDLE_REQUESTS = 200
_OPTIONS = {"horizon": 24, "context_length": 168, "num_epochs": 10, "steps_per_epoch": 50}

Ask = Callable[[HTTPConnection, str, Body], float]


@dataclass
class Course:
    """What is seen while the clients ask.

    Attributes:
        seconds: Of each request.
        failures: What went wrong.
        memory: Of the server, in MiB, by the seconds since the start.
        num_swaps: How often the alias moved.
        num_late: Answers by the version before, to requests sent after the move was answered.
        num_trainings: Jobs submitted.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    num_swaps: int = 0
    num_late: int = 0
    num_trainings: int = 0


def soak(versions: Sequence[Checkpoint], body: Body, ask: Ask, *, seconds: float) -> list[Measurement]:
    """Figures of one soak.

    Args:
        versions: Two, between which the alias moves.
        body: What every client asks.
        ask: Sends it, and tells how long it took.
        seconds: How long.
    """
    with serving(*versions, worker=True) as server:
        with server.connect() as connection:
            idle = [ask(connection, body.path, body) for _ in range(_IDLE_REQUESTS)][_IDLE_REQUESTS // 10 :]
        course, until = Course(), time.monotonic() + seconds
        beside = threading.Thread(target=_disturb, args=(server, course, body, until))
        beside.start()
        with ThreadPoolExecutor(NUM_CLIENTS) as threads:
            list(threads.map(lambda number: _keep_asking(server, course, body, ask, number, until), range(NUM_CLIENTS)))
        beside.join()
    return _measurements(idle, course, seconds)


def _keep_asking(server: Server, course: Course, body: Body, ask: Ask, number: int, until: float) -> None:
    time.sleep(PAUSE_SECONDS * number / NUM_CLIENTS)
    with server.connect() as connection:
        while (started := time.monotonic()) < until:
            try:
                course.seconds.append(ask(connection, body.path, body))
            except (OSError, HTTPException, RuntimeError) as error:
                course.failures.append(repr(error))
                connection.close()
            time.sleep(max(0.0, PAUSE_SECONDS - (time.monotonic() - started)))


def _disturb(server: Server, course: Course, body: Body, until: float) -> None:
    """Moves the alias, keeps a training running, and writes the memory down."""
    started = time.monotonic()
    for number in cycle((2, 1)):
        if time.monotonic() >= until:
            return
        try:
            if _state_of_training(server) not in ("queued", "running"):
                _call(
                    server, "POST", "/v1/training-jobs", {"model": "beside", "series": [_series()], "options": _OPTIONS}
                )
                course.num_trainings += 1
            _call(server, "PUT", f"/v1/models/{MODEL}/aliases/production", {"version": number})
            course.num_swaps += 1
            course.num_late += (
                _call(server, "POST", "/v1/forecasts", json.loads(body.content))["model"]["version"] != number
            )
        except (OSError, HTTPException, RuntimeError) as error:
            course.failures.append(repr(error))
        course.memory.append((time.monotonic() - started, server.resident_mebibytes))
        time.sleep(max(0.0, min(SWAP_SECONDS, until - time.monotonic())))


def _state_of_training(server: Server) -> str | None:
    jobs = _call(server, "GET", "/v1/training-jobs?limit=1")["data"]
    return jobs[0]["state"] if jobs else None


def _call(server: Server, method: str, path: str, content: object = None) -> dict[str, Any]:
    with server.connect() as connection:
        body = None if content is None else json.dumps(content).encode()
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status}: {text[:300]!r}")
        answer: dict[str, Any] = json.loads(text)
        return answer


def _series() -> dict[str, object]:
    noise = np.random.default_rng(2)
    target = np.round(np.sin(np.arange(2000) * 2 * np.pi / 24) + 0.1 * noise.normal(size=2000), 4).tolist()
    return {"item_id": "a", "start": "2026-01-01T00:00:00Z", "freq": "h", "target": target}


def _measurements(idle: Sequence[float], course: Course, seconds: float) -> list[Measurement]:
    settings = {
        "clients": NUM_CLIENTS,
        "pause_seconds": PAUSE_SECONDS,
        "seconds": seconds,
        "requests": len(course.seconds),
        "swaps": course.num_swaps,
        "trainings": course.num_trainings,
        "first_failures": course.failures[:5],
    }
    at = [float(np.percentile(1e3 * np.array(one or [np.nan]), p)) for one in (idle, course.seconds) for p in (50, 99)]
    halves = [
        float(np.median([memory for second, memory in course.memory if (second >= seconds / 2) == later] or [np.nan]))
        for later in (False, True)
    ]
    return [
        Measurement("load.soak.failed", len(course.failures), "requests", {"answered": len(course.seconds)}, settings),
        Measurement("load.soak.late", course.num_late, "answers", {"moves of the alias": course.num_swaps}, settings),
        Measurement("load.soak.p50", at[2], "ms", {"idle": at[0]}, settings),
        Measurement("load.soak.p99", at[3], "ms", {"idle": at[1]}, settings),
        Measurement("load.soak.memory", halves[1], "MiB", {"in the first half": halves[0]}, settings),
    ]
