"""The home folder as commands open it: its database, brought up to date, and the record of who changed it."""

import getpass
import os

from app.settings import Settings
from app.stores.audit_log import Action, AuditLog, Change
from app.stores.database import Database, migrate
from app.telemetry import configure_logging


def open_database(settings: Settings) -> Database:
    """The database of the home folder, brought up to date.

    Raises:
        OperationError: The home folder or the database cannot be used.
    """
    settings.make_home()
    database = Database(settings.database_url)
    migrate(database)
    return database


def enter_change(settings: Settings, action: Action, subject: str, **details: str | int | None) -> None:
    """Enters a change that was made from the command line in the audit log."""
    # A person reads what a command says; the line is for those who collect the service's log.
    configure_logging(settings.log_format, "warning")
    database = open_database(settings)
    AuditLog(database).enter(Change(actor(), action, subject, details))
    database.close()


def actor() -> str:
    """Who is named where a change from the command line is on record."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError, ImportError):
        # A container's user may have no name.
        return f"cli:{os.getuid()}"
