"""Log format, and the request or job that a line belongs to."""

import asyncio
import logging
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_NOISY = ("alembic", "dbos", "httpx", "sqlalchemy", "uvicorn.access")


def configure_logging(log_format: str, log_level: str) -> None:
    """Sends the lines of structlog and of every library to standard error, in one format.

    Args:
        log_format: `json`, one object a line, or `console`, for people.
        log_level: The least severe level that is logged.
    """
    level = logging.getLevelNamesMapping()[log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(log_format)))
    output.addFilter(_is_no_cancellation)
    logging.basicConfig(handlers=[output], level=level, force=True)
    # With a handler of its own, the workflow library would write past the format chosen here.
    logging.getLogger("dbos").addHandler(logging.NullHandler())
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def request_id_of(given: str) -> str:
    """The id of a request: the one that its caller gave, if it is harmless, or a new one."""
    return given if _REQUEST_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"


@contextmanager
def log_context(**values: str) -> Iterator[None]:
    """Adds values, such as `request_id` or `job_id`, to every line logged inside."""
    with structlog.contextvars.bound_contextvars(**values):
        yield


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    # What is cut off when the time to drain is over was told in a line before; its traceback tells nothing.
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _last(log_format: str) -> list[structlog.typing.Processor]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    # Without the values of local variables: they may be somebody's data, or a password.
    if log_format == "json":
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [strip, structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [strip, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
