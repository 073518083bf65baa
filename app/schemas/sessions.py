"""Signing in, in JSON."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.schemas.keys import KeyBody, from_key
from app.sessions import token_of
from app.stores.keys import ApiKey


class SignInRequest(BaseModel):
    """The key to sign in with."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: Annotated[str, Field(min_length=1, max_length=256, description="lsk_…")]


@dataclass(frozen=True)
class SessionBody:
    """Who a browser is signed in as.

    Attributes:
        keys_needed: Whether anything is answered without a key.
        key: Signed in with which; None if not at all.
        token: What changes need in the header X-CSRF-Token.
        refused: Why the key in the cookie opens nothing (any more).
    """

    keys_needed: bool
    key: KeyBody | None
    token: str | None
    refused: str | None


def from_session(*, keys_needed: bool, key: ApiKey | None, text: str | None, refused: str | None = None) -> SessionBody:
    """A session as JSON has it."""
    return SessionBody(keys_needed, from_key(key) if key else None, token_of(text) if key and text else None, refused)
