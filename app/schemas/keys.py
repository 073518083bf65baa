"""API keys in JSON."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.schemas.horizon import parse_duration
from app.stores.database import Page
from app.stores.keys import ApiKey, NewKey, Scope


class KeyRequest(BaseModel):
    """A key to make."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"name": "dashboard", "scopes": ["forecast"], "expires_in": "90d"}]},
    )

    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3, description="`admin` includes the others.")]
    name: Annotated[str, Field(max_length=100, description="What it is for.")] = ""
    expires_in: Annotated[str | None, Field(description="90d, 12h or P90D; without it the key does not expire.")] = None

    @property
    def lifetime(self) -> timedelta | None:
        """How long the key lasts.

        Raises:
            DurationInvalid: It cannot be read.
        """
        return None if self.expires_in is None else parse_duration(self.expires_in).to_pytimedelta()


@dataclass(frozen=True)
class KeyBody:
    """An API key, without the key."""

    id: str
    name: str
    scopes: list[Scope]
    state: Literal["active", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class NewKeyBody(KeyBody):
    """A key that was just made, with the key, which no other answer shows again."""

    key: str


@dataclass(frozen=True)
class KeyPage:
    """API keys, newest first."""

    data: list[KeyBody]
    next_cursor: str | None


def from_key(key: ApiKey) -> KeyBody:
    """A key as JSON has it."""
    return KeyBody(
        id=key.id,
        name=key.name,
        scopes=list(key.scopes),
        state=key.state,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )


def from_new_key(new: NewKey) -> NewKeyBody:
    """A key that was just made as JSON has it."""
    return NewKeyBody(**vars(from_key(new.about)), key=new.text)


def from_keys(page: Page[ApiKey]) -> KeyPage:
    """A part of the list as JSON has it."""
    return KeyPage([from_key(one) for one in page.items], page.next_cursor)
