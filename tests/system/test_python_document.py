"""docs/python.md is run block by block, on a real service with a real worker."""

import re
from pathlib import Path

import pytest

from tests.system.test_service import Service

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.system
def test_every_block_of_the_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = DOCUMENT.read_text(encoding="utf-8")
    service = Service(tmp_path, has_version=False)
    try:
        service.start()
        names: dict[str, object] = {}
        for found in BLOCK.finditer(text):
            # Blank lines before it, so that a traceback names the line of the document.
            code = "\n" * text[: found.start(1)].count("\n") + found.group(1)
            code = code.replace("http://127.0.0.1:8000", str(service.client.base_url).rstrip("/"))
            exec(compile(code, str(DOCUMENT), "exec"), names)
    finally:
        service.close()
    assert (tmp_path / "forecast.png").stat().st_size > 0
