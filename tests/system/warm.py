"""`longshot` without its start: a process that has loaded everything forks for each call, and speaks on its pipes.

A document calls the program a dozen times, each of which would load torch anew.
"""

import array
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CALLER = """\
#!{python} -SE
import array, json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({address!r})
    pipes = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
    line.sendmsg([json.dumps([os.getcwd(), *sys.argv[1:]]).encode()], pipes)
    sys.exit(int(line.recv(8) or b"70"))
"""


@contextmanager
def warm_longshot(folder: Path, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """An environment in which `longshot` is answered by a process that waits for it.

    Args:
        folder: Where to keep what is needed.
        env: The environment of the program.
    """
    address, program = str(folder / "warm.sock"), folder / "bin" / "longshot"
    program.parent.mkdir()
    program.write_text(_CALLER.format(python=sys.executable, address=address))
    program.chmod(0o755)
    with subprocess.Popen([sys.executable, __file__, address], env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield {**env, "PATH": f"{program.parent}{os.pathsep}{env['PATH']}"}
        process.terminate()


def _wait_for_calls(address: str) -> None:
    from app.cli import build, main  # noqa: PLC0415 - not for those who import this module

    build(lambda _: True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        os.write(1, b"ready\n")
        while True:
            line, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                line.send(str(_answer(line, main)).encode())
                os._exit(0)
            line.close()


def _answer(line: socket.socket, main: object) -> int:
    content, ancillary, _, _ = line.recvmsg(2**16, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    pipes = array.array("i")
    pipes.frombytes(ancillary[0][2])
    for number, pipe in enumerate(pipes):
        os.dup2(pipe, number)
        os.close(pipe)
    folder, *words = json.loads(content)
    os.chdir(folder)
    sys.argv = ["longshot", *words]
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        # The caller's pipes end with this process, and its caller goes on once it has the code.
        sys.stdout.flush()
        sys.stderr.flush()
        for number in (0, 1, 2):
            os.close(number)
    return 0


if __name__ == "__main__":
    _wait_for_calls(sys.argv[1])
