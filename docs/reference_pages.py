"""The parts of the reference that are made while the site is: operations over HTTP, and Python's signatures."""

import importlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

Found = Mapping[str, Any]


class Operations(SphinxDirective):
    """Every operation of the OpenAPI document, by subject, and the shapes of what goes in and out."""

    def run(self) -> list[nodes.Node]:
        """The nodes in its place."""
        return self.parse_text_to_nodes("\n".join(_operations()), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_directive("operations", Operations)
    app.connect("autodoc-process-signature", _without_conversations)
    app.connect("autodoc-process-docstring", _with_literal_blocks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _operations() -> Iterator[str]:
    server, settings = importlib.import_module("app.server"), importlib.import_module("app.settings")
    with tempfile.TemporaryDirectory() as home:
        document = server.create_app(settings.Settings(home=Path(home)), lambda _: True).openapi()
    found: dict[str, list[tuple[str, str, Found]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    for subject, operations in found.items():
        yield from ("", f"## {subject.capitalize()}")
        for method, path, operation in operations:
            yield from _operation(method, path, operation)
    yield from ("", "## Shapes", "", "The objects that bodies are made of, by name.")
    for name, shape in sorted(document["components"]["schemas"].items()):
        yield from _shape(name, shape)


def _operation(method: str, path: str, operation: Found) -> Iterator[str]:
    yield from ("", f"### {operation['summary']}", "", "```text", f"{method} {path}", "```", "")
    yield operation.get("description", "")
    scopes = [scope for way in operation.get("security", []) for scope in next(iter(way.values()))]
    if "security" in operation:
        yield from ("", f"Needs a key with the scope `{scopes[0]}`." if scopes else "Needs any key.")
    parameters = [
        (f"`{one['name']}`", one["in"], _kind(one.get("schema", {})), one.get("description", ""))
        for one in operation.get("parameters", [])
    ]
    yield from _table(("parameter", "in", "type", "meaning"), parameters)
    bodies = _contents(operation.get("requestBody", {}))
    yield from ("", f"Body: {bodies}.") if bodies else ()
    rows = [(code, _contents(answer), answer["description"]) for code, answer in operation["responses"].items()]
    yield from _table(("status", "body", "meaning"), sorted(rows))


def _shape(name: str, shape: Found) -> Iterator[str]:
    yield from ("", f"### {name}", "", shape.get("description", ""))
    needed = shape.get("required", [])
    rows = [
        (f"`{field}`" if field in needed else f"`{field}`?", _kind(one), _meaning(one))
        for field, one in shape.get("properties", {}).items()
    ]
    yield from _table(("field", "type", "meaning"), rows)


def _meaning(field: Found) -> str:
    default = f" Default: `{field['default']}`." if field.get("default") is not None else ""
    return f"{field.get('description', '')}{default}"


def _contents(part: Found) -> str:
    kinds = [(media, one.get("schema", {})) for media, one in part.get("content", {}).items()]
    return ", ".join(f"`{media}`" + (f" {_kind(kind)}" if "$ref" in kind else "") for media, kind in kinds)


def _kind(schema: Found) -> str:
    """A type in a few words; one with a name of its own links to its shape."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(map(_kind, schema[several])))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_kind(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("type") or "any")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    for line in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in line) + " |"


def _without_conversations(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """A method of a client is written as a conversation, and returns what that comes to."""
    if returns and returns.startswith("Generator[Request"):
        result = returns.rpartition(", ")[2].removesuffix("]").replace("AnyJob", "Job")
        returns = f"Iterator[{result}]" if _is_followed(name) else result
    return signature, returns


def _is_followed(name: str) -> bool:
    """Whether a method gives one thing after the other."""
    client, conversations = importlib.import_module("app.client"), importlib.import_module("app.client.conversations")
    classes = (*client.Longshot.__mro__, *client.Job.__mro__)
    method = name.rpartition(".")[2]
    return any(isinstance(vars(one).get(method), conversations.Followed) for one in classes)


def _with_literal_blocks(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Code that is set in by four spaces after a blank line is code, as it is in Markdown."""
    made: list[str] = []
    for line in lines:
        is_code = line.startswith("    ") and made and not made[-1]
        if is_code and not any(earlier.startswith((":", "..")) for earlier in made[-4:]):
            made += [".. code-block:: python", ""] if not _in_code(made) else []
        made.append(line)
    lines[:] = made


def _in_code(lines: Sequence[str]) -> bool:
    above = [one for one in lines if one]
    return bool(above) and above[-1].startswith("    ")
