"""Requests to a server that misbehaves: sent again where that helps, never where it could do something twice."""

import asyncio
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pyarrow as pa
import pytest

from app.client import (
    AccessDenied,
    AnswerUnreadable,
    AsyncLongshot,
    Conflict,
    DataRefused,
    Longshot,
    LongshotError,
    NotFound,
    RateExceeded,
    Refused,
    RequestMalformed,
    Retries,
    ServiceFailed,
    ServiceUnreachable,
    TooLarge,
    Unavailable,
)
from tests.app.client.conftest import HANGS_UP, QUICK, Answer, problem

MODELS = Answer(body={"data": [{"name": "m", "latest_version": 1, "aliases": {"production": 1}, "new": "field"}]})
JOB = {"id": "job_1", "state": "queued", "model": "m", "progress": 0, "eta_seconds": None, "version": None}
BUSY = problem(503, "service_busy", Retry_After="0")


@pytest.mark.parametrize("trouble", [BUSY, problem(429, "rate_exceeded", Retry_After="0"), HANGS_UP])
def test_what_may_pass_by_itself_is_tried_again(misbehaving, trouble):
    server = misbehaving(trouble, trouble, MODELS)
    with server.client() as client:
        assert [one.name for one in client.models()] == ["m"]
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 409, 413, 422, 500, 502, 504])
def test_what_does_not_pass_by_itself_is_not_tried_again(misbehaving, status):
    server = misbehaving(problem(status, "no"), MODELS)
    with server.client() as client, pytest.raises(Refused):
        client.models()
    assert len(server.asked) == 1


def test_the_service_is_not_asked_again_before_the_time_it_names(misbehaving):
    server = misbehaving(problem(503, "not_ready", Retry_After="1"), MODELS)
    started = time.monotonic()
    with server.client() as client:
        client.models()
    assert 1 <= time.monotonic() - started < 1.4


def test_the_time_it_names_may_be_a_date(misbehaving):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    server = misbehaving(problem(429, "rate_exceeded", Retry_After=soon), MODELS)
    with server.client() as client, pytest.raises(RateExceeded) as raised:
        client.models()
    assert 1.5 < raised.value.problem.retry_after_seconds <= 3


def test_a_service_that_asks_for_more_patience_than_there_is_is_not_waited_for(misbehaving):
    server = misbehaving(problem(429, "rate_exceeded", Retry_After="60"), MODELS)
    with server.client() as client, pytest.raises(RateExceeded) as raised:
        client.models()
    assert raised.value.problem.retry_after_seconds == 60


def test_waits_grow_and_differ_and_end():
    retries = Retries(max_tries=6, first_seconds=1, longest_seconds=5)
    waits = [[retries.wait_seconds(number, None) for number in range(1, 6)] for _ in range(50)]
    for number, longest in enumerate([1, 2, 4, 5, 5]):
        column = [one[number] for one in waits]
        assert longest / 2 <= min(column) < max(column) <= longest
    assert retries.wait_seconds(6, None) is None
    assert retries.wait_seconds(1, 4.0) == 4


def test_after_all_tries_the_last_refusal_is_raised(misbehaving):
    server = misbehaving(BUSY)
    with server.client() as client, pytest.raises(Unavailable) as raised:
        client.models()
    assert (raised.value.code, len(server.asked)) == ("service_busy", QUICK.max_tries)


def test_a_job_that_is_submitted_again_has_the_same_key_and_another_job_another(misbehaving):
    server = misbehaving(HANGS_UP, BUSY, Answer(202, JOB), Answer(202, JOB))
    with server.client() as client:
        for _ in range(2):
            client.fit("ds_1", model="m", wait=False)
    keys = [one.headers["idempotency-key"] for one in server.asked]
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_what_is_not_repeatable_is_sent_once_when_its_answer_is_lost(misbehaving):
    server = misbehaving(HANGS_UP, Answer(body={}))
    with server.client() as client, pytest.raises(ServiceUnreachable):
        client.rollback("m")
    assert len(server.asked) == 1


def test_what_is_not_repeatable_is_sent_again_when_it_surely_was_not_done(misbehaving):
    alias = {"name": "m", "alias": "production", "version": 1, "revision": 2}
    server = misbehaving(BUSY, Answer(body=alias))
    with server.client() as client:
        assert client.rollback("m").version == 1


def test_nobody_listening_is_said_after_all_tries():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    message = r"127\.0\.0\.1.* after 4 tries.*longshot serve"
    with (
        Longshot(f"http://127.0.0.1:{port}", retries=QUICK) as client,
        pytest.raises(ServiceUnreachable, match=message),
    ):
        client.models()


