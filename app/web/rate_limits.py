"""How much a caller may ask for in a minute: requests, and points in and out."""

import math
import time
from dataclasses import dataclass
from typing import Any, Final

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from app.errors import RateExceeded, SettingInvalid

WINDOW_SECONDS: Final = 60
_REDIS_SECONDS: Final = 0.5
_NAMESPACE: Final = "longshot"
_log = structlog.get_logger()


@dataclass(frozen=True)
class Policy:
    """A limit: of what, how many a minute, and the setting that says so."""

    what: str
    limit: int
    setting: str


@dataclass(frozen=True)
class Standing:
    """What a caller has left of a limit, and when it is whole again."""

    policy: Policy
    remaining: int
    reset_seconds: int


class RateLimits:
    """Counts what callers ask for, in windows of a minute that begin with a caller's first request.

    Where the counter cannot be reached, requests pass: a limit protects the service, it does not guard anything.

    Args:
        storage: `memory`, or the URL of a Redis that several servers share.
        max_requests: A minute; 0 for no limit.
        max_points: A minute; 0 for no limit.

    Attributes:
        are_near: Whether the counter is in this process, and nobody waits for it.

    Raises:
        SettingInvalid: The Redis cannot be used.
    """

    def __init__(self, storage: str, *, max_requests: int, max_points: int) -> None:
        self._windows = FixedWindowRateLimiter(_open(storage))
        self.are_near = storage == "memory"
        self.requests = Policy("requests", max_requests, "LONGSHOT_MAX_REQUESTS_PER_MINUTE")
        self.points = Policy("points", max_points, "LONGSHOT_MAX_POINTS_PER_MINUTE")

    def allowance(self, caller: str) -> "Allowance":
        """What a caller is allowed."""
        return Allowance(self._windows, (self.requests, self.points), caller)


class Allowance:
    """What one caller may still ask for, as one of its requests sees it.

    Args:
        windows: The counter.
        policies: For requests, and for points.
        caller: Whose it is.
    """

    def __init__(self, windows: FixedWindowRateLimiter, policies: tuple[Policy, Policy], caller: str) -> None:
        self._windows = windows
        self._requests, self._points = policies
        self._caller = caller
        self._standings: dict[str, Standing] = {}

    def take_request(self) -> None:
        """Counts a request.

        Raises:
            RateExceeded: It is one too many.
        """
        if not self._count(self._requests, 1):
            raise self._exceeded(self._requests)

    def check_points(self) -> None:
        """Refuses work while the points of this minute are used up.

        Raises:
            RateExceeded: They are.
        """
        standing = self._look(self._points)
        if standing is not None and standing.remaining <= 0:
            raise self._exceeded(self._points)

    def spend(self, num_points: int) -> None:
        """Counts points once they are known; the last answer of a minute may take more than was left."""
        if num_points > 0:
            self._count(self._points, num_points)

    def look(self) -> tuple[Standing, ...]:
        """What is left of each limit that is set."""
        found = (self._look(policy) for policy in (self._requests, self._points))
        return tuple(one for one in found if one is not None)

    @property
    def headers(self) -> dict[str, str]:
        """The standings as `RateLimit-Policy` and `RateLimit` have them.

        See draft-ietf-httpapi-ratelimit-headers-10.
        """
        standings = list(self._standings.values())
        if not standings:
            return {}
        policies = (f'"{one.policy.what}";q={one.policy.limit};w={WINDOW_SECONDS}' for one in standings)
        left = (f'"{one.policy.what}";r={max(0, one.remaining)};t={one.reset_seconds}' for one in standings)
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}

    def _count(self, policy: Policy, cost: int) -> bool:
        if not policy.limit:
            return True
        try:
            is_within = self._windows.hit(_item(policy), policy.what, self._caller, cost=cost)
        except StorageError as error:
            _warn(error)
            return True
        self._look(policy)
        return is_within

    def _look(self, policy: Policy) -> Standing | None:
        if not policy.limit:
            return None
        try:
            stats = self._windows.get_window_stats(_item(policy), policy.what, self._caller)
        except StorageError as error:
            _warn(error)
            return None
        reset_seconds = min(WINDOW_SECONDS, max(1, math.ceil(stats.reset_time - time.time())))
        self._standings[policy.what] = Standing(policy, stats.remaining, reset_seconds)
        return self._standings[policy.what]

    def _exceeded(self, policy: Policy) -> RateExceeded:
        standing = self._standings.get(policy.what)
        return RateExceeded(
            policy.what, policy.limit, standing.reset_seconds if standing else WINDOW_SECONDS, policy.setting
        )


def _item(policy: Policy) -> RateLimitItem:
    return RateLimitItemPerMinute(policy.limit, namespace=_NAMESPACE)


def _open(storage: str) -> Storage:
    if storage == "memory":
        return _storage("memory://")
    try:
        opened = _storage(storage, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS)
        reason = "" if opened.check() else "it does not answer"
    except ConfigurationError:
        reason = "its client is not installed: pip install 'longshot[redis]'"
    except StorageError as error:
        reason = str(error.storage_error)
    if reason:
        raise SettingInvalid("LONGSHOT_RATE_LIMIT_STORAGE", _without_password(storage), f"a Redis in reach ({reason})")
    return opened


def _storage(url: str, **options: Any) -> Storage:
    opened = storage_from_string(url, wrap_exceptions=True, **options)
    assert isinstance(opened, Storage)
    return opened


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _warn(error: StorageError) -> None:
    _log.warning("the counter of rate limits does not answer, requests pass", error=str(error.storage_error))
