"""`longshot keys`: who may call the service, and what for."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.answers import AsJson, echo_json
from app.cli.home import enter_change, open_database
from app.cli.refusals import one_line
from app.schemas.horizon import parse_duration
from app.schemas.keys import from_key, from_new_key
from app.settings import Settings
from app.stores.keyring import Keyring
from app.stores.keys import SCOPES, ApiKey, Scope

application = typer.Typer(invoke_without_command=True, pretty_exceptions_enable=False)

_PART = 200


def _scope(text: str) -> Scope:
    for one in SCOPES:
        if one == text:
            return one
    raise typer.BadParameter(f"{text!r} is none of {', '.join(SCOPES)}")


@application.callback()
@one_line
def keys(context: typer.Context, as_json: AsJson = False) -> None:  # noqa: FBT002
    """List API keys; create or revoke one."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@application.command("list")
@one_line
def list_keys(as_json: AsJson = False) -> None:  # noqa: FBT002
    """List the keys, those that can no longer be used among them."""
    _list(as_json=as_json)


@application.command()
@one_line
def create(
    scope: Annotated[
        list[str],
        typer.Option(
            metavar="forecast|train|admin",
            help="What it allows; repeat for several. admin includes the others.",
        ),
    ],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    expires_in: Annotated[
        str | None, typer.Option(metavar="90d|12h", help="When it ends (default: when it is revoked).")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Create a key, and print it this once."""
    scopes = tuple(map(_scope, scope))
    lifetime = None if expires_in is None else parse_duration(expires_in).to_pytimedelta()
    settings = Settings.from_environment()
    with _open(settings) as keyring:
        is_first = not keyring.are_needed()
        new = keyring.create(name, scopes, lifetime=lifetime)
    key = new.about
    enter_change(settings, "key.created", f"/v1/keys/{key.id}", scopes=" ".join(key.scopes), name=key.name)
    if as_json:
        echo_json(from_new_key(new))
        return
    typer.echo(new.text)
    typer.echo(f"This is the only time that the key {key.id} ({', '.join(key.scopes)}) is shown.", err=True)
    if is_first:
        typer.echo("It is the first one: from now on every request needs a key.", err=True)


@application.command()
@one_line
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="key_…")],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Revoke a key; a running service refuses it after two seconds at most."""
    settings = Settings.from_environment()
    with _open(settings) as keyring:
        key = keyring.revoke(key_id)
        is_last = not any(one.state == "active" for one in _all(keyring))
    enter_change(settings, "key.revoked", f"/v1/keys/{key.id}")
    if as_json:
        echo_json(from_key(key))
    else:
        typer.echo(f"{key.id} is revoked.")
    if is_last:
        typer.echo("No key is left that can be used; the service goes on asking for one.", err=True)


def _list(*, as_json: bool) -> None:
    with _open(Settings.from_environment()) as keyring:
        found = list(_all(keyring))
    if as_json:
        echo_json([from_key(one) for one in found])
    elif found:
        Console().print(_table(found))
    else:
        typer.echo("There is no key yet: the service answers its own machine only. longshot keys create --scope admin")


def _all(keyring: Keyring) -> Iterator[ApiKey]:
    cursor: str | None = None
    while True:
        page = keyring.list(limit=_PART, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


@contextmanager
def _open(settings: Settings) -> Iterator[Keyring]:
    with open_database(settings) as database, closing(Keyring(database)) as keyring:
        yield keyring


def _table(found: list[ApiKey]) -> Table:
    table = Table()
    table.add_column("id", no_wrap=True)
    for column in ("name", "scopes", "state", "expires", "last used"):
        table.add_column(column, overflow="fold")
    for key in found:
        dates = (_shown(one) for one in (key.expires_at, key.last_used_at))
        table.add_row(key.id, key.name, " ".join(key.scopes), key.state, *dates)
    return table


def _shown(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"
