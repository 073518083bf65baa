"""What can keep the client from an answer: refusals of the service by status, and what goes wrong before or after them.

LongshotError
├─ ServiceUnreachable        no connection, or no answer in time
├─ AnswerUnreadable          an answer, but not of this service
├─ FrameUnusable             a table that cannot be sent: no such column, or more than one that could be meant
├─ PlottingUnavailable       matplotlib is not installed
├─ JobFailed, JobCancelled   a job that was waited for ended without a result
└─ Refused                   the service said no; compare `code`, read `detail` and `hint`
   ├─ RequestMalformed       400, 405, 406, 414, 415, 431
   ├─ AccessDenied           401, 403
   ├─ NotFound               404
   ├─ Conflict               409, 412
   ├─ TooLarge               413
   ├─ DataRefused            422
   ├─ RateExceeded           429
   ├─ Unavailable            502, 503, 504
   └─ ServiceFailed          500, and whatever else
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class LongshotError(Exception):
    """Anything that kept the client from an answer."""


class ServiceUnreachable(LongshotError):
    """No connection to the service, or no answer of it in time."""


class AnswerUnreadable(LongshotError):
    """An answer that is not one of Longshot: perhaps something else listens at this address."""


class FrameUnusable(LongshotError):
    """A table that cannot be sent as it is."""


class PlottingUnavailable(LongshotError):
    """A plot was asked for, and there is nothing to draw it with."""

    def __init__(self) -> None:
        super().__init__("Plots need matplotlib, which is not installed: pip install 'longshot[plots]'")


@dataclass(frozen=True)
class Problem:
    """Why the service, or a job of it, did not do what was asked.

    Attributes:
        status: Of the HTTP answer; 0 where there was none, as for a job.
        code: The kind of problem; it never changes, so this is what to compare.
        detail: What was found and what is needed.
        hint: What to do about it.
        request_id: Under which the log of the service tells more.
        pointer: The field of the request that is at fault, as a JSON pointer.
        item_id: The series that is at fault.
        retry_after_seconds: When another try may do better, if the service said so.
    """

    status: int
    code: str
    detail: str
    hint: str | None = None
    request_id: str | None = None
    pointer: str | None = None
    item_id: str | None = None
    retry_after_seconds: float | None = None

    def __str__(self) -> str:
        told = f"{self.detail} {self.hint or ''}".strip()
        return f"{told} ({self.code}{f', {self.request_id}' if self.request_id else ''})"


class _Explained(LongshotError):
    """An error with a problem, whose facts are its own."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem

    @property
    def code(self) -> str:
        """The kind of problem."""
        return self.problem.code

    @property
    def detail(self) -> str:
        """What was found and what is needed."""
        return self.problem.detail

    @property
    def hint(self) -> str | None:
        """What to do about it."""
        return self.problem.hint

    @property
    def request_id(self) -> str | None:
        """Under which the log of the service tells more."""
        return self.problem.request_id


class JobFailed(_Explained):
    """A job that was waited for failed."""


class JobCancelled(LongshotError):
    """A job that was waited for was cancelled."""


class Refused(_Explained):
    """The service refused a request."""

    @property
    def status(self) -> int:
        """Of the HTTP answer."""
        return self.problem.status


class RequestMalformed(Refused):
    """The service cannot read the request."""


class AccessDenied(Refused):
    """The API key is missing, unknown, or not allowed to do this."""


class NotFound(Refused):
    """What was named is not there."""


class Conflict(Refused):
    """What was asked does not fit what is there."""


class TooLarge(Refused):
    """The request is larger than the service allows."""


class DataRefused(Refused):
    """The data or the options cannot be used."""


class RateExceeded(Refused):
    """More was asked in a minute than this caller may ask."""


class Unavailable(Refused):
    """The service cannot answer at the moment, also not after all retries."""


class ServiceFailed(Refused):
    """A fault of the service itself; its log tells more under the `request_id`."""


_KINDS: dict[int, type[Refused]] = {
    **dict.fromkeys((400, 405, 406, 414, 415, 431), RequestMalformed),
    **dict.fromkeys((401, 403), AccessDenied),
    404: NotFound,
    **dict.fromkeys((409, 412), Conflict),
    413: TooLarge,
    422: DataRefused,
    429: RateExceeded,
    **dict.fromkeys((502, 503, 504), Unavailable),
}


def refusal(response: "httpx.Response", retry_after_seconds: float | None) -> Refused:
    """The error that an answer with an error status stands for, whether it is a problem document or not."""
    body = _json_object(response)
    status = response.status_code
    problem = Problem(
        status,
        str(body.get("code") or f"http_{status}"),
        str(body.get("detail") or f"{response.request.url} answered {status} {response.reason_phrase}."),
        body.get("hint"),
        body.get("request_id") or response.headers.get("x-request-id"),
        body.get("pointer"),
        body.get("item_id"),
        retry_after_seconds,
    )
    return _KINDS.get(status, ServiceFailed)(problem)


def _json_object(response: "httpx.Response") -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
