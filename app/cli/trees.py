"""What there is to type: every command with its arguments and options, for completion and for the documents."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import typer.main

from app.cli import build

_KINDS: Final[dict[object, str]] = {int: "N", float: "NUMBER", str: "TEXT", Path: "FILE"}


@dataclass(frozen=True)
class Parameter:
    """An argument or an option.

    Attributes:
        spellings: How it is written, the long form first; of an argument, what it is called.
        text: What it is for.
        value: What stands for its value; nothing where it takes none.
        choices: The values there are, where they are few.
        default: What it is if left out; nothing where the text says it.
        is_option: Whether it is one.
        is_required: Whether it cannot be left out.
    """

    spellings: tuple[str, ...]
    text: str
    value: str
    choices: tuple[str, ...]
    default: str
    is_option: bool
    is_required: bool


@dataclass(frozen=True)
class Command:
    """The program, one of its commands, or one of a command's own.

    Attributes:
        path: The words that call it, after the program's name.
        text: What it does.
        parameters: Its arguments and options, without `--help`.
        children: The names of its own commands, with what they do.
    """

    path: tuple[str, ...]
    text: str
    parameters: tuple[Parameter, ...]
    children: dict[str, str]


def every_command() -> Iterator[Command]:
    """Each command, followed by its own; the first is the program itself."""
    yield from _below((), typer.main.get_command(build(lambda _: True)))


def _below(path: tuple[str, ...], command: Any) -> Iterator[Command]:
    children = getattr(command, "commands", {})
    hints = get_type_hints(inspect.unwrap(command.callback), include_extras=True) if command.callback else {}
    parameters = tuple(_parameter(one, hints.get(one.name)) for one in command.params)
    yield Command(path, _text(command), parameters, {name: _text(child) for name, child in children.items()})
    for name, child in children.items():
        yield from _below((*path, name), child)


def _parameter(found: Any, hint: Any) -> Parameter:
    kind = _bare(hint)
    choices = tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()
    is_option = found.param_type_name == "option"
    name = found.metavar or found.name.upper()
    shown = found.metavar or "|".join(choices) or _KINDS.get(kind, "TEXT")
    return Parameter(
        spellings=tuple(sorted(found.opts, key=lambda one: not one.startswith("--"))) if is_option else (name,),
        text=found.help or "",
        value="" if is_option and found.is_flag else shown,
        choices=choices,
        default="" if found.default in (None, False, "") else str(found.default),
        is_option=is_option,
        is_required=found.required,
    )


def _bare(hint: Any) -> Any:
    """A type without what was added to it: its description, `None`, and that there may be several."""
    while get_origin(hint) in (Annotated, Union, UnionType, list):
        hint = next(one for one in get_args(hint) if one is not type(None))
    return hint


def _text(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())
