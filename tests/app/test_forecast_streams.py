"""Large answers are computed and written some series after the other."""

import gc
import io
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import anyio
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from starlette.types import Message

from app.routes import forecast_formats
from app.routes.forecast_streams import StreamBroken
from app.stores.references import PRODUCTION
from tests.app.conftest import Client, serve
from tests.app.test_forecast_formats import ARROW, CSV, JSON, NDJSON

STREAMED = (ARROW, CSV, NDJSON)


@pytest.fixture
def client(settings, registry, checkpoint, monkeypatch) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    monkeypatch.setattr(forecast_formats, "MAX_VALUES_AT_ONCE", 2_000)
    with serve(replace(settings, max_requests_per_minute=0, max_points_per_minute=0)) as client:
        yield client


def body(num_series: int, steps: int = 100, **options: object) -> dict:
    noise = np.random.default_rng(0)
    series = [
        {"item_id": f"s{number}", "start": "2026-01-01", "freq": "h", "target": noise.normal(size=40).round(3).tolist()}
        for number in range(num_series)
    ]
    return {"model": "m", "series": series, "horizon": {"steps": steps}, "keep": False} | options


def rows(content: bytes, kind: str) -> list[object]:
    if kind == NDJSON:
        return list(map(json.loads, content.splitlines()))
    if kind == CSV:
        return pa.csv.read_csv(io.BytesIO(content)).to_pylist()
    return pa.ipc.open_stream(content).read_all().to_pylist()


def flat(value: object, name: str = "") -> dict[str, object]:
    """The numbers and texts of a row by their addresses."""
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: one for at, part in parts for key, one in flat(part, f"{name}/{at}").items()}
    return {name: value if isinstance(value, int | float) else str(value)}


class Drain:
    """Sends a request, and forgets each piece of the answer when it has looked at it."""

    def __init__(self, client: Client, asked: dict, accept: str) -> None:
        self.num_pieces = self.status = 0
        self.held: list[int] = []
        self._is_sent = False
        self._content = json.dumps(asked).encode()
        headers = {"host": "127.0.0.1", "content-type": JSON, "accept": accept}
        scope = {
            "type": "http", "method": "POST", "http_version": "1.1", "scheme": "http", "root_path": "",
            "path": "/v1/forecasts", "raw_path": b"/v1/forecasts", "query_string": b"", "client": ("127.0.0.1", 50_000),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self.run = partial(client._portal.call, client.application, scope, self._receive, self._send)

    def look(self) -> None:
        """Takes down how many bytes are held now."""
        gc.collect()
        self.held.append(tracemalloc.get_traced_memory()[0])

    async def _receive(self) -> Message:
        if self._is_sent:
            await anyio.sleep_forever()
        self._is_sent = True
        return {"type": "http.request", "body": self._content, "more_body": False}

    async def _send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        if tracemalloc.is_tracing():
            self.look()
        self.num_pieces += 1


@pytest.mark.parametrize("kind", STREAMED)
def test_a_streamed_answer_is_the_answer_computed_at_once(client, kind):
    asked = body(30, rates=True, num_samples=2, on_error="partial")
    asked["series"][17]["target"] = [1.0]
    streamed = client.post("/v1/forecasts", json=asked, headers={"accept": kind})
    whole = client.post("/v1/forecasts", json=asked | {"keep": True}, headers={"accept": kind})
    # Other neighbours in a batch round 32-bit numbers otherwise.
    for one, other in zip(rows(streamed.content, kind), rows(whole.content, kind), strict=True):
        found, expected = flat(one), flat(other)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-5, abs=1e-5))
    about, other = (json.loads(one.headers["longshot-answer"]) for one in (streamed, whole))
    assert (about | {"id": other["id"]}, about["num_failed"]) == (other, 1)


@pytest.mark.slow
def test_no_more_is_held_of_a_streamed_answer_than_a_part_of_it(client, monkeypatch):
    monkeypatch.setattr(forecast_formats, "MAX_VALUES_AT_ONCE", 12_000)

    def held(num_series: int, *, keep: bool) -> int:
        """Bytes held beside each other while the answer is sent, more than once it is forgotten."""
        drain = Drain(client, body(num_series, num_samples=40, keep=keep), ARROW)
        tracemalloc.start()
        drain.run()
        drain.look()
        tracemalloc.stop()
        return max(drain.held) - drain.held[-1]

    held(2, keep=False)
    growth = {keep: held(30, keep=keep) - held(6, keep=keep) for keep in (False, True)}
    paths = 24 * 100 * 40 * 8
    assert growth[True] > paths
    assert growth[False] < paths / 3


@pytest.mark.parametrize("kind", STREAMED)
def test_what_fails_after_the_first_byte_breaks_the_stream_off_and_is_logged(client, kind, logs):
    asked = body(30)
    asked["series"][-1]["target"] = [1e308, -1e308] * 20
    drain = Drain(client, asked, kind)
    with pytest.raises(StreamBroken):
        drain.run()
    assert (drain.status, drain.num_pieces > 2) == (200, True)
    (line,) = [one for one in logs if one["event"] == "a stream of forecasts broke off"]
    assert "'s29'" in line["reason"]


@pytest.mark.parametrize("kind", STREAMED)
def test_what_fails_before_the_first_byte_is_a_problem(client, kind):
    asked = body(30)
    for number, target in ((0, [1e308, -1e308] * 20), (29, [1.0])):
        wrong = asked | {"series": [one | {"target": target} if at == number else one
                                    for at, one in enumerate(asked["series"])]}  # fmt: skip
        answer = client.post("/v1/forecasts", json=wrong, headers={"accept": kind})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert answer.json()["item_id"] == f"s{number}"


def test_a_stream_that_has_begun_is_not_refused_for_a_crowd(settings, registry, checkpoint, monkeypatch):
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    monkeypatch.setattr(forecast_formats, "MAX_VALUES_AT_ONCE", 2_000)
    with serve(settings) as client:
        bench = client.application.state.resources.bench
        drain = Drain(client, body(30), ARROW)
        send = drain._send

        async def send_into_a_crowd(message: Message) -> None:
            monkeypatch.setattr(bench, "_capacity", 0)
            await send(message)

        drain.run = partial(
            client._portal.call, client.application, drain.run.args[1], drain._receive, send_into_a_crowd
        )
        drain.run()
        assert client.post("/v1/forecasts", json=body(1)).status_code == 503
    assert drain.num_pieces > 2
