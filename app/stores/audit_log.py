"""Who changed what, and when: a log that only grows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast, get_args

import sqlalchemy as sa
import structlog

from app.stores.database import Database, Page, now, read_cursor
from app.stores.tables import AuditRow

Action = Literal[
    "dataset.uploaded",
    "dataset.extended",
    "dataset.deleted",
    "forecast.deleted",
    "job.submitted",
    "job.cancelled",
    "job.resumed",
    "version.trained",
    "version.imported",
    "version.deleted",
    "alias.moved",
    "alias.rolled_back",
    "key.created",
    "key.revoked",
]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

_MAX_SUBJECT: Final = 500
_log = structlog.get_logger()


@dataclass(frozen=True)
class Change:
    """A change that was made.

    Attributes:
        actor: Who made it: `key_…`; `anonymous` while no key is needed; `cli:NAME` for a user of the machine; `job:ID`
            for a job, whose submission has an entry of its own.
        action: What it was.
        subject: What was changed, as the address of its resource.
        details: What the address does not tell, such as the version that an alias was pointed at.
        request_id: Of the request that asked for it.
        address: Where the request came from.
    """

    actor: str
    action: Action
    subject: str
    details: Mapping[str, str | int | None]
    request_id: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Entry:
    """A change on record.

    Attributes:
        number: 1 for the first entry; entries are never changed, nor removed.
        at: When it was entered, at most a moment after the change itself.
        change: The change.
    """

    number: int
    at: datetime
    change: Change


class AuditLog:
    """The log of changes.

    Args:
        database: Where it is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def enter(self, change: Change) -> None:
        """Adds a change, in the database and in the log of the process."""
        row = AuditRow(
            at=now(),
            actor=change.actor,
            action=change.action,
            subject=change.subject[:_MAX_SUBJECT],
            details=dict(change.details),
            request_id=change.request_id,
            address=change.address,
        )
        with self._database.writing() as session:
            session.add(row)
        _log.info("change", actor=row.actor, action=row.action, subject=row.subject, address=row.address, **row.details)

    def list(self, *, limit: int = 50, cursor: str | None = None, actor: str | None = None) -> Page[Entry]:
        """The entries, newest first.

        Args:
            limit: How many at most.
            cursor: Where the part before ended.
            actor: Whose changes; None for everybody's.

        Raises:
            CursorInvalid
        """
        query = sa.select(AuditRow).order_by(AuditRow.sequence.desc()).limit(limit + 1)
        before = read_cursor(cursor)
        if before is not None:
            query = query.where(AuditRow.sequence < before)
        if actor is not None:
            query = query.where(AuditRow.actor == actor)
        with self._database.reading() as session:
            rows = session.scalars(query).all()
        more = str(rows[limit - 1].sequence) if len(rows) > limit else None
        return Page(tuple(map(_to_entry, rows[:limit])), more)


def _to_entry(row: AuditRow) -> Entry:
    action = cast(Action, row.action)
    change = Change(row.actor, action, row.subject, row.details, row.request_id, row.address)
    return Entry(row.sequence, row.at, change)
