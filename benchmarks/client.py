"""What the Python client adds to a request, over HTTP on the loopback interface.

    python -m benchmarks.client [--quick] [--json FILE]

A real `longshot serve` holds one version (context 512). A DataFrame of 1,000 series of 512 points is forecast 96 steps
ahead through `app.client.Longshot`, DataFrame in and out. Beside it, in the same rounds: the same question as bytes
that are ready to send, in Arrow and in JSON, whose answer is received and not looked at.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
import torch

from app.client import Longshot, Retries
from app.client.tables import ARROW, read_frame
from benchmarks.load import CONTEXT, HORIZON, Case
from benchmarks.measurement import Measurement, write
from benchmarks.service_process import MODEL, Server, serving, train


def frame_of(num_series: int) -> pd.DataFrame:
    """Series of hourly values, in long form."""
    noise = np.random.default_rng(0)
    values = np.sin(np.arange(CONTEXT) / 4) + 0.1 * noise.normal(size=(num_series, CONTEXT))
    times = pd.date_range("2026-01-01", periods=CONTEXT, freq="h", tz="UTC")
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{number}" for number in range(num_series)], CONTEXT),
            "ds": np.tile(times, num_series),
            "y": values.ravel(),
        }
    )


def post(server: Server, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    """One request, whose answer is received; its size.

    Raises:
        RuntimeError: It was refused.
    """
    with server.connect() as connection:
        connection.request("POST", path, body, dict(headers))
        response = connection.getresponse()
        content = response.read()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {content[:300]!r}")
    return len(content)


def overhead(server: Server, num_series: int, *, num_rounds: int) -> list[Measurement]:
    """Seconds of a request through the client and without it, and the one over the other."""
    frame = frame_of(num_series)
    sent = read_frame(frame, item_id=None, timestamp=None, target=None).to_arrow()
    written = Case("json_timestamps", num_series, HORIZON).body()
    path = f"/v1/forecasts?model={MODEL}&horizon={HORIZON}&item_id=unique_id&timestamp=ds&target=y"
    with Longshot(f"http://127.0.0.1:{server.port}", retries=Retries(max_tries=1)) as client:
        sides: Mapping[str, Callable[[], object]] = {
            "client": lambda: client.forecast(frame, model=MODEL, horizon=HORIZON).frame,
            "raw Arrow": lambda: post(server, path, sent, {"Content-Type": ARROW, "Accept": ARROW}),
            "raw JSON": lambda: post(server, written.path, written.content, written.headers),
        }
        taken: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(num_rounds + 1):
            for name, run in sides.items():
                started = perf_counter()
                run()
                if number:
                    taken[name].append(perf_counter() - started)
    times = {name: 1e3 * median(found) for name, found in taken.items()}
    settings = {"series": num_series, "points": CONTEXT, "horizon": HORIZON, "rounds": num_rounds}
    whole = times.pop("client")
    ratios = {
        name: median(ours / theirs for ours, theirs in zip(taken["client"], taken[name], strict=True)) for name in times
    }
    return [
        Measurement(f"client.{num_series}_series.request", whole, "ms", times, settings),
        *(
            Measurement(
                f"client.{num_series}_series.over_{name.replace(' ', '_').lower()}", ratio, "times", {}, settings
            )
            for name, ratio in ratios.items()
        ),
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.client", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few series, few rounds")
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    asked = parser.parse_args(words)
    torch.set_num_threads(1)
    sizes, num_rounds = ((10,), 2) if asked.quick else ((1, 1000), 15)
    with ExitStack() as stack:
        server = stack.enter_context(serving(train(context_length=CONTEXT, horizon=HORIZON)))
        found = [one for size in sizes for one in overhead(server, size, num_rounds=num_rounds)]
    for one in found:
        others = "".join(f"   {name} {value:.2f}" for name, value in one.compared_with.items())
        print(f"{one.name:<40}{one.value:>10.2f} {one.unit:<8}{others}")
    if asked.json:
        write(asked.json, found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
