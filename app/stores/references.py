"""What `name`, `name@alias` and `name/3` mean: read, and pinned to one version."""

import re
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from app.errors import NameInvalid
from app.stores.database import Database
from app.stores.tables import AliasRow, VersionRow

PRODUCTION: Final = "production"
"""The alias that a plain name means."""

_NAME: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
_REFERENCE: Final = re.compile(rf"(?P<name>{_NAME})(?:@(?P<alias>{_NAME})|/(?P<number>[0-9]{{1,9}}))?")
_EXISTING: Final = sa.select(VersionRow.number, VersionRow.digest).where(
    VersionRow.model_name == sa.bindparam("name"), VersionRow.deleted_at.is_(None)
)
_BY_NUMBER: Final = _EXISTING.where(VersionRow.number == sa.bindparam("number"))
_BY_ALIAS: Final = (
    _EXISTING.join(AliasRow, (AliasRow.model_name == VersionRow.model_name) & (AliasRow.number == VersionRow.number))
    .where(AliasRow.alias == sa.bindparam("alias"))
    .order_by(AliasRow.revision.desc())
    .limit(1)
)


@dataclass(frozen=True)
class ModelReference:
    """A name and either an alias or a number."""

    name: str
    alias: str | None
    number: int | None

    @classmethod
    def parse(cls, text: str) -> "ModelReference":
        """Reads one of the three forms.

        Raises:
            NameInvalid: The name or the alias cannot be one.
        """
        found = _REFERENCE.fullmatch(text)
        if found is None:
            raise NameInvalid(text)
        number = None if found["number"] is None else int(found["number"])
        return cls(found["name"], found["alias"] or (PRODUCTION if number is None else None), number)

    def __str__(self) -> str:
        return f"{self.name}@{self.alias}" if self.alias else f"{self.name}/{self.number}"


@dataclass(frozen=True)
class PinnedVersion:
    """The version that a reference meant at one moment.

    Attributes:
        name: The model.
        alias: By which alias it was meant; None if by number.
        number: Of the version.
        digest: Of its checkpoint.
    """

    name: str
    alias: str | None
    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


def check_name(name: str) -> str:
    """The name itself, if a model or an alias can have it.

    Raises:
        NameInvalid
    """
    if re.fullmatch(_NAME, name) is None:
        raise NameInvalid(name)
    return name


class References:
    """Finds versions by reference; the database is asked again once anything in it has changed.

    Args:
        database: Where versions and aliases are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory: tuple[int | None, dict[str, PinnedVersion]] = (None, {})

    def find(self, reference: str) -> PinnedVersion | None:
        """The version that a reference means now, if there is one.

        Raises:
            NameInvalid: It cannot be one.
        """
        # Before the query: a change made after it must not pass for known.
        stamp = self._database.stamp()
        seen, known = self._memory
        if stamp is None or stamp != seen:
            known = {}
            self._memory = (stamp, known)
        found = known.get(reference)
        if found is None:
            found = self._look_up(ModelReference.parse(reference))
            if found is not None:
                # Only what exists is remembered, so strangers cannot fill the memory.
                known[reference] = found
        return found

    def _look_up(self, wanted: ModelReference) -> PinnedVersion | None:
        if wanted.number is None:
            row = self._database.first(_BY_ALIAS, name=wanted.name, alias=wanted.alias)
        else:
            row = self._database.first(_BY_NUMBER, name=wanted.name, number=wanted.number)
        return None if row is None else PinnedVersion(wanted.name, wanted.alias, row.number, row.digest)
