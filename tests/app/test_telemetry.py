import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.telemetry import configure_logging, log_context


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_a_line_is_one_json_object_with_what_it_belongs_to(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "info")
    with log_context(request_id="r1"):
        structlog.get_logger().info("it happened", number=3)
        logging.getLogger("library").warning("so did %s", "this")
    structlog.get_logger().debug("not shown")
    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["level"], ours["number"], ours["request_id"]) == ("it happened", "info", 3, "r1")
    assert (theirs["event"], theirs["level"], theirs["request_id"]) == ("so did this", "warning", "r1")


def test_a_traceback_stays_within_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "info")
    try:
        raise ValueError("no")
    except ValueError:
        structlog.get_logger().exception("it failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["exception"][0]["exc_type"] == "ValueError"


def test_what_is_cut_off_at_the_end_leaves_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "info")
    try:
        raise asyncio.CancelledError
    except asyncio.CancelledError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_traceback_shows_the_values_of_variables(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure_logging(log_format, "info")
    password = "".join(("sec", "ret"))
    try:
        int("no", base=len(password))
    except ValueError:
        structlog.get_logger().exception("it failed")
    logged = capsys.readouterr().err
    assert "ValueError" in logged
    assert "secret" not in logged


def test_the_console_format_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console", "info")
    structlog.get_logger().info("it happened", number=3)
    assert "it happened" in capsys.readouterr().err
