"""A server on the loopback interface that misbehaves as it is told, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.client import Longshot, Retries

QUICK = Retries(max_tries=4, first_seconds=0.02, longest_seconds=1.5)


@dataclass(frozen=True)
class Answer:
    """What the server does with one request; without a status it reads it and hangs up."""

    status: int | None = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


HANGS_UP = Answer(None)


def problem(status: int, code: str, **headers: str) -> Answer:
    body = {"status": status, "code": code, "detail": "It cannot be.", "hint": "Wait.", "request_id": "req_1"}
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Asked:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Misbehaving:
    """Answers with one thing after the other, and with the last one from then on."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append(Asked(self.command, self.path, headers, body))
                chosen = answers[min(len(server.asked), len(answers)) - 1]
                if chosen.status is None:
                    self.close_connection = True
                    return
                content = chosen.body if isinstance(chosen.body, bytes) else json.dumps(chosen.body).encode()
                self.send_response(chosen.status)
                for name, value in {"Content-Length": str(len(content)), **chosen.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - what the base class calls

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def client(self, **options: object) -> Longshot:
        return Longshot(self.url, **{"retries": QUICK, **options})

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def misbehaving() -> Iterator[Callable[..., Misbehaving]]:
    servers: list[Misbehaving] = []

    def start(*answers: Answer) -> Misbehaving:
        servers.append(Misbehaving(answers))
        return servers[-1]

    yield start
    for one in servers:
        one.close()
