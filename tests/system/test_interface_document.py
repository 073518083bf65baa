"""docs/api.md is followed word by word, on a real service with a real worker."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.test_service import Service

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
BLOCK = re.compile(r"^```(\w+)(?: (\d{3}))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"


@dataclass(frozen=True)
class Example:
    """A shell block, and what the document says that it answers."""

    shell: str
    kind: str
    status: str
    answer: str


def examples() -> Iterator[Example]:
    blocks = BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert [kind == "sh" for kind, _, _ in blocks] == [True, False] * (len(blocks) // 2)
    for (_, _, shell), (kind, status, answer) in zip(blocks[::2], blocks[1::2], strict=True):
        yield Example(shell, kind, status, answer)


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


def script(folder: Path, address: str) -> str:
    """All blocks as one script; each leaves its output and the status of its last answer in files."""
    parts = [
        "set -u",
        f"cd '{folder}'",
        """curl() { command curl -w '%{stderr}%{http_code}\\n' "$@"; }""",
    ]
    for number, one in enumerate(examples()):
        shell = one.shell.replace("localhost:8000", address)
        parts.append(f"{{\n{shell}}} > {number}.out 2> {number}.status")
    return "\n".join(parts)


@pytest.mark.system
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_example_of_the_interface_is_answered_as_it_is_shown(tmp_path: Path) -> None:
    service = Service(tmp_path, has_version=False)
    try:
        service.start()
        address = str(service.client.base_url).removeprefix("http://").rstrip("/")
        done = subprocess.run(["bash", "-c", script(tmp_path, address)], check=False, timeout=100)
        assert done.returncode == 0
    finally:
        service.close()
    wrong = [
        f"{one.shell}\n--- shown {one.status}\n{one.answer}\n--- answered {status}\n{output}"
        for number, one in enumerate(examples())
        if not _is_right(
            one,
            status := (tmp_path / f"{number}.status").read_text().split()[-1],
            output := (tmp_path / f"{number}.out").read_text(),
        )
    ]
    assert not wrong, "\n\n".join(wrong)


def _is_right(one: Example, status: str, output: str) -> bool:
    as_shown = json.loads if one.kind == "json" else str.strip
    return status == one.status and agrees(as_shown(one.answer), as_shown(output))


def test_every_guarantee_of_the_interface_names_a_test_that_exists() -> None:
    guarantees = re.findall(r"^- (?:.|\n(?!- |\n))*", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    tests = set()
    for path in DOCUMENT.parents[1].glob("tests/**/test_*.py"):
        tests |= set(re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(guarantees) > 30
    for one in guarantees:
        named = re.findall(r"`(test_\w+)`", one)
        assert named, f"no test is named after: {one}"
        assert set(named) <= tests, f"no such test: {set(named) - tests}"
