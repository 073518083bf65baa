"""`longshot serve`: the service, with a worker beside it.

Nothing that loads torch is imported at the top: the worker is started first, so that both load it at the same time.
"""

import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from types import FrameType
from typing import Annotated, Any, Final, NoReturn

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from app.cli.home import open_database
from app.cli.refusals import one_line
from app.collector import loading
from app.errors import SettingInvalid
from app.settings import Settings
from app.stores.keyring import Keyring
from app.supervisor import Supervisor
from app.telemetry import configure_logging
from app.web.gate import answering
from app.web.security import check_host

_BACKLOG: Final = 2048
_HEAD_BYTES: Final = 2**16
_WATCH_SECONDS: Final = 0.1
_LINGER_SECONDS: Final = 2.0
_log = structlog.get_logger()


@one_line
def command(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: LONGSHOT_HOST, 127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one (default: LONGSHOT_PORT, 8000).")
    ] = None,
    *,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser once it answers.")] = False,
) -> None:
    """Serve forecasts over HTTP, with a worker beside it."""
    given: dict[str, Any] = {"host": host, "port": port}
    settings = replace(Settings.from_environment(), **{name: one for name, one in given.items() if one is not None})
    configure_logging(settings.log_format, settings.log_level)
    keys_are_needed = _are_keys_needed(settings)
    check_host(settings.host, allow_unauthenticated=settings.allow_unauthenticated, keys_are_needed=keys_are_needed)
    listener = _listen(settings.host, settings.port)
    # uvicorn ends by raising the signal that stopped it once more; nothing of ours may be cut short by that.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    address = _announce(listener)
    if not keys_are_needed:
        who = "everybody who can reach it" if settings.allow_unauthenticated else "every program of this machine"
        _log.warning(
            "there is no API key yet, so none is asked for", answers=who, hint="longshot keys create --scope admin"
        )
    page = address if open_page else None
    supervisor = Supervisor(settings) if settings.worker else None
    if supervisor is None:
        _serve(settings, listener, None, page)
        return
    supervisor.start()
    try:
        _serve(settings, listener, supervisor, page)
    finally:
        supervisor.stop()


def _are_keys_needed(settings: Settings) -> bool:
    with open_database(settings) as database, closing(Keyring(database)) as keyring:
        return keyring.are_needed()


def _serve(settings: Settings, listener: socket.socket, supervisor: Supervisor | None, page: str | None) -> None:
    with answering(listener, backlog=_BACKLOG), loading():
        application = _load(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            server_header=False,
            # uvicorn would believe every proxy of this machine, and not answer a long head with a problem.
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=[one.strip() for one in settings.trusted_proxies.split(",")],
            h11_max_incomplete_event_size=_HEAD_BYTES + settings.max_url_bytes + settings.max_header_bytes,
            timeout_graceful_shutdown=int(settings.shutdown_seconds),
        )
    )
    if page is not None:
        # The socket listens already: what the browser asks before the service takes it over waits for that.
        threading.Thread(target=webbrowser.open, args=(page,), name="opening", daemon=True).start()
    with _stopping_beside(server, supervisor, application.state.resources.leaving):
        server.run(sockets=[listener])


def _load(settings: Settings) -> FastAPI:
    from app.memory import share_arenas  # noqa: PLC0415 - loads Arrow
    from app.server import create_app  # noqa: PLC0415 - loads torch
    from app.worker import worker_alive  # noqa: PLC0415
    from model import limit_threads  # noqa: PLC0415

    # As many forecasts run at once as there are cores; more threads in each would only compete.
    limit_threads(1)
    share_arenas()
    return create_app(settings, worker_alive)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host.strip("[]"), port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise SettingInvalid("LONGSHOT_PORT", str(port), f"a port that is free on {host} ({reason})") from error
    # asyncio sets this only for sockets that name their protocol; without it a body waits 40 ms for its head's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _announce(listener: socket.socket) -> str:
    """Prints the address of the page, as the first line, and gives it; who asks before all is loaded is told so."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"Longshot listens on http://{shown}:{port} (how to use it: http://{shown}:{port}/docs)")
    sys.stdout.flush()
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, shown)
    return f"http://{reachable}:{port}"


@contextmanager
def _stopping_beside(server: uvicorn.Server, supervisor: Supervisor | None, leaving: threading.Event) -> Iterator[None]:
    """Stops the worker while requests drain, not after them: both are given the same seconds; ends what streams."""

    def watch() -> None:
        while not server.should_exit:
            time.sleep(_WATCH_SECONDS)
        leaving.set()
        if supervisor is not None:
            supervisor.stop()

    watcher = threading.Thread(target=watch, name="stopping", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        server.should_exit = True
        watcher.join()
        # A forecast that nobody waits for any more does not keep the process.
        threading.Thread(target=_end_soon, daemon=True).start()


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signature of a signal's receiver
    sys.exit(0)


def _end_soon() -> None:
    time.sleep(_LINGER_SECONDS)
    os._exit(0)
