"""The API keys of a service: made, listed, revoked, and recognised again in a request."""

import hmac
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.errors import KeyNotFound, KeyRefused
from app.stores.database import Database, Page, now, read_cursor
from app.stores.keys import SCOPES, ApiKey, NewKey, Scope, check_lifetime, digest_of, new_text, public_id
from app.stores.tables import ApiKeyRow

CACHE_SECONDS: Final = 2.0
"""How long a process believes what it knows of a key: a revoked one may work that much longer."""

NOTE_SECONDS: Final = 60.0
"""How often the last use of a key is written down, at most."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class _Known:
    about: ApiKey
    digest: str
    read_at: float


class Keyring:
    """The API keys of a service.

    Args:
        database: Where their digests are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, _Known] = {}
        self._is_open_until = 0.0
        self._is_closed = False
        self._noted: dict[str, float] = {}
        self._noting = threading.Lock()
        # Beside the requests: a note must not wait for another writer while somebody waits for a forecast.
        self._notes = ThreadPoolExecutor(1, thread_name_prefix="key-use")

    def create(self, name: str, scopes: tuple[Scope, ...], *, lifetime: timedelta | None = None) -> NewKey:
        """Makes a key; the only time that its text is known.

        Raises:
            KeyLifetimeInvalid: It would expire at once, or in another age.
        """
        if lifetime is not None:
            check_lifetime(lifetime)
        key_id, text = new_text()
        created_at = now()
        row = ApiKeyRow(
            id=key_id,
            name=name,
            scopes=" ".join(one for one in SCOPES if one in scopes),
            digest=digest_of(text),
            created_at=created_at,
            expires_at=None if lifetime is None else created_at + lifetime,
        )
        with self._database.writing() as session:
            session.add(row)
        self._is_closed = True
        return NewKey(_to_key(row), text)

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[ApiKey]:
        """The keys, newest first, those that cannot be used any more among them.

        Raises:
            CursorInvalid
        """
        query = sa.select(ApiKeyRow).order_by(ApiKeyRow.sequence.desc()).limit(limit + 1)
        before = read_cursor(cursor)
        if before is not None:
            query = query.where(ApiKeyRow.sequence < before)
        with self._database.reading() as session:
            rows = session.scalars(query).all()
        more = str(rows[limit - 1].sequence) if len(rows) > limit else None
        return Page(tuple(map(_to_key, rows[:limit])), more)

    def get(self, key_id: str) -> ApiKey:
        """The key of an id.

        Raises:
            KeyNotFound
        """
        with self._database.reading() as session:
            row = session.scalar(sa.select(ApiKeyRow).where(ApiKeyRow.id == key_id))
        if row is None:
            raise KeyNotFound(key_id)
        return _to_key(row)

    def revoke(self, key_id: str) -> ApiKey:
        """Ends a key for good; to revoke it again changes nothing.

        Raises:
            KeyNotFound
        """
        with self._database.writing() as session:
            row = session.scalar(sa.select(ApiKeyRow).where(ApiKeyRow.id == key_id).with_for_update())
            if row is None:
                raise KeyNotFound(key_id)
            row.revoked_at = row.revoked_at or now()
        self._known.pop(key_id, None)
        return _to_key(row)

    def are_needed(self) -> bool:
        """Whether a key was ever made: from then on every caller needs one, even when all are revoked."""
        if not self._is_closed and time.monotonic() >= self._is_open_until:
            with self._database.reading() as session:
                self._is_closed = session.scalar(sa.select(ApiKeyRow.sequence).limit(1)) is not None
            self._is_open_until = time.monotonic() + CACHE_SECONDS
        return self._is_closed

    def remembers(self, text: str | None) -> bool:
        """Whether `are_needed`, and `identify` of a key's text, answer without asking the database.

        Args:
            text: The key; None where none was given.
        """
        if not self._is_closed:
            return time.monotonic() < self._is_open_until
        return text is None or self._fresh(public_id(text) or "") is not None

    def identify(self, text: str) -> ApiKey:
        """The key that a text is, if it can be used now; notes that it was.

        Raises:
            KeyRefused: It is none, or has expired, or was revoked.
        """
        key_id = public_id(text)
        known = None if key_id is None else self._look_up(key_id)
        # An unknown key is compared too, with nothing, so that the time taken tells nothing.
        if not hmac.compare_digest(digest_of(text), known.digest if known else digest_of("")) or known is None:
            raise KeyRefused("this service knows no such key" if key_id else "it is not written like one (lsk_…)")
        about = known.about
        if about.state == "revoked":
            raise KeyRefused(f"{about.id} was revoked at {about.revoked_at:%Y-%m-%d %H:%M} UTC")
        if about.state == "expired":
            raise KeyRefused(f"{about.id} expired at {about.expires_at:%Y-%m-%d %H:%M} UTC")
        self._note_use(about.id)
        return about

    def close(self) -> None:
        """Writes the last notes."""
        self._notes.shutdown()

    def _fresh(self, key_id: str) -> _Known | None:
        known = self._known.get(key_id)
        return known if known is not None and time.monotonic() < known.read_at + CACHE_SECONDS else None

    def _look_up(self, key_id: str) -> _Known | None:
        known = self._fresh(key_id)
        if known is not None:
            return known
        read_at = time.monotonic()
        with self._database.reading() as session:
            row = session.scalar(sa.select(ApiKeyRow).where(ApiKeyRow.id == key_id))
        if row is None:
            return None
        # Only keys that exist are remembered, so strangers cannot fill the memory.
        self._known[key_id] = known = _Known(_to_key(row), row.digest, read_at)
        return known

    def _note_use(self, key_id: str) -> None:
        with self._noting:
            if time.monotonic() < self._noted.get(key_id, -NOTE_SECONDS) + NOTE_SECONDS:
                return
            self._noted[key_id] = time.monotonic()
        self._notes.submit(self._write_use, key_id)

    def _write_use(self, key_id: str) -> None:
        used_at = now()
        is_old = sa.or_(
            ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at <= used_at - timedelta(seconds=NOTE_SECONDS)
        )
        try:
            with self._database.writing() as session:
                session.execute(sa.update(ApiKeyRow).where(ApiKeyRow.id == key_id, is_old).values(last_used_at=used_at))
        except SQLAlchemyError as error:
            _log.warning("the last use of a key was not noted", key_id=key_id, error=str(error))


def _to_key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        scopes=cast(tuple[Scope, ...], tuple(row.scopes.split())),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
