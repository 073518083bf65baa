"""The home folder as commands open it: its database and its registry, and the record of who changed it."""

import getpass
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.audit_log import Action, AuditLog, Change
from app.stores.database import Database, migrate
from app.stores.registry import Registry
from app.telemetry import configure_logging


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database of the home folder, brought up to date; closed at the end.

    Raises:
        OperationError: The home folder or the database cannot be used.
    """
    settings.make_home()
    with closing(Database(settings.database_url)) as database:
        migrate(database)
        yield database


@contextmanager
def open_registry(settings: Settings) -> Iterator[Registry]:
    """The registry of the home folder; its database is closed at the end.

    Raises:
        OperationError: The home folder or the database cannot be used.
    """
    with open_database(settings) as database:
        yield Registry(database, ArtifactStore(settings.artifacts_path))


def enter_change(settings: Settings, action: Action, subject: str, **details: str | int | None) -> None:
    """Enters a change that was made from the command line in the audit log."""
    # A person reads what a command says; the line is for those who collect the service's log.
    configure_logging(settings.log_format, "warning")
    with open_database(settings) as database:
        AuditLog(database).enter(Change(actor(), action, subject, details))


def actor() -> str:
    """Who is named where a change from the command line is on record."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError, ImportError):
        # A container's user may have no name.
        return f"cli:{os.getuid()}"