def test_a_service_that_is_silent_is_waited_for_no_longer_than_said():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = time.monotonic()
        with Longshot(url, timeout_seconds=0.3) as client, pytest.raises(ServiceUnreachable, match="timeout_seconds"):
            client.models()
        assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestMalformed),
        (403, AccessDenied),
        (404, NotFound),
        (412, Conflict),
        (413, TooLarge),
        (422, DataRefused),
        (429, RateExceeded),
        (504, Unavailable),
        (500, ServiceFailed),
    ],
)
def test_a_refusal_is_an_error_of_its_family_with_everything_the_service_said(misbehaving, status, kind):
    server = misbehaving(problem(status, "the_code"))
    with server.client(retries=Retries(max_tries=1)) as client, pytest.raises(kind) as raised:
        client.models()
    error = raised.value
    assert isinstance(error, Refused | LongshotError)
    assert (error.status, error.code, error.detail) == (status, "the_code", "It cannot be.")
    assert (error.hint, error.request_id) == ("Wait.", "req_1")
    assert str(error) == "It cannot be. Wait. (the_code, req_1)"


def test_a_refusal_that_is_no_problem_document_is_told_by_its_status(misbehaving):
    server = misbehaving(Answer(418, b"<html>a proxy</html>"))
    with server.client() as client, pytest.raises(ServiceFailed, match="418") as raised:
        client.models()
    assert raised.value.code == "http_418"


@pytest.mark.parametrize("body", [b"<html></html>", b"[1]", b'{"data": [{}]}'])
def test_an_answer_that_is_not_ours_is_said_to_be_unreadable(misbehaving, body):
    with misbehaving(Answer(body=body)).client() as client, pytest.raises(AnswerUnreadable):
        client.models()


def test_the_key_goes_with_every_request_and_large_bodies_are_packed(misbehaving):
    server = misbehaving(Answer(body={"id": "ds_1", "num_series": 1, "num_observations": 9}))
    small, large = ({"timestamp": [f"{n:05}" for n in range(size)], "target": [1.0] * size} for size in (3, 9000))
    with server.client(api_key="lsk_1", compress=True) as client:
        for table in (small, large):
            client.upload(pa.table(table))
    assert {one.headers["authorization"] for one in server.asked} == {"Bearer lsk_1"}
    assert "content-encoding" not in server.asked[0].headers
    assert server.asked[1].headers["content-encoding"] == "zstd"
    assert len(server.asked[1].body) < 60_000
    assert pa.ipc.open_stream(pa.CompressedInputStream(pa.py_buffer(server.asked[1].body), "zstd").read()).read_all()


def test_nothing_is_packed_that_stays_on_this_machine(misbehaving):
    server = misbehaving(Answer(body={"id": "ds_1", "num_series": 1, "num_observations": 9}))
    with server.client() as client:
        client.upload(pa.table({"timestamp": [f"{n:05}" for n in range(9000)], "target": [1.0] * 9000}))
    headers = server.asked[0].headers
    assert (headers.get("content-encoding"), headers["accept-encoding"]) == (None, "identity")


def test_the_environment_says_where_the_service_is_and_who_calls(misbehaving, monkeypatch):
    server = misbehaving(MODELS)
    monkeypatch.setenv("LONGSHOT_URL", server.url)
    monkeypatch.setenv("LONGSHOT_API_KEY", "lsk_env")
    for key in (None, "lsk_said"):
        with Longshot(api_key=key) as client:
            client.models()
    assert [one.headers["authorization"] for one in server.asked] == ["Bearer lsk_env", "Bearer lsk_said"]


def test_health_is_told_and_not_raised(misbehaving):
    server = misbehaving(problem(503, "not_ready", Retry_After="2"), Answer(body={"status": "ready", "version": "m/1"}))
    with server.client() as client:
        assert (client.health().is_ready, client.health().detail) == (False, "m/1")


def test_an_event_loop_asks_the_same_way(misbehaving):
    server = misbehaving(BUSY, HANGS_UP, MODELS, Answer(202, JOB), Answer(body={**JOB, "state": "succeeded"}))

    async def ask() -> list[str]:
        async with AsyncLongshot(server.url, retries=QUICK) as client:
            assert [one.name for one in await client.models()] == ["m"]
            job = await client.fit("ds_1", model="m", wait=False)
            return [state.state async for state in job.watch()]

    assert asyncio.run(ask()) == ["succeeded"]
    assert len(server.asked) == 5


def test_the_client_loads_neither_torch_nor_the_service_nor_what_handles_tables():
    script = "import sys, app.client; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "model", "fastapi", "pydantic", "sqlalchemy", "pandas", "pyarrow", "numpy"}


def test_the_client_is_there_within_half_a_second_of_computing():
    script = "import time; import app.client; print(time.process_time())"
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=60) for _ in range(3)
    ]
    assert min(float(one.stdout) for one in runs) <= 0.5
