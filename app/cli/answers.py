"""What commands print for machines: JSON, as the service would answer it."""

from typing import Annotated

import orjson
import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def echo_json(content: object) -> None:
    """Prints a value as JSON, on several lines."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY
    typer.echo(orjson.dumps(content, option=options).decode())
