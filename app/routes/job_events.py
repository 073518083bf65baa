"""Jobs followed live, as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from app.errors import JobNotFound
from app.jobs.events import JobKind
from app.routes.documented import problems
from app.routes.permissions import TRAIN
from app.routes.resources import Resources, Service
from app.schemas.job_events import JobEventBody, from_event, read_event_id
from app.schemas.refusals import EventIdInvalid

router = APIRouter(prefix="/v1/training-jobs", tags=["training jobs"])

_LOOK_SECONDS: Final = 0.5
"""How often the database is asked for what is new."""


EVENT_PROBLEMS: Final = problems(JobNotFound, EventIdInvalid) | {
    204: {"description": "The job has ended, and everything was told before."}
}


def begin_after(kind: JobKind) -> Callable[..., int]:
    """The dependency that gives the event to go on after; what is refused, is refused before the stream begins."""

    def begin(
        job_id: str,
        service: Service,
        response: Response,
        last_event_id: Annotated[
            str | None,
            Header(max_length=255, description="The id of the last event received; the stream goes on after it."),
        ] = None,
    ) -> int:
        number = read_event_id(last_event_id)
        new = service.job_events.since(job_id, number, kind)
        if new.is_last and not new.items:
            # Any other answer would have an EventSource connect again and again.
            response.status_code = 204
        return number

    return begin


@router.get(
    "/{job_id}/events",
    summary="Follow a training job",
    response_class=EventSourceResponse,
    dependencies=[TRAIN],
    responses=EVENT_PROBLEMS,
)
async def get_events(
    job_id: str, service: Service, after: Annotated[int, Depends(begin_after("train"))]
) -> AsyncIterator[JobEventBody]:
    """Each change of its state and each epoch, from the first or after `Last-Event-ID`, until the job ends."""
    async for event in follow(service, job_id, after):
        yield event  # type: ignore[misc]


async def follow(service: Resources, job_id: str, number: int) -> AsyncIterator[ServerSentEvent]:
    """The events of a job after one of them, until it ends or the service does."""
    while not service.leaving.is_set():
        new = await run_in_threadpool(service.job_events.since, job_id, number)
        for one in new.items:
            number = one.number
            yield from_event(one)
        if new.is_last:
            return
        await asyncio.sleep(_LOOK_SECONDS)
