"""Environments of their own for packages of others, each made once and kept."""

import fcntl
import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path


def make_environment(requirements: Path, *, sees_ours: bool = False) -> Path:
    """The interpreter of an environment with some packages.

    Args:
        requirements: What to install; the folder it is in gives the environment its name.
        sees_ours: Whether what is installed beside these tests need not be installed again. This project is not seen.
    """
    content = requirements.read_bytes() + sys.version.encode() + sys.prefix.encode() * sees_ours
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "longshot-tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{requirements.parent.name}-{hashlib.sha256(content).hexdigest()[:16]}"
    python = folder / "bin" / "python"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            venv.create(folder, clear=True)
            if sees_ours:
                _own_packages(folder).joinpath("ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
            pip = [sys.executable, "-m", "pip", "--python", python, "install", "--disable-pip-version-check", "--quiet"]
            subprocess.run([*pip, "--requirement", requirements], check=True)
            (folder / "ready").touch()
    return python


def _own_packages(folder: Path) -> Path:
    return Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
