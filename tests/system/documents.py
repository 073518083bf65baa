"""Documents whose shell blocks are run, and whose other blocks are what they answer."""

import json
import re
import subprocess
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)(?: (\d{3}))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"


@dataclass(frozen=True)
class Example:
    """A shell block, and what the document says that it answers; no kind where it says nothing."""

    shell: str
    kind: str = ""
    status: str = ""
    answer: str = ""


def examples(document: Path) -> list[Example]:
    """The shell blocks of a document, each with the block that follows it, if that is an answer.

    Blocks in `bash` and `python` are for others to run, and what comes before the first one in `sh` answers nothing.
    """
    blocks = [one for one in BLOCK.findall(document.read_text(encoding="utf-8")) if one[0] not in ("bash", "python")]
    blocks = list(dropwhile(lambda one: one[0] != "sh", blocks))
    found: list[Example] = []
    for kind, status, text in blocks:
        if kind == "sh":
            found.append(Example(text))
        else:
            assert not found[-1].kind, f"two answers to one block: {text}"
            found[-1] = Example(found[-1].shell, kind, status, text)
    return found


def follow(document: Path, folder: Path, address: str, env: dict[str, str] | None = None) -> list[str]:
    """Runs the blocks of a document in one shell, in a folder, and says what was answered otherwise than is shown.

    Args:
        document: Its requests go to `localhost:8000`.
        folder: Where to run it.
        address: Of the service that answers instead.
        env: Of the shell.
    """
    blocks = examples(document)
    parts = ["set -u", f"cd '{folder}'", """curl() { command curl -w '%{stderr}%{http_code}\\n' "$@"; }"""]
    for number, one in enumerate(blocks):
        shell = one.shell.replace("localhost:8000", address)
        parts.append(f"{{\n{shell}}} > {number}.out 2> {number}.err")
    done = subprocess.run(["bash", "-c", "\n".join(parts)], check=False, timeout=110, env=env)
    assert done.returncode == 0
    wrong = []
    for number, one in enumerate(blocks):
        output, told = ((folder / f"{number}.{kind}").read_text() for kind in ("out", "err"))
        if not _is_right(one, output, told):
            wrong.append(f"{one.shell}\n--- shown {one.status}\n{one.answer}\n--- answered\n{output}\n--- told\n{told}")
    return wrong


def agrees(shown: object, found: object) -> bool:
    """Whether an answer is what is shown of it: the same, but for `…` and the digits of numbers with a point."""
    if shown == ANYTHING:
        return True
    if isinstance(shown, dict) and isinstance(found, dict):
        named = shown.keys() - {ANYTHING}
        complete = named == found.keys() or (ANYTHING in shown and named <= found.keys())
        return complete and all(agrees(shown[name], found[name]) for name in named)
    if isinstance(shown, list) and isinstance(found, list):
        first = [one for one in shown if one != ANYTHING]
        complete = len(first) == len(found) or (len(first) < len(shown) and len(first) <= len(found))
        return complete and all(map(agrees, first, found))
    if isinstance(shown, str) and isinstance(found, str):
        return re.fullmatch(".*".join(map(re.escape, shown.split(ANYTHING))), found, re.DOTALL) is not None
    return isinstance(found, int | float) if isinstance(shown, float) else shown == found


def _is_right(example: Example, output: str, told: str) -> bool:
    if not example.kind:
        return True
    as_shown = json.loads if example.kind == "json" else str.strip
    status = told.rsplit(maxsplit=1)[-1] if example.status else ""
    return status == example.status and agrees(as_shown(example.answer), as_shown(output))
