"""How fast the service answers, over HTTP on the loopback interface, from another process.

    python -m benchmarks.load [--quick | --soak | --start] [--peers PYTHON] [--json FILE]

A real `longshot serve` holds one version (context 512, trained horizon 96). Latency is of one series of 512 points,
horizon 96, in JSON, one request after the other on one connection, warm. Beside it, in the same rounds: one of 1,000
points, enough for its errors of late to be looked at; a FastAPI route that does nothing, given the same body as the
first; and the forward pass of the same network alone, in this process. `outside` is a request less that forward pass,
medians within a round; what HTTP itself costs is part of it, and so is what the network takes longer in the middle of a
request than in a loop of its own, where its weights stay in the cache. Therefore `beside` takes from each of 2,000
requests, to a server of its own, the forward pass that was timed in it.

Throughput is of requests of many series, by the form of the body, in which tables are answered too, beside the forward
pass of as many series in the same rounds; and of single series asked for by several connections at once. Server and
driver share the machine's cores.

`--peers` adds a FastAPI route around neuralforecast's predict of an NHITS that was trained on the same data, given the
same body in the same rounds; PYTHON is the interpreter of an environment that has `longshot[peers]` or its parts.

`--soak` lets 64 clients ask for two minutes while an alias moves and a training runs (see `benchmarks.soak`). `--start`
takes the time from the start of the process until it is ready, with ten versions and its worker.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.load_bodies import Body, make_body
from benchmarks.measurement import Measurement, write
from benchmarks.service_process import Server, serving, serving_nothing, serving_peer, train
from benchmarks.soak import soak
from model import Checkpoint
from model.forecasting.forecaster import MAX_BATCH
from model.networks.inference import Predictor

CONTEXT, HORIZON, LONG_HISTORY = 512, 96, 1000
_ROUND = 20


@dataclass(frozen=True)
class Case:
    """A request to be repeated: so many series of 512 points, in one form, so far ahead."""

    form: str
    num_series: int
    horizon: int

    @property
    def name(self) -> str:
        """What the row is called."""
        return f"{self.form}.{self.num_series}_series.horizon_{self.horizon}"

    def body(self) -> Body:
        """The request."""
        return make_body(self.form, self.num_series, CONTEXT, self.horizon)


BATCHES = tuple(
    Case(form, n, h)
    for form in ("json_grid", "json_timestamps", "arrow")
    for n, h in ((10, 96), (1000, 96), (100, 960))
) + tuple(Case(form, 1000, 96) for form in ("parquet", "csv", "ndjson"))
QUICK_BATCHES = tuple(Case(form, 10, 96) for form in ("json_grid", "arrow", "parquet", "csv", "ndjson"))


def ask(connection: HTTPConnection, path: str, body: Body) -> float:
    """Seconds of one request.

    Raises:
        RuntimeError: It was refused.
    """
    started = time.perf_counter()
    connection.request("POST", path, body.content, body.headers)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {content[:300]!r}")
    return time.perf_counter() - started


def forward_pass(checkpoint: Checkpoint, *, num_series: int = 1, horizon: int = HORIZON) -> Callable[[], object]:
    """The forward pass of some series, as the server runs it: at most so many at once as a forecaster takes."""
    predictor = Predictor(
        checkpoint.network,
        block_length=checkpoint.validation.block_length,
        season_length=checkpoint.config.season_length,
    )
    predictor.prepare(horizon)
    parts = torch.randn(num_series, CONTEXT, dtype=torch.float64).split(MAX_BATCH)
    return lambda: [predictor.quantiles(part, horizon) for part in parts]


def latency(
    service: Server, nothing: Server, checkpoint: Checkpoint, *, num_rounds: int, peer: Server | None = None
) -> list[Measurement]:
    """Figures of a single request."""
    body, forward = Case("json_grid", 1, HORIZON).body(), forward_pass(checkpoint)
    others = {"a route that does nothing": nothing} | ({"neuralforecast's predict": peer} if peer else {})
    with ExitStack() as stack:
        ours = stack.enter_context(service.connect())
        connections = {name: stack.enter_context(one.connect()) for name, one in others.items()}
        sides: dict[str, Callable[[], object]] = {"request": lambda: ask(ours, body.path, body)}
        longer = make_body("json_grid", 1, LONG_HISTORY, HORIZON)
        sides[f"{LONG_HISTORY:,} points"] = lambda: ask(ours, longer.path, longer)
        sides |= {name: partial(ask, one, "/", body) for name, one in connections.items()}
        rounds = _interleaved(sides | {"forward pass": forward}, num_rounds, [ours, *connections.values()])
    outside = median(
        median(whole) - median(part) for whole, part in zip(rounds["request"], rounds["forward pass"], strict=True)
    )
    settings = {"rounds": num_rounds, "requests": num_rounds * _ROUND, "points": CONTEXT, "horizon": HORIZON}
    flat = {name: 1e3 * np.concatenate(found) for name, found in rounds.items()}
    shown = [
        Measurement(
            f"load.latency.p{percentile}",
            float(np.percentile(flat["request"], percentile)),
            "ms",
            {name: float(np.percentile(taken, percentile)) for name, taken in flat.items() if name != "request"},
            settings,
        )
        for percentile in (50, 95, 99)
    ]
    return [*shown, Measurement("load.latency.outside", 1e3 * outside, "ms", {}, settings)]


def beside(checkpoint: Checkpoint, *, num_requests: int) -> list[Measurement]:
    """What a request takes beside the forward pass in its middle, and how long that is there."""
    body = Case("json_grid", 1, HORIZON).body()
    taken: list[tuple[float, float]] = []
    with serving(checkpoint, is_timed=True) as server, server.connect() as connection:
        for _ in range(num_requests + _ROUND):
            whole = ask(connection, body.path, body)
            taken.append((whole, server.forward_seconds()))
    whole, part = 1e3 * np.array(taken[_ROUND:]).T
    settings = {"requests": num_requests, "points": CONTEXT, "horizon": HORIZON}
    return [
        Measurement(
            f"load.latency.beside.p{percentile}",
            float(np.percentile(whole - part, percentile)),
            "ms",
            {
                "request": float(np.percentile(whole, percentile)),
                "forward pass": float(np.percentile(part, percentile)),
            },
            settings,
        )
        for percentile in (10, 50, 95)
    ]


def _interleaved(
    sides: Mapping[str, Callable[[], object]], num_rounds: int, connections: Sequence[HTTPConnection]
) -> dict[str, list[list[float]]]:
    """Seconds of each side, round by round; a round to warm up is not counted.

    Nor is the first request of each block: a server may have closed a connection that rested while the others ran, so
    that each block begins with new ones.
    """
    rounds: dict[str, list[list[float]]] = {name: [] for name in sides}
    for number in range(num_rounds + 1):
        for name, run in sides.items():
            for one in connections:
                one.close()
            seconds = [_seconds(run) for _ in range(_ROUND + 1)][1:]
            if number:
                rounds[name].append(seconds)
    return rounds


def throughput(service: Server, case: Case, checkpoint: Checkpoint, *, seconds: float) -> Measurement:
    """Series a second of one case, one request after the other; between them, the forward pass of as many."""
    body, forward = case.body(), forward_pass(checkpoint, num_series=case.num_series, horizon=case.horizon)
    with service.connect() as connection:
        sides: dict[str, Callable[[], object]] = {
            "request": lambda: ask(connection, body.path, body),
            "forward": forward,
        }
        taken: dict[str, list[float]] = {name: [] for name in sides}
        ask(connection, body.path, body)
        while sum(taken["request"]) < seconds or len(taken["request"]) < 3:
            for name, run in sides.items():
                taken[name].append(_seconds(run))
    whole, part = median(taken["request"]), median(taken["forward"])
    settings = {
        "requests": len(taken["request"]),
        "points": CONTEXT,
        "median_ms": 1e3 * whole,
        "outside_forward": 1 - part / whole,
        "bytes": len(body.content),
    }
    figures = {"forward pass": case.num_series / part}
    return Measurement(f"load.throughput.{case.name}", case.num_series / whole, "series/s", figures, settings)


def concurrent_throughput(service: Server, nothing: Server, num_connections: int, *, seconds: float) -> Measurement:
    """Requests a second of single series from several connections at once."""
    body = Case("json_grid", 1, HORIZON).body()

    def per_second(server: Server, path: str) -> float:
        until = time.perf_counter() + seconds

        def keep_asking(_: int) -> int:
            number = 0
            with server.connect() as connection:
                while time.perf_counter() < until:
                    ask(connection, path, body)
                    number += 1
            return number

        with ThreadPoolExecutor(num_connections) as threads:
            return sum(threads.map(keep_asking, range(num_connections))) / seconds

    ours, floor = per_second(service, "/v1/forecasts"), per_second(nothing, "/")
    settings = {"connections": num_connections, "seconds": seconds}
    name = f"load.concurrent.{num_connections}_connections"
    return Measurement(name, ours, "requests/s", {"a route that does nothing": floor}, settings)


def main(words: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few requests, one batch")
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="an interpreter that has neuralforecast")
    parser.add_argument("--soak", action="store_true", help="only the soak")
    parser.add_argument("--start", action="store_true", help="only the cold start")
    parser.add_argument("--seconds", type=float, default=120.0, help="of the soak")
    asked = parser.parse_args(words)
    torch.set_num_threads(1)
    if asked.soak or asked.start:
        first = train(context_length=CONTEXT, horizon=HORIZON)
        body = Case("json_grid", 1, HORIZON).body()
        if asked.soak:
            second = train(context_length=CONTEXT, horizon=HORIZON, seed=1)
            return _tell(soak((first, second), body, ask, seconds=asked.seconds), asked.json)
        return _tell(cold_start(first), asked.json)
    seconds, num_rounds = (0.3, 2) if asked.quick else (5.0, 50)
    checkpoint = train(context_length=CONTEXT, horizon=HORIZON)
    with ExitStack() as stack:
        service, nothing = stack.enter_context(serving(checkpoint)), stack.enter_context(serving_nothing())
        peer = (
            stack.enter_context(serving_peer(asked.peers, context_length=CONTEXT, horizon=HORIZON))
            if asked.peers
            else None
        )
        found = latency(service, nothing, checkpoint, num_rounds=num_rounds, peer=peer)
        found.append(Measurement("load.memory.after_single", service.resident_mebibytes, "MiB"))
        for connections in (1, 8, 64):
            found.append(concurrent_throughput(service, nothing, connections, seconds=seconds))
        found += [
            throughput(service, case, checkpoint, seconds=seconds)
            for case in (QUICK_BATCHES if asked.quick else BATCHES)
        ]
        found.append(Measurement("load.memory.after_batches", service.resident_mebibytes, "MiB"))
    found += beside(checkpoint, num_requests=200 if asked.quick else 2000)
    return _tell(found, asked.json)


def cold_start(checkpoint: Checkpoint, *, num_versions: int = 10, num_rounds: int = 5) -> list[Measurement]:
    """Seconds from the start of the process until /readyz answers that a forecast was made and a worker lives.

    Also the processor time that the server had until then: what the start takes whatever else the machine does.
    """
    taken, worked = [], []
    for _ in range(num_rounds):
        with serving(*[checkpoint] * num_versions, worker=True) as server:
            while not _is_ready(server):
                time.sleep(0.02)
            taken.append(time.monotonic() - server.started_at)
            worked.append(server.processor_seconds)
    settings = {"versions": num_versions, "rounds": num_rounds, "least": min(taken), "most": max(taken)}
    figures = {"least": min(taken), "most": max(taken), "processor time of the server": median(worked)}
    return [Measurement("load.start", median(taken), "s", figures, settings)]


def _is_ready(server: Server) -> bool:
    with server.connect() as connection:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        response.read()
    if response.status not in (200, 503):
        raise RuntimeError(f"/readyz answered {response.status}")
    return response.status == 200


def _tell(found: Sequence[Measurement], file: Path | None) -> int:
    for one in found:
        print(_row(one))
    if file:
        write(file, found)
    return 0


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _row(one: Measurement) -> str:
    others = "".join(f"   {name} {value:.2f}" for name, value in one.compared_with.items())
    return f"{one.name:<48}{one.value:>10.2f} {one.unit:<11}{others}"


if __name__ == "__main__":
    raise SystemExit(main())
