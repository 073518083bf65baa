"""docs/api.md is followed word by word, on a real service with a real worker."""

import re
import shutil
from pathlib import Path

import pytest

from tests.system.documents import examples, follow
from tests.system.test_service import Service

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"


@pytest.mark.system
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_example_of_the_interface_is_answered_as_it_is_shown(tmp_path: Path) -> None:
    assert all(one.kind and one.status for one in examples(DOCUMENT))
    service = Service(tmp_path, has_version=False)
    try:
        service.start()
        wrong = follow(DOCUMENT, tmp_path, service.address)
    finally:
        service.close()
    assert not wrong, "\n\n".join(wrong)


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
