"""Write the parts of the documents that are made from the code, or check that they are current.

python docs/generate.py            rewrite them
python docs/generate.py --check    say which are out of date, and exit with 1 if any is
"""

import argparse
import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# The migrations' folder is described by its own first line; single migrations are history, not places to look for code.
UNLISTED = {Path("app/migrations/env.py"), Path("app/migrations/versions")}

# Of no class of errors, because they are found before there is a request to refuse.
OTHER_PROBLEMS = [
    (400, "json_malformed", "A body that is no JSON."),
    (422, "request_invalid", "A field that is missing, unknown or of another kind; `pointer` names it."),
    (404, "not_found", "A path that leads nowhere."),
    (405, "method_not_allowed", "A method that this resource has not."),
    (500, "internal_error", "A fault of the service's own; its log tells more under the `request_id`."),
]


def first_line(path: Path) -> str:
    """The first line of a module's docstring, without its full stop."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not docstring:
        sys.exit(
            f"{path.relative_to(ROOT)} has no docstring: its first line must name the module's one responsibility."
        )
    return docstring.splitlines()[0].rstrip(".")


def modules(package: Path) -> Iterator[Path]:
    """The files of a package in the order they are read: its own first, then each sub-package."""
    entries = sorted(package.iterdir(), key=lambda path: (path.is_dir(), path.name != "__init__.py", path.name))
    for path in entries:
        if path.relative_to(ROOT) in UNLISTED:
            continue
        if path.suffix == ".py":
            yield path
        elif (path / "__init__.py").exists():
            yield from modules(path)


def is_described(path: Path) -> bool:
    """Whether a file has something to say: an empty `__init__.py` has not."""
    return path.name != "__init__.py" or bool(path.read_text(encoding="utf-8").strip())


def drawn(paths: Iterable[Path]) -> str:
    """Modules and packages as a tree, each with its one responsibility."""
    rows = []
    for path in paths:
        place = path.parent if path.name == "__init__.py" else path
        parts = place.relative_to(ROOT).parts
        rows.append(("  " * (len(parts) - 1) + parts[-1] + ("/" if place.is_dir() else ""), first_line(path)))
    width = max(len(name) for name, _ in rows)
    return "```text\n" + "\n".join(f"{name:<{width}}  {line}" for name, line in rows) + "\n```"


def every_module() -> Iterator[Path]:
    """Whatever the service and the model are made of."""
    for package in ("app", "model"):
        yield from filter(is_described, modules(ROOT / package))


def module_map() -> str:
    """Every module of the service and the model with its one responsibility."""
    return drawn(every_module())


def folder_map() -> str:
    """Every folder of the service and the model with its one responsibility."""
    return drawn(path for path in every_module() if path.name == "__init__.py")


def layers() -> str:
    """The layers of each package, highest first, as the import contracts have them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    stacks = [contract for contract in contracts if contract["type"] == "layers"]
    blocks = [
        f"{stack['containers'][0]}\n" + "\n".join(f"    {layer}" for layer in stack["layers"]) for stack in stacks
    ]
    return "```text\n" + "\n\n".join(blocks) + "\n```"


def settings() -> str:
    """Every environment variable of the service with its default and meaning."""
    sys.path.insert(0, str(ROOT))
    described = importlib.import_module("app.settings").describe_settings()
    rows = [f"| `{one.variable}` | {one.default} | {one.text} |" for one in described]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def problems() -> str:
    """Every code with which a request can be refused, by status."""
    sys.path.insert(0, str(ROOT))
    found = importlib.import_module("app.web.problems")
    rows = [(rule.status, found.code_of(kind), kind.__doc__.splitlines()[0]) for kind, rule in found.RULES.items()]
    # What keeps a process from starting is no answer to a request.
    rows = sorted([one for one in rows if one[0] != 500] + OTHER_PROBLEMS)
    return "\n".join(
        ["| status | code | meaning |", "|---|---|---|", *(f"| {one[0]} | `{one[1]}` | {one[2]} |" for one in rows)]
    )


def commands() -> str:
    """Every command of the program with its arguments and options."""
    sys.path.insert(0, str(ROOT))
    found = importlib.import_module("app.cli.trees").every_command()
    return "\n\n".join(command_section(one) for one in found if one.path)


def command_section(command: Any) -> str:
    """One command, as the reference describes it."""
    arguments = [one.spellings[0] for one in command.parameters if not one.is_option]
    lines = [f"{'#' * (2 + len(command.path))} `{' '.join(['longshot', *command.path, *arguments])}`", "", command.text]
    if command.parameters:
        lines += ["", "| | |", "|---|---|", *map(parameter_row, command.parameters)]
    return "\n".join(lines)


def parameter_row(parameter: Any) -> str:
    """One argument or option, as the reference describes it."""
    written = f"{', '.join(parameter.spellings)} {parameter.value if parameter.is_option else ''}".strip()
    told = f" Default: {parameter.default}." if parameter.default else ""
    needed = " Needed." if parameter.is_option and parameter.is_required else ""
    escaped = [one.replace("|", "\\|") for one in (written, parameter.text + told + needed)]
    return f"| `{escaped[0]}` | {escaped[1]} |"


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"map": folder_map},
    "docs/map.md": {"map": module_map},
    "docs/architecture.md": {"layers": layers},
    "docs/operations.md": {"settings": settings},
    "docs/api.md": {"problems": problems},
    "docs/cli.md": {"commands": commands},
}


def with_part(text: str, part: str, content: str) -> str:
    """The document with what stands between a part's two marks replaced."""
    begin, end = f"<!-- {part}: made by docs/generate.py -->", f"<!-- {part}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    replaced, found = pattern.subn(lambda _: f"{begin}\n{content}\n{end}", text)
    if found != 1:
        sys.exit(f"Expected the mark '{begin}' once in the document, found it {found} times.")
    return replaced


def main() -> int:
    """Rewrite or check every document; the exit code."""
    parser = argparse.ArgumentParser(description="Make the generated parts of the documents.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a document is out of date")
    check = parser.parse_args().check
    stale = []
    for name, parts in PARTS.items():
        document = ROOT / name
        before = document.read_text(encoding="utf-8")
        after = before
        for part, make in parts.items():
            after = with_part(after, part, make())
        if after == before:
            continue
        stale.append(name)
        if not check:
            document.write_text(after, encoding="utf-8")
    if stale:
        print(f"{'Out of date, run `make format`' if check else 'Rewritten'}: {', '.join(stale)}")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
