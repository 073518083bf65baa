"""While the service loads, who asks is answered at once."""

import socket
import time
from collections.abc import Iterator

import httpx
import orjson
import pytest

from app.errors import NotReady
from app.web.gate import answering
from app.web.problems import problem_response, to_problem


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def address(listener: socket.socket, path: str) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}{path}"


@pytest.mark.parametrize("body", [b"{}", b"x" * 5_000_000])
def test_while_the_service_loads_a_request_is_a_503_that_says_when_to_come_back(listener, body):
    with answering(listener, backlog=8):
        answer = httpx.post(address(listener, "/v1/forecasts?a=b"), content=body, headers={"x-request-id": "mine"})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert int(answer.headers["retry-after"]) >= 1
    expected = orjson.loads(problem_response(to_problem(NotReady(["it loads"])), "mine").body)
    assert answer.json() == expected | {"detail": "The service is still loading.", "hint": "Try again in a moment."}


def test_while_the_service_loads_it_lives(listener):
    with answering(listener, backlog=8):
        answers = [httpx.request(method, address(listener, "/livez")) for method in ("GET", "HEAD")]
        refused = httpx.head(address(listener, "/readyz"))
    assert [one.status_code for one in answers] == [200, 200]
    assert [one.content for one in answers] == [b'{"status":"alive"}', b""]
    assert answers[0].headers["x-request-id"].startswith("req_")
    assert (refused.status_code, refused.content) == (503, b"")


@pytest.mark.parametrize("target", [b"http://longshot.example/livez", b"HTTPS://longshot.example:8443/livez?now"])
def test_while_the_service_loads_a_target_with_a_host_is_its_path(listener, target):
    with answering(listener, backlog=8), socket.create_connection(listener.getsockname()) as caller:
        caller.sendall(b"GET %s HTTP/1.1\r\n\r\n" % target)
        assert caller.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET", b"\xff" * 100_000, b"GET / HTTP/1.1\r\n\r\n"])
def test_a_caller_who_says_anything_else_harms_nobody(listener, sent):
    with answering(listener, backlog=8), socket.create_connection(listener.getsockname()) as caller:
        caller.sendall(sent)
        assert httpx.get(address(listener, "/livez")).status_code == 200


def test_after_that_the_socket_is_as_it_was(listener):
    with answering(listener, backlog=8):
        httpx.get(address(listener, "/livez"))
    with socket.create_connection(listener.getsockname()) as caller:
        listener.settimeout(5)
        accepted, _ = listener.accept()
        accepted.sendall(b"hello")
        accepted.close()
        assert caller.recv(5) == b"hello"


def test_who_comes_while_it_ends_is_answered_or_waits_for_who_comes_next(listener):
    listener.setblocking(False)
    for turn in range(1500):
        with socket.socket() as caller:
            with answering(listener, backlog=8):
                caller.connect(listener.getsockname())
                caller.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
                caller.shutdown(socket.SHUT_WR)
                time.sleep(turn * 1e-6)
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                caller.settimeout(5)
                assert caller.recv(15) == b"HTTP/1.1 200 OK"
