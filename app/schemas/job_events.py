"""What happens to a job, as server-sent events."""

from dataclasses import asdict, dataclass
from datetime import datetime

from fastapi.sse import ServerSentEvent

from app.jobs.events import JobEvent
from app.schemas.refusals import EventIdInvalid


@dataclass(frozen=True)
class JobEventBody:
    """The data of an event: another state of the job, the losses after an epoch, other progress, or a decision."""

    at: datetime
    state: str
    epoch: int
    num_epochs: int | None
    progress: float
    eta_seconds: float | None
    train_loss: float | None
    validation_loss: float | None
    version: int | None
    detail: str | None


def from_event(event: JobEvent) -> ServerSentEvent:
    """An event as it is sent; its id is what `Last-Event-ID` names."""
    content = asdict(event)
    number, kind = content.pop("number"), content.pop("kind")
    return ServerSentEvent(data=JobEventBody(**content), event=kind, id=str(number))


def read_event_id(found: str | None) -> int:
    """The number of the event that a `Last-Event-ID` names; 0 without one.

    Raises:
        EventIdInvalid: No event has such an id.
    """
    if not found:
        return 0
    if not (found.isascii() and found.isdecimal()) or len(found) > 9:
        raise EventIdInvalid(found)
    return int(found)
