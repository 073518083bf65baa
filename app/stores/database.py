"""The one database: its engine, its sessions, its migrations."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import alembic.command
import alembic.config
import alembic.migration
import alembic.script
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.errors import CursorInvalid, DatabaseTooNew
from app.stores.tables import Base

Item = TypeVar("Item")

_MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"
_MIGRATION_LOCK: Final = 5_417_903_112
_BUSY_MILLISECONDS: Final = 20_000


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A part of a list, newest first, and where the next part starts; None at the end."""

    items: tuple[Item, ...]
    next_cursor: str | None


class Database:
    """The engine and its sessions; safe to share between threads.

    Args:
        url: `sqlite:///FILE` or `postgresql://…`.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.engine = sa.create_engine(self.url, pool_pre_ping=self.url.get_backend_name() != "sqlite")
        if self.url.get_backend_name() == "sqlite":
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        self._watching = threading.Lock()
        self._watcher: sqlite3.Connection | None = None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one consistent state of the database."""
        with Session(self.engine) as session:
            yield session

    def first(self, query: sa.Executable, **values: object) -> "sa.Row[Any] | None":
        """The first row of a query's columns, at half the cost of a session: for what every request asks."""
        with self.engine.connect() as connection:
            return connection.execute(query, values).first()

    def stamp(self) -> int | None:
        """A number that every change makes another one, whichever process made it; None where only a query can tell.

        SQLite keeps it where all processes see it: reading it takes some microseconds.
        """
        if self.url.get_backend_name() != "sqlite":
            return None
        with self._watching:
            if self._watcher is None:
                # A connection of its own: none is told of the changes made through itself.
                self._watcher = sqlite3.connect(self.url.database or "", check_same_thread=False)
            found: int = self._watcher.execute("PRAGMA data_version").fetchone()[0]
        return found

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits at the end, or not at all; on SQLite it is the only writer meanwhile."""
        with Session(self.engine.execution_options(writes=True), expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()
        with self._watching:
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None


def migrate(database: Database) -> None:
    """Brings the tables to what this release expects; processes that start together do it once.

    Raises:
        DatabaseTooNew: A newer release has been here.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    scripts = alembic.script.ScriptDirectory.from_config(config)
    with _alone(database), database.engine.execution_options(writes=True).connect() as connection:
        found = alembic.migration.MigrationContext.configure(connection).get_current_revision()
        if found == scripts.get_current_head():
            return
        if found is not None and found not in {one.revision for one in scripts.walk_revisions()}:
            raise DatabaseTooNew(found, scripts.get_current_head() or "none")
        config.attributes.update(connection=connection, metadata=Base.metadata)
        alembic.command.upgrade(config, "head")
        connection.commit()


def read_cursor(cursor: str | None) -> int | None:
    """The row that a cursor stands for.

    Raises:
        CursorInvalid: It is none of ours.
    """
    if cursor is None:
        return None
    if not cursor.isdecimal() or len(cursor) > 18:
        raise CursorInvalid(cursor)
    return int(cursor)


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    file = database.url.database
    if database.url.get_backend_name() != "sqlite":
        with database.engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            yield
    elif file and file != ":memory:":
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        with Path(f"{file}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    else:
        yield


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001
    # The driver would begin transactions by rules of its own; `_begin_sqlite` does instead.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={_BUSY_MILLISECONDS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads before it writes must hold the write lock from its start: SQLite may refuse it later.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
