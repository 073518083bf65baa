"""What an API key is: its text, the digest that is kept of it, its scopes, how long it lasts."""

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args

from app.errors import KeyLifetimeInvalid

Scope = Literal["forecast", "train", "admin"]
"""What a key allows.

- `forecast`: to forecast, and to read models, versions and datasets.
- `train`: to change datasets, to run jobs, to move aliases and delete versions that none points at; and to read these.
- `admin`: everything, with keys, the audit log and `/metrics`.
"""

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
MAX_LIFETIME: Final = timedelta(days=3650)
_ALPHABET: Final = string.ascii_letters + string.digits
_ID_ALPHABET: Final = string.ascii_lowercase + string.digits
_NUM_SECRET: Final = 43  # characters of 62 kinds: 256 bits
_NUM_PUBLIC: Final = 12
_KEY: Final = re.compile(rf"lsk_(?P<public>[a-z0-9]{{{_NUM_PUBLIC}}})_[A-Za-z0-9]{{{_NUM_SECRET}}}")


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key; the key itself is not.

    Attributes:
        id: `key_…`, public.
        name: What its owner calls it.
        scopes: What it allows, in the order of `SCOPES`.
        created_at: When it was made.
        expires_at: When it ends; None for never.
        revoked_at: When it was revoked.
        last_used_at: When it was last used, give or take a minute.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def state(self) -> Literal["active", "expired", "revoked"]:
        """Whether it can be used now."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= datetime.now(UTC) else "active"

    def allows(self, scope: Scope | None) -> bool:
        """Whether it may do what needs a scope; what needs none is open to every key."""
        return scope is None or scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True)
class NewKey:
    """A key that was just made, with the text that is shown once."""

    about: ApiKey
    text: str


def new_text() -> tuple[str, str]:
    """The public id of a new key, and its whole text: `lsk_`, the id's random part, and 256 bits of secret."""
    public = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_NUM_PUBLIC))
    return f"key_{public}", f"lsk_{public}_{''.join(secrets.choice(_ALPHABET) for _ in range(_NUM_SECRET))}"


def public_id(text: str) -> str | None:
    """The id of the key that a text is written like; None if it is not written like one."""
    found = _KEY.fullmatch(text)
    return f"key_{found['public']}" if found else None


def digest_of(text: str) -> str:
    """What is kept of a key instead of its text."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_lifetime(lifetime: timedelta) -> timedelta:
    """A lifetime itself, if a key can have it.

    Raises:
        KeyLifetimeInvalid: The key would expire at once, or in another age.
    """
    if not timedelta(seconds=1) <= lifetime <= MAX_LIFETIME:
        raise KeyLifetimeInvalid(str(lifetime), MAX_LIFETIME.days)
    return lifetime
