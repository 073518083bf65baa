"""A training or a backtest on its way: watched, waited for, cancelled, resumed."""

from typing import TYPE_CHECKING, Any, Final

import httpx

from app.client.conversations import Awaiting, Blocking, Conversation, Followed, Operation, Pause, Told
from app.client.errors import JobCancelled, JobFailed, Problem
from app.client.progress import OnProgress, shown
from app.client.requests import Origin, read_object
from app.client.values import JobState

if TYPE_CHECKING:
    import pandas as pd

_FIRST_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 2.0


class _Job:
    """A job of the service.

    Attributes:
        state: As it stood when it was last looked at.
        notes: What the client guessed of the table it was submitted with.
    """

    def __init__(self, http: Any, origin: Origin, path: str, state: JobState, notes: tuple[str, ...]) -> None:
        self._http = http
        self._origin = origin
        self._path = path
        self.state = state
        self.notes = notes

    @property
    def id(self) -> str:
        """What the service calls it."""
        return self.state.id

    @property
    def version(self) -> str | None:
        """The version that a training made, or that a backtest examines, as `name/3`."""
        return None if self.state.version is None else f"{self.state.model}/{self.state.version}"

    @property
    def scores(self) -> "pd.DataFrame":
        """How the version and each baseline did, over all leads; of a backtest that has succeeded."""
        import pandas as pd  # noqa: PLC0415 - a second, for those who have a table anyway

        return pd.DataFrame((self.state.report or {}).get("scores", []))

    @property
    def scores_by_lead(self) -> "pd.DataFrame":
        """How they did from one lead to another, a row for each method and bucket of leads."""
        import pandas as pd  # noqa: PLC0415

        leads = (self.state.report or {}).get("leads", [])
        rows = [
            {"first_lead": one["first_lead"], "last_lead": one["last_lead"]} | s for one in leads for s in one["scores"]
        ]
        return pd.DataFrame(rows)

    @Operation
    def look(self) -> Conversation[JobState]:
        """Asks how it stands."""
        return (yield from self._ask("GET", self._path))

    @Followed
    def watch(self) -> Conversation[JobState]:
        """Each state that differs from the one before, until the job has ended."""
        return (yield from self._follow_states())

    @Operation
    def wait(self, *, show_progress: bool | None = None) -> Conversation[JobState]:
        """Waits until the job has ended.

        Args:
            show_progress: Whether to draw a bar; if left out, where standard error is a terminal.

        Raises:
            JobFailed, JobCancelled: It ended without a result.
        """
        return (yield from self.awaited(show_progress=show_progress))

    @Operation
    def cancel(self) -> Conversation[JobState]:
        """Asks it to stop: a queued one at once, a running one soon.

        Raises:
            Conflict: It has ended.
        """
        return (yield from self._ask("POST", f"{self._path}/cancel"))

    @Operation
    def resume(self) -> Conversation[JobState]:
        """Queues a cancelled or failed training again; it goes on from its last epoch.

        Raises:
            Conflict: It cannot go on.
        """
        return (yield from self._ask("POST", f"{self._path}/resume"))

    def awaited(self, *, show_progress: bool | None) -> Conversation[JobState]:
        """The conversation that `wait` holds."""
        with shown(self.state.model, is_wanted=show_progress) as draw:
            yield from self._follow_states(draw)
        if self.state.state == "cancelled":
            raise JobCancelled(f"Job {self.id} was cancelled; resume() goes on from its last epoch.")
        if self.state.state == "failed":
            found = self.state.error or {}
            raise JobFailed(
                Problem(0, found.get("code", "unknown"), found.get("detail", "It failed."), found.get("hint"))
            )
        return self.state

    def _follow_states(self, draw: OnProgress = lambda _: None) -> Conversation[JobState]:
        seconds, before = _FIRST_SECONDS, None
        while True:
            yield from self._ask("GET", self._path)
            draw(self.state)
            if self.state != before:
                yield Told(self.state)
                seconds = _FIRST_SECONDS
            if self.state.has_ended:
                return self.state
            before = self.state
            yield Pause(seconds)
            seconds = min(_LONGEST_SECONDS, 1.5 * seconds)

    def _ask(self, method: str, path: str) -> Conversation[JobState]:
        request = self._origin.request(method, path)
        response = yield from self._origin.send(request, is_repeatable=method == "GET")
        self.state = JobState.read(read_object(response))
        return self.state

    def __repr__(self) -> str:
        told = f"<Job {self.id}: {self.state.state}, {self.state.progress:.0%} of {self.version or self.state.model}>"
        return " ".join([told, *self.notes])


class Job(_Job, Blocking):
    """A job of the service, looked at from a thread."""

    _http: httpx.Client


class AsyncJob(_Job, Awaiting):
    """A job of the service, looked at from an event loop."""

    _http: httpx.AsyncClient
