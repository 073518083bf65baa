"""From a CSV to a forecast over HTTP: train, serve, ask, and see it beside what really happened.

Everything is kept in a temporary folder, and nothing is left running, however this ends.
"""

import csv
import gzip
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from app.plotting import plot_forecast
from model import ItemForecast, Series

DATA = Path(__file__).parent / "data" / "metro_traffic.csv.gz"
LONGSHOT = Path(sys.executable).with_name("longshot")
NAME = "metro-traffic"
FORTNIGHT = 14 * 24
DAY, WEEK = 24, 7 * 24
START_SECONDS = 90

console = Console()


@dataclass(frozen=True)
class Rows:
    """The two columns of the file, repeated hours included."""

    timestamps: list[str]
    values: list[float]

    def to_series(self) -> Series:
        """One value an hour: the repeated ones are averaged."""
        return Series.from_values(NAME, self.timestamps, self.values, freq="h", duplicates="mean")


def read_rows() -> tuple[Rows, Rows]:
    """The history, and the fortnight held back."""
    with gzip.open(DATA, "rt", newline="") as file:
        rows = [(row["date_time"], float(row["traffic_volume"])) for row in csv.DictReader(file)]
    held_back = set(sorted({timestamp for timestamp, _ in rows})[-FORTNIGHT:])
    history = [row for row in rows if row[0] not in held_back]
    truth = [row for row in rows if row[0] in held_back]
    return Rows(*map(list, zip(*history, strict=True))), Rows(*map(list, zip(*truth, strict=True)))


def train() -> None:
    """Train without the fortnight and register the version, as a user would."""
    columns = ["--timestamp", "date_time", "--target", "traffic_volume", "--duplicates", "mean"]
    command = [LONGSHOT, "train", DATA, "--model", NAME, "--holdout", str(FORTNIGHT), *columns]
    subprocess.run(command, check=True)


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """A running service's address; it is stopped in the end, its worker with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "serve.log"
    with log.open("w") as output:
        # In a group of its own, so that Ctrl-C ends this program first, which then ends the service in good order.
        server = subprocess.Popen(
            [LONGSHOT, "serve", "--port", str(port)], stdout=output, stderr=output, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        with console.status(f"Starting the service on {url}"):
            wait_until_ready(url, server, log)
        yield url
    finally:
        stop(server)


def wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the service says that it can forecast."""
    last = "no answer"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            answer = httpx.get(f"{url}/readyz", timeout=30)
        except httpx.TransportError as error:
            last = str(error)
        else:
            if answer.is_success:
                return
            last = answer.text
        time.sleep(0.3)
    sys.exit(f"The service did not get ready ({last}). Its log:\n{log.read_text()}")


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ask the service to end, and make sure of it and of its worker."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            console.print("[yellow]The service did not stop by itself.[/]")
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    server.wait()


def ask(url: str, history: Rows) -> dict[str, Any]:
    """The forecast of the fortnight, over HTTP."""
    request = {
        "model": NAME,
        "series": [
            {"item_id": NAME, "freq": "h", "timestamps": history.timestamps, "target": history.values},
        ],
        "duplicates": "mean",
        "horizon": {"steps": FORTNIGHT},
        "interval_levels": [80],
    }
    answer = httpx.post(f"{url}/v1/forecasts", json=request, timeout=60)
    if not answer.is_success:
        sys.exit(f"The service refused: {answer.text}")
    content: dict[str, Any] = answer.json()
    return content


def to_forecast(body: dict[str, Any]) -> ItemForecast:
    """One series of the answer as a value that can be plotted."""
    interval = body["intervals"]["80"]
    quantiles = {0.1: np.array(interval["lower"]), 0.9: np.array(interval["upper"])}
    timestamps = np.array(body["timestamps"], dtype="datetime64[us]")
    return ItemForecast(body["item_id"], timestamps, np.array(body["mean"]), quantiles, time_zone=None)


def seasonal_naive(history: Series, truth: Series, season: int) -> np.ndarray:
    """The latest observation that is a whole number of seasons before each hour."""
    known = dict(zip(history.timestamps.tolist(), history.values.tolist(), strict=True))
    step = np.timedelta64(season, "h")
    forecast = []
    for timestamp in truth.timestamps:
        earlier = timestamp - step
        while earlier.item() not in known:
            earlier = earlier - step
        forecast.append(known[earlier.item()])
    return np.array(forecast)


def scale(history: Series, season: int = DAY) -> float:
    """What MASE divides by: the mean absolute difference of observations a season apart in the history."""
    known = dict(zip(history.timestamps.tolist(), history.values.tolist(), strict=True))
    earlier = [known.get((timestamp - np.timedelta64(season, "h")).item()) for timestamp in history.timestamps]
    return float(
        np.mean([abs(now - then) for now, then in zip(history.values, earlier, strict=True) if then is not None])
    )


def scores(history: Series, truth: Series, forecast: ItemForecast) -> Table:
    """Errors of the forecast and of the two obvious guesses."""
    table = Table(
        "method", "mean absolute error", "MASE", title="The fortnight that was held back", title_justify="left"
    )
    methods = {
        "longshot": forecast.mean,
        "seasonal naive, the week before": seasonal_naive(history, truth, WEEK),
        "seasonal naive, the day before": seasonal_naive(history, truth, DAY),
    }
    unit = scale(history)
    for name, values in methods.items():
        error = float(np.mean(np.abs(values - truth.values)))
        table.add_row(name, f"{error:.0f} cars an hour", f"{error / unit:.3f}")
    return table


def main() -> None:
    """Run the demonstration."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    rows, held_back = read_rows()
    history, truth = rows.to_series(), held_back.to_series()
    with tempfile.TemporaryDirectory(prefix="longshot-demo-", ignore_cleanup_errors=True) as folder:
        os.environ["LONGSHOT_HOME"] = str(Path(folder) / "home")
        console.rule(f"1. Train on {len(history):,} hours of traffic on Interstate 94")
        train()
        console.rule("2. Serve, and ask for the next fortnight over HTTP")
        with serve(Path(folder)) as url:
            answer = ask(url, rows)
        used = answer["model"]
        console.print(
            f"POST {url}/v1/forecasts answered in {answer['timings_ms']['total']:.0f} ms "
            f"with {used['name']} version {used['version']}; the service has stopped."
        )
    console.rule("3. The answer, beside what really happened")
    forecast = to_forecast(answer["forecasts"][0])
    print(plot_forecast(history, forecast, truth=truth, color=sys.stdout.isatty()))
    inside = np.mean((forecast.quantiles[0.1] <= truth.values) & (truth.values <= forecast.quantiles[0.9]))
    console.print(scores(history, truth, forecast))
    console.print(f"{inside:.0%} of the hours fell inside the 80 % interval.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("Interrupted; nothing was left running.", file=sys.stderr)
        sys.exit(130)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
