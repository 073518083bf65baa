"""The parts of the project that are not code keep to what the code is."""

import functools
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])


def run(*command: str) -> str:
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == 0, f"{' '.join(command)}: {finished.stdout}{finished.stderr}"
    return finished.stdout


def targets() -> set[str]:
    return set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))


def tracked_files() -> list[Path]:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for path in map(ROOT.joinpath, listed.stdout.splitlines()) if path.is_file()]


def package_name(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    split = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(parts) == 2 for parts in split), "constraints.txt holds exact versions only"
    return {package_name(name): version for name, version in split}


def shell_lines(document: Path) -> list[str]:
    """The lines of a document's shell blocks, those continued by a backslash joined."""
    blocks = re.findall(
        r"^```(?:bash|sh|console)\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def test_generated_documents_are_current():
    run(sys.executable, "docs/generate.py", "--check")


def test_make_alone_lists_every_command():
    listed = set(re.findall(r"^  make ([a-z-]+) ", run("make"), re.MULTILINE))
    assert listed == targets()


def test_documents_name_only_commands_of_make_that_exist():
    called = re.compile(r"(?:^|[`|;&] ?)make ([a-z][a-z-]*)", re.MULTILINE)
    named = {target for document in DOCUMENTS for target in called.findall(document.read_text(encoding="utf-8"))}
    assert named <= targets()


@functools.cache
def options_of(command: str) -> frozenset[str]:
    """The options of one command of longshot, those of its sub-commands included."""
    module = importlib.import_module(f"app.cli.{command.replace('-', '_')}")
    application = getattr(module, "application", None)
    if application is None:
        application = typer.Typer()
        application.command()(module.command)
    found = [typer.main.get_command(application)]
    found += getattr(found[0], "commands", {}).values()
    return frozenset(option for each in found for parameter in each.params for option in parameter.opts)


def test_documents_name_only_commands_and_options_of_longshot_that_exist():
    for document in DOCUMENTS:
        for line in shell_lines(document):
            called = re.search(r"(?:^|[ /])longshot ([a-z-]+)([^|>]*)", line)
            if not called or line.startswith(("docker", "podman")):
                continue
            command, rest = called.groups()
            assert set(re.findall(r" (--[a-z-]+)", rest)) <= options_of(command), f"{document.name}: {line}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_functions_and_tests_that_the_mathematics_name_exist():
    model, tests = ([*ROOT.glob(f"{part}/**/*.py")] for part in ("model", "tests"))
    defined = re.compile(r"(?:def |class |^ {4})(\w+)(?=[(:])", re.MULTILINE)
    functions = {name for path in model for name in defined.findall(path.read_text("utf-8"))}
    proofs = {name for path in tests for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))}
    proofs |= {path.name for path in tests}
    lines = (ROOT / "docs/mathematics.md").read_text("utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if "| `" in line and "`test_" in line]
    assert len(rows) > 40
    for _, by, proven in rows:
        assert {part for name in re.findall(r"`([\w.]+)`", by) for part in name.split(".")} <= functions, by
        assert set(re.findall(r"`(test_[\w.]+)`", proven)) <= proofs, proven


def test_every_dependency_is_pinned():
    project = PYPROJECT["project"]
    wanted = project["dependencies"] + [each for extra in project["optional-dependencies"].values() for each in extra]
    assert {package_name(requirement) for requirement in wanted} - {project["name"]} <= pins().keys()


def test_every_dependency_is_imported_somewhere():
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for part in ("app", "model", "examples")
        for path in ROOT.glob(f"{part}/**/*.py")
    )
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", code, re.MULTILINE))
    wanted = {package_name(requirement).replace("-", "_") for requirement in PYPROJECT["project"]["dependencies"]}
    assert wanted <= imported


def test_torch_is_pinned_without_a_build_so_that_a_cpu_or_a_cuda_wheel_matches():
    assert re.fullmatch(r"[0-9.]+", pins()["torch"])


def test_another_torch_can_be_taken_from_the_same_constraints():
    assert (77, 0, 3) <= tuple(map(int, pins()["setuptools"].split("."))) < (82,), "torch 2.13 and torch 2.11"
    recipe = run("make", "--dry-run", "--always-make", "setup", "TORCH=2.11.0")
    assert "s/^torch==.*/torch==2.11.0/" in recipe
    assert "-c .venv/constraints.txt" in recipe


def test_the_changelog_knows_this_version_or_what_comes():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{PYPROJECT['project']['version']}]" in changelog or "## [Unreleased]" in changelog


def test_compose_publishes_to_this_machine_only():
    ports = re.findall(
        r'^ +- "?([0-9.:]+:[0-9]+)"?$', (ROOT / "docker/compose.yaml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_image_is_asked_for_its_health_where_its_settings_let_it_listen():
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "'http://127.0.0.1:' + os.environ['LONGSHOT_PORT'] + '/readyz'" in image
    assert "LONGSHOT_PORT=8000" in image
    assert 'CMD ["serve"]' in image, "an option would win over the setting"


def test_nothing_tracked_names_a_package_registry_or_a_path_of_one_machine():
    # Spelled in parts, so that this file does not name them either.
    registries = [
        ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("debian", "org"), ("npmjs", "org"))
    ]
    paths = ["/" + "/".join(parts) + "/" for parts in (("work",), ("root",), ("opt", "wheels"), ("home", "[a-z]+"))]
    forbidden = re.compile(rf"{'|'.join(map(re.escape, registries))}|(?<![\w.}}])(?:{'|'.join(paths)})".encode())
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in tracked_files()
        for match in forbidden.finditer(path.read_bytes())
    ]
    assert not found
