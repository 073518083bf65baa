"""The clients themselves: a connection, and everything that can be asked over it, in a thread or in an event loop."""

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Self

import httpx

from app.client.conversations import Awaiting, Blocking
from app.client.jobs import AsyncJob, Job
from app.client.operations import Operations
from app.client.requests import Origin, Retries
from app.client.values import JobState

LOCAL: Final = "http://127.0.0.1:8000"
_CONNECT_SECONDS: Final = 5.0
_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")


class Longshot(Operations[Job], Blocking):
    """A running service, asked from a thread; several threads may share one.

        with Longshot("http://127.0.0.1:8000", api_key="lsk_…") as longshot:
            longshot.fit(frame, model="metro", horizon=24)
            print(longshot.forecast(frame, model="metro", horizon="7D").frame)

    Args:
        url: Of the service; if left out, the variable LONGSHOT_URL says it, or it is this machine's port 8000.
        api_key: What it knows the caller by, if it asks for one; if left out, the variable LONGSHOT_API_KEY says it.
        timeout_seconds: How long each try of a request may take.
        retries: How often a request is tried, and how long is waited in between.
        compress: Whether large bodies are packed, both ways; if left out, unless the service is on the same machine.
        http: What to send requests with, where a proxy or own certificates need it; closed with the client.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        retries: Retries | None = None,
        compress: bool | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self._origin = _origin(url, api_key, timeout_seconds, retries, compress=compress)
        self._http = http or httpx.Client()

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _job(self, path: str, state: JobState, notes: tuple[str, ...]) -> Job:
        return Job(self._http, self._origin, path, state, notes)


class AsyncLongshot(Operations[AsyncJob], Awaiting):
    """A running service, asked from an event loop: as `Longshot`, with `await` before each question.

    Args:
        url: Of the service; if left out, the variable LONGSHOT_URL says it, or it is this machine's port 8000.
        api_key: What it knows the caller by, if it asks for one; if left out, the variable LONGSHOT_API_KEY says it.
        timeout_seconds: How long each try of a request may take.
        retries: How often a request is tried, and how long is waited in between.
        compress: Whether large bodies are packed, both ways; if left out, unless the service is on the same machine.
        http: What to send requests with; it is closed with the client.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        retries: Retries | None = None,
        compress: bool | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._origin = _origin(url, api_key, timeout_seconds, retries, compress=compress)
        self._http = http or httpx.AsyncClient()

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _job(self, path: str, state: JobState, notes: tuple[str, ...]) -> AsyncJob:
        return AsyncJob(self._http, self._origin, path, state, notes)


def _origin(
    url: str | None, api_key: str | None, timeout_seconds: float, retries: Retries | None, *, compress: bool | None
) -> Origin:
    address = httpx.URL(url or os.environ.get("LONGSHOT_URL") or LOCAL)
    api_key = api_key or os.environ.get("LONGSHOT_API_KEY")
    is_packed = address.host not in _THIS_MACHINE if compress is None else compress
    headers = {"User-Agent": f"longshot-python/{_release()}", "Accept-Encoding": "gzip" if is_packed else "identity"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    timeout = httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, _CONNECT_SECONDS))
    return Origin(address, headers, timeout, retries or Retries(), is_packed)


def _release() -> str:
    try:
        return version("longshot")
    except PackageNotFoundError:
        return "unreleased"
