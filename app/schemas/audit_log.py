"""The audit log in JSON."""

from dataclasses import dataclass
from datetime import datetime

from app.stores.audit_log import Action, Entry
from app.stores.database import Page


@dataclass(frozen=True)
class EntryBody:
    """A change on record: who made it, what it was, and to what."""

    number: int
    at: datetime
    actor: str
    action: Action
    subject: str
    details: dict[str, str | int | None]
    request_id: str | None
    address: str | None


@dataclass(frozen=True)
class EntryPage:
    """Changes on record, newest first."""

    data: list[EntryBody]
    next_cursor: str | None


def from_entry(entry: Entry) -> EntryBody:
    """An entry as JSON has it."""
    change = entry.change
    return EntryBody(
        number=entry.number,
        at=entry.at,
        actor=change.actor,
        action=change.action,
        subject=change.subject,
        details=dict(change.details),
        request_id=change.request_id,
        address=change.address,
    )


def from_entries(page: Page[Entry]) -> EntryPage:
    """A part of the log as JSON has it."""
    return EntryPage([from_entry(one) for one in page.items], page.next_cursor)
