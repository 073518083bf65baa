"""Completion: what a shell offers is what there is to type."""

import shutil
import subprocess

import pytest

from app.cli.trees import every_command
from tests.app.cli.conftest import Run


def offered(script: str, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    typed = " ".join(f"'{one}'" for one in words)
    asked = f"COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _longshot; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_offers_commands_options_and_choices(run: Run):
    script = run("completion", "bash").out
    assert {"forecast", "models", "jobs"} <= set(offered(script, "longshot", ""))
    assert offered(script, "longshot", "models", "pro") == ["promote"]
    assert offered(script, "longshot", "models", "promote", "m", "1", "--al") == ["--alias"]
    assert offered(script, "longshot", "forecast", "table.csv", "--format", "") == ["csv", "json", "parquet", "arrow"]
    assert offered(script, "longshot", "completion", "f") == ["fish"]


def test_every_command_and_option_is_in_every_script(run: Run):
    scripts = [run("completion", shell).out for shell in ("bash", "zsh", "fish")]
    assert "bashcompinit" in scripts[1]
    for command in every_command():
        for script in scripts:
            assert all(child in script for child in command.children)
        for option in (one for one in command.parameters if one.is_option):
            assert option.spellings[0] in scripts[0]
            assert f"-l {option.spellings[0][2:]}" in scripts[2]


def test_every_command_that_answers_prints_json_if_asked_to():
    silent = {"serve", "worker", "completion"}
    for command in every_command():
        if command.path and command.path[0] not in silent:
            assert any("--json" in one.spellings for one in command.parameters), command.path
