"""Every environment variable the service reads."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from app.errors import HomeUnusable, SettingInvalid

PREFIX: Final = "LONGSHOT_"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _text(raw: str) -> str:
    if not raw:
        raise ValueError("not empty")
    return raw


def _path(raw: str) -> Path:
    return Path(_text(raw)).expanduser().absolute()


def _switch(raw: str) -> bool:
    if raw.lower() not in _TRUE + _FALSE:
        raise ValueError(f"one of {', '.join(_TRUE + _FALSE)}")
    return raw.lower() in _TRUE


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not raw.strip().isdecimal() or not low <= int(raw) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(raw)

    return parse


def _seconds(raw: str) -> float:
    try:
        value = float(raw)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise ValueError("a number of seconds above 0 and at most 86400")
    return value


def _share(raw: str) -> float:
    try:
        value = float(raw)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1")
    return value


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return raw.lower()

    return parse


def _database_url(raw: str) -> str:
    if urlsplit(raw).scheme.split("+")[0] not in ("sqlite", "postgresql", "postgres"):
        raise ValueError("sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    return "postgresql" + raw.removeprefix("postgres") if raw.startswith("postgres:") else raw


def _about(parse: Callable[[str], object], text: str, *, shown: str = "") -> dict[str, object]:
    return {"parse": parse, "text": text, "shown": shown}


def _rate_limit_storage(raw: str) -> str:
    if raw != "memory" and urlsplit(raw).scheme not in ("redis", "rediss", "redis+unix"):
        raise ValueError("memory or redis://HOST:PORT/DATABASE")
    return raw


def _networks(raw: str) -> str:
    for one in raw.split(","):
        try:
            ipaddress.ip_network(one.strip())
        except ValueError:
            raise ValueError("addresses or networks with commas between, such as 127.0.0.1,10.0.0.0/8") from None
    return raw


def _origins(raw: str) -> str:
    for one in raw.split(","):
        parts = urlsplit(one.strip())
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
            raise ValueError("origins with commas between, such as https://example.com")
    return raw


def _reference(raw: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]*(@[a-z0-9][a-z0-9._-]*|/[0-9]+)?", raw) is None:
        raise ValueError("a model, as name, name@alias or name/3")
    return raw


_COUNT = _whole(1, 10**12)
_RATE = _whole(0, 10**12)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process, complete and valid.

    Each field is read from the variable of its name in capitals after `LONGSHOT_`; its metadata say what it is.
    """

    home: Path = field(
        default_factory=lambda: Path("~/.longshot").expanduser(),
        metadata=_about(_path, "Folder for everything the service keeps.", shown="~/.longshot"),
    )
    host: str = field(default="127.0.0.1", metadata=_about(_text, "Address to listen on."))
    port: int = field(default=8000, metadata=_about(_whole(0, 65_535), "Port to listen on; 0 takes a free one."))
    database_url: str = field(
        default="",
        metadata=_about(_database_url, "URL of the database, sqlite or postgresql.", shown="a SQLite file in the home"),
    )
    allow_unauthenticated: bool = field(
        default=False, metadata=_about(_switch, "Whether to listen beyond loopback although no API key is asked for.")
    )
    max_body_bytes: int = field(
        default=16 * 2**20, metadata=_about(_COUNT, "Largest request body, in bytes, once decompressed.")
    )
    max_compression_ratio: int = field(
        default=200,
        metadata=_about(_COUNT, "Most times its compressed size that a body above a mebibyte may have."),
    )
    max_series: int = field(default=10_000, metadata=_about(_COUNT, "Most series in one request."))
    max_points: int = field(default=5_000_000, metadata=_about(_COUNT, "Most observations in one request."))
    max_horizon_steps: int = field(default=10_000, metadata=_about(_COUNT, "Most steps ahead in one forecast."))
    max_quantile_levels: int = field(default=50, metadata=_about(_COUNT, "Most quantile levels in one forecast."))
    max_forecast_values: int = field(
        default=20_000_000,
        metadata=_about(_COUNT, "Most values in one forecast: steps of all its series, times quantile levels."),
    )
    max_url_bytes: int = field(default=8 * 2**10, metadata=_about(_COUNT, "Longest path with its query, in bytes."))
    max_header_bytes: int = field(default=32 * 2**10, metadata=_about(_COUNT, "All headers of a request, in bytes."))
    max_concurrent_requests: int = field(
        default=512, metadata=_about(_COUNT, "Most requests answered at once; health routes are not counted.")
    )
    max_requests_per_minute: int = field(
        default=30_000, metadata=_about(_RATE, "Requests of one caller in a minute; 0 does not limit them.")
    )
    max_points_per_minute: int = field(
        default=100_000_000,
        metadata=_about(
            _RATE, "Observations sent and points forecast by one caller in a minute; 0 does not limit them."
        ),
    )
    rate_limit_storage: str = field(
        default="memory",
        metadata=_about(
            _rate_limit_storage, "Where callers' minutes are counted: memory, or redis://… for several servers."
        ),
    )
    cors_origins: str = field(
        default="",
        metadata=_about(_origins, "Origins whose pages may call, with commas between; none by default.", shown="none"),
    )
    trusted_proxies: str = field(
        default="",
        metadata=_about(
            _networks,
            "Addresses or networks of proxies whose X-Forwarded-For is believed, with commas between.",
            shown="none",
        ),
    )
    open_metrics: bool = field(
        default=False, metadata=_about(_switch, "Whether /metrics answers callers of other machines without a key.")
    )
    max_cutoffs: int = field(
        default=10_000,
        metadata=_about(_COUNT, "Most forecasts, each from its own cutoff, in one backtest or search for anomalies."),
    )
    max_remembered_values: int = field(
        default=5_000_000,
        metadata=_about(
            _RATE, "Most forecast values of datasets kept until their observations come; 0 compares nothing."
        ),
    )
    max_kept_values: int = field(
        default=20_000_000,
        metadata=_about(
            _RATE,
            "Values of forecasts kept under their ids, the oldest given up beyond; a forecast of more than a twentieth "
            "alone is not kept, and with 0 none is.",
        ),
    )
    kept_days: int = field(
        default=90, metadata=_about(_whole(1, 36_500), "Days that a forecast is kept under its id at most.")
    )
    frame_ancestors: str = field(
        default="",
        metadata=_about(
            _origins, "Origins whose pages may frame what lies under /embed/, with commas between.", shown="none"
        ),
    )
    drift_window_days: int = field(
        default=30, metadata=_about(_whole(1, 365), "Days of comparisons that tell whether a version has drifted.")
    )
    drift_tolerance: float = field(
        default=0.1, metadata=_about(_share, "The share that an interval may cover less than promised without drift.")
    )
    adaptive_rate: float = field(
        default=0.0,
        metadata=_about(
            _share, "How far a day of observations moves the intervals of a version by what they missed; 0 leaves them."
        ),
    )
    default_model: str = field(
        default="",
        metadata=_about(
            _reference,
            "What answers requests in the protocol of another product that name no model, or (TimeGPT) one unknown "
            "here: name, name@alias or name/3.",
            shown="none",
        ),
    )
    max_loaded_bytes: int = field(default=2**30, metadata=_about(_COUNT, "Memory for loaded versions, in bytes."))
    forecast_timeout_seconds: float = field(
        default=60.0, metadata=_about(_seconds, "Time for one forecast, in seconds.")
    )
    shutdown_seconds: float = field(
        default=20.0, metadata=_about(_seconds, "Time for requests in flight and the worker to end, in seconds.")
    )
    worker: bool = field(default=True, metadata=_about(_switch, "Whether `longshot serve` starts a worker beside it."))
    training_threads: int = field(
        default=1, metadata=_about(_whole(1, 1024), "Threads that a training computes on; more seldom pay.")
    )
    job_niceness: int = field(
        default=10,
        metadata=_about(_whole(0, 19), "How far jobs stand back from forecasts for a core, as `nice` counts."),
    )
    log_format: str = field(
        default="console", metadata=_about(_one_of("console", "json"), "How log lines are written: console or json.")
    )
    log_level: str = field(
        default="info",
        metadata=_about(
            _one_of("debug", "info", "warning", "error"),
            "The least severe level that is logged: debug, info, warning or error.",
        ),
    )

    def __post_init__(self) -> None:
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.home / 'longshot.db'}")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """The settings that an environment asks for; an empty variable counts as unset.

        Raises:
            SettingInvalid: A variable has a value it cannot have.
        """
        asked = {one.name: environ[variable(one.name)] for one in fields(cls) if environ.get(variable(one.name))}
        parsers = {one.name: one.metadata["parse"] for one in fields(cls)}
        return cls(**{name: _parsed(name, raw, parsers[name]) for name, raw in asked.items()})

    def to_environment(self) -> dict[str, str]:
        """The variables from which another process reads the same settings."""
        return {variable(one.name): _as_text(getattr(self, one.name)) for one in fields(self)}

    @property
    def jobs_url(self) -> str:
        """The URL of the database that keeps the workflows: a second file in the home, or the same server."""
        same = self.database_url.startswith("postgresql")
        return self.database_url if same else f"sqlite:///{self.home / 'jobs.db'}"

    @property
    def artifacts_path(self) -> Path:
        """The folder of checkpoints and datasets."""
        return self.home / "artifacts"

    @property
    def training_path(self) -> Path:
        """The folder where jobs keep what they need to go on."""
        return self.home / "training"

    def make_home(self) -> None:
        """Makes the home folder and proves that it can be written to.

        Raises:
            HomeUnusable: It cannot.
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            probe = self.home / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise HomeUnusable(str(self.home), error.strerror or type(error).__name__) from error


def variable(name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + name.upper()


@dataclass(frozen=True)
class SettingDescription:
    """One variable, for people: its name, default and meaning."""

    variable: str
    default: str
    text: str


def describe_settings() -> tuple[SettingDescription, ...]:
    """Every variable, in the order of the fields; what the generated table of the documentation is made of."""
    return tuple(
        SettingDescription(variable(one.name), one.metadata["shown"] or _as_text(one.default), one.metadata["text"])
        for one in fields(Settings)
    )


def _as_text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _parsed(name: str, raw: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(raw)
    except ValueError as error:
        raise SettingInvalid(variable(name), raw, str(error)) from None
