"""One request until it is answered: sent again while that may help, and never where it could do something twice."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from app.client.conversations import Conversation, Pause
from app.client.errors import AnswerUnreadable, ServiceUnreachable, refusal

_WORTH_PACKING_BYTES: Final = 2**14
_RETRIED: Final = (429, 503)
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_TIMED_OUT: Final = (httpx.ReadTimeout, httpx.WriteTimeout)


@dataclass(frozen=True)
class Retries:
    """How often a request is tried, and how long is waited in between.

    The wait doubles from try to try, is shortened by a random share of up to a half so that many callers do not come
    back at once, and is never shorter than what the service asked for in `Retry-After`.

    Attributes:
        max_tries: In all; 1 never tries again.
        first_seconds: The longest wait before the second try.
        longest_seconds: The longest wait there is. A service that asks for more is not waited for.
    """

    max_tries: int = 5
    first_seconds: float = 0.5
    longest_seconds: float = 60.0

    def wait_seconds(self, num_tries: int, asked_for: float | None) -> float | None:
        """How long to wait after so many tries; None to give up."""
        if num_tries >= self.max_tries or (asked_for or 0) > self.longest_seconds:
            return None
        longest: float = min(self.longest_seconds, self.first_seconds * 2 ** (num_tries - 1))
        return max(asked_for or 0, longest * random.uniform(0.5, 1))


@dataclass(frozen=True)
class Origin:
    """Where requests go, and how patiently.

    Attributes:
        url: Of the service.
        headers: What goes with every request.
        timeout: Of each try.
        retries: Between tries.
        is_packed: Whether large bodies are packed, both ways.
    """

    url: httpx.URL
    headers: Mapping[str, str]
    timeout: httpx.Timeout
    retries: Retries
    is_packed: bool

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        media_type: str = "application/json",
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        """A request; a body that is worth it is packed."""
        named = {**self.headers, **(headers or {})}
        if body is not None:
            named["Content-Type"] = media_type
            if self.is_packed and len(body) >= _WORTH_PACKING_BYTES:
                body, named["Content-Encoding"] = _packed(body), "zstd"
        url = self.url.copy_with(path=self.url.path.rstrip("/") + path)
        if query:
            url = url.copy_merge_params({name: one for name, one in query.items() if one is not None})
        return httpx.Request(method, url, content=body, headers=named, extensions={"timeout": self.timeout.as_dict()})

    def send(self, request: httpx.Request, *, is_repeatable: bool = True) -> Conversation[httpx.Response]:
        """The answer to a request.

        Args:
            request: What to send.
            is_repeatable: Whether doing it twice is doing it once. If not, it is sent again only where it surely was
                not done the time before.

        Raises:
            Refused: The service said no.
            ServiceUnreachable: There was no answer.
        """
        num_tries = 0
        while True:
            num_tries += 1
            try:
                response = yield request
            except httpx.TransportError as error:
                is_lost = isinstance(error, _NEVER_SENT) or (is_repeatable and not isinstance(error, _TIMED_OUT))
                seconds = self.retries.wait_seconds(num_tries, None) if is_lost else None
                if seconds is None:
                    # Its message has the reason; the tracebacks of three libraries below would bury it.
                    raise _unreachable(request, error, num_tries) from None
            else:
                assert response is not None
                if response.is_success:
                    return response
                asked_for = _retry_after(response)
                is_passing = response.status_code in _RETRIED
                seconds = self.retries.wait_seconds(num_tries, asked_for) if is_passing else None
                if seconds is None:
                    raise refusal(response, asked_for)
            yield Pause(seconds)


def read_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object that an answer holds.

    Raises:
        AnswerUnreadable: It holds none.
    """
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise AnswerUnreadable(f"{response.request.url} answered {response.status_code}, but not in JSON of Longshot.")
    return found


def _unreachable(request: httpx.Request, error: httpx.TransportError, num_tries: int) -> ServiceUnreachable:
    tries = f" after {num_tries} tries" if num_tries > 1 else ""
    server = f"{request.url.scheme}://{request.url.netloc.decode()}"
    if isinstance(error, _TIMED_OUT):
        return ServiceUnreachable(f"{server} did not answer in time{tries}; give the client a longer timeout_seconds.")
    what = str(error) or type(error).__name__
    return ServiceUnreachable(f"{server} cannot be reached{tries}: {what}. Is `longshot serve` running there?")


def _retry_after(response: httpx.Response) -> float | None:
    found = response.headers.get("retry-after", "").strip()
    if found.isascii() and found.isdecimal():
        return float(found)
    try:
        until = parsedate_to_datetime(found)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _packed(body: bytes) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - a third of a second, for those who send something large

    packed: bytes = pa.Codec("zstd", 1).compress(body, asbytes=True)
    return packed
