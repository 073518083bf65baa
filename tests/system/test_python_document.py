"""The pages that show Python are run block by block, on a real service with a real worker."""

import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest

from app.client import Longshot
from tests.system.test_service import Service

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "docs" / "python.md",
    ROOT / "docs" / "tutorial.md",
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("documents"), has_version=False)
    service.start()
    yield service
    service.close()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_of_a_document_runs(
    document: Path, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    text = document.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for found in BLOCK.finditer(text):
        # Blank lines before it, so that a traceback names the line of the document.
        code = "\n" * text[: found.start(1)].count("\n") + found.group(1)
        code = code.replace("http://127.0.0.1:8000", str(service.client.base_url).rstrip("/"))
        exec(compile(code, str(document), "exec"), names)
    for client in (one for one in names.values() if isinstance(one, Longshot)):
        client.close()
    assert names, "the document shows no Python"
    for picture in re.findall(r'savefig\("(.+?)"\)', text):
        assert (tmp_path / picture).stat().st_size > 0
