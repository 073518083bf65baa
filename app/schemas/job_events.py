"""What happens to a training job, as server-sent events."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from fastapi.sse import ServerSentEvent

from app.job_events import JobEvent
from app.schemas.refusals import EventIdInvalid


@dataclass(frozen=True)
class JobEventBody:
    """The data of an event: another state of the job (`state`), or the losses after an epoch (`epoch`)."""

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
    number = content.pop("number")
    progress = 1.0 if event.state == "succeeded" else event.epoch / (event.num_epochs or 1)
    kind: Literal["state", "epoch"] = "state" if event.train_loss is None else "epoch"
    return ServerSentEvent(data=JobEventBody(progress=progress, **content), event=kind, id=str(number))


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
