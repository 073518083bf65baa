import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import RateExceeded, SettingInvalid
from app.web.rate_limits import Allowance, RateLimits


def take(allowance: Allowance, count: int) -> int:
    for taken in range(count):
        try:
            allowance.take_request()
        except RateExceeded:
            return taken
    return count


def test_requests_are_counted_for_each_caller_alone():
    limits = RateLimits("memory", max_requests=3, max_points=0)
    assert take(limits.allowance("a"), 5) == 3
    assert take(limits.allowance("b"), 2) == 2
    with pytest.raises(RateExceeded, match="3 requests a minute") as caught:
        limits.allowance("a").take_request()
    assert 1 <= caught.value.retry_seconds <= 60
    assert "LONGSHOT_MAX_REQUESTS_PER_MINUTE" in caught.value.hint


def test_points_are_counted_once_they_are_known_and_refused_when_used_up():
    limits = RateLimits("memory", max_requests=0, max_points=100)
    first = limits.allowance("a")
    first.check_points()
    first.spend(99)
    first.check_points()
    first.spend(50)
    with pytest.raises(RateExceeded, match="100 points a minute"):
        limits.allowance("a").check_points()
    limits.allowance("b").check_points()


def test_headers_say_what_is_left_as_the_draft_has_them():
    allowance = RateLimits("memory", max_requests=3, max_points=100).allowance("a")
    allowance.take_request()
    allowance.spend(30)
    policies, left = allowance.headers["RateLimit-Policy"], allowance.headers["RateLimit"]
    assert policies == '"requests";q=3;w=60, "points";q=100;w=60'
    requests, points = left.split(", ")
    assert requests.startswith('"requests";r=2;t=')
    assert points.startswith('"points";r=70;t=')
    allowance.spend(500)
    assert '"points";r=0;' in allowance.headers["RateLimit"]


def test_nothing_is_limited_by_a_limit_of_0():
    allowance = RateLimits("memory", max_requests=0, max_points=0).allowance("a")
    assert take(allowance, 1000) == 1000
    allowance.spend(10**9)
    allowance.check_points()
    assert allowance.headers == {}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://:s3cret@127.0.0.1:1/0"])
def test_a_redis_that_is_not_there_is_refused_without_its_password(url):
    with pytest.raises(SettingInvalid, match="LONGSHOT_RATE_LIMIT_STORAGE") as caught:
        RateLimits(url, max_requests=1, max_points=1)
    assert "s3cret" not in str(caught.value)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    server = shutil.which("redis-server", path=f"{os.environ['PATH']}:/usr/sbin")
    if server is None:
        pytest.skip("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0", process
    process.terminate()
    process.wait()


@pytest.mark.system
def test_servers_that_share_a_redis_share_the_count_and_go_on_without_it(redis):
    url, process = redis
    one, other = (RateLimits(url, max_requests=3, max_points=100) for _ in range(2))
    assert take(one.allowance("a"), 2) == 2
    assert take(other.allowance("a"), 2) == 1
    one.allowance("a").spend(150)
    with pytest.raises(RateExceeded):
        other.allowance("a").check_points()
    process.terminate()
    process.wait()
    assert take(one.allowance("a"), 5) == 5
