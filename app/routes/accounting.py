"""What an answer owes to its caller: the headers that say what is left, and an entry in the audit log."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routes.permissions import CurrentCaller
from app.stores.audit_log import Action, AuditLog, Change


@dataclass(frozen=True)
class _Pending:
    """A change that is entered once the answer says that it was made."""

    actor: str
    action: Action
    subject: str | None
    address: str
    details: dict[str, str | int | None] = field(default_factory=dict)


def audited(action: Action, subject: str | None = None) -> Any:
    """The dependency of a route that changes something.

    Args:
        action: What the change is called.
        subject: The address of what is changed, with the route's parameters in braces; without it, the `Location` of
            the answer, or else the path of the request.
    """

    def expect(request: Request, caller: CurrentCaller) -> None:
        resource = subject and subject.format(**request.path_params)
        request.state.change = _Pending(caller.id, action, resource, caller.address)

    return Depends(expect)


def note(request: Request, **details: str | int | None) -> None:
    """Adds to the entry what the address of the changed resource does not tell."""
    request.state.change.details.update(details)


def note_nothing(request: Request) -> None:
    """Drops the entry: what was asked for was so before."""
    del request.state.change


def enter_now(request: Request, audit_log: AuditLog, address: str) -> None:
    """Enters the change at once, for it is made already, whatever the answer will be.

    Args:
        request: The request that asked for it.
        audit_log: Where it is entered.
        address: Of what was changed, where the route did not say.
    """
    pending = request.state.change
    note_nothing(request)
    audit_log.enter(_change(pending, address, getattr(request.state, "request_id", None)))


class Accounting:
    """Adds to answers what is left of their callers' limits, and enters changes in the audit log before they are told.

    Args:
        app: The application behind it.
        audit_log: Where changes are entered.
    """

    def __init__(self, app: ASGIApp, *, audit_log: AuditLog) -> None:
        self._app = app
        self._audit_log = audit_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""

        async def accounted(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._account(scope, message)
            await send(message)

        await self._app(scope, receive, accounted if scope["type"] == "http" else send)

    async def _account(self, scope: Scope, message: Message) -> None:
        state = scope.get("state", {})
        headers = MutableHeaders(scope=message)
        if "allowance" in state:
            headers.update(state["allowance"].headers)
        if "change" in state and message["status"] < 400:
            change = _change(state["change"], headers.get("location") or scope["path"], state.get("request_id"))
            enter: Callable[[Change], None] = self._audit_log.enter
            await run_in_threadpool(enter, change)


def _change(pending: _Pending, address: str, request_id: str | None) -> Change:
    return Change(
        actor=pending.actor,
        action=pending.action,
        subject=pending.subject or address,
        details=pending.details,
        request_id=request_id,
        address=pending.address,
    )
