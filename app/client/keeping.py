"""What a service keeps, asked for and changed: datasets, models with their versions and aliases, jobs."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from app.client.asking import Asking, Duplicates
from app.client.columns import Covariates
from app.client.conversations import Conversation, Operation
from app.client.errors import FrameUnusable, NotFound, Unavailable
from app.client.jobs import AsyncJob, Job
from app.client.requests import Retries, read_object
from app.client.values import Alias, Dataset, Health, JobState, Model, Version

if TYPE_CHECKING:
    from app.client.kinds import Frame

AnyJob = TypeVar("AnyJob", bound=Job | AsyncJob)
_JOBS = ("/v1/training-jobs", "/v1/backtests")


class Keeping(Asking, Generic[AnyJob]):
    """The part of a client that deals with what lasts."""

    def _job(self, path: str, state: JobState, notes: tuple[str, ...]) -> AnyJob:
        raise NotImplementedError

    @Operation
    def upload(
        self,
        data: "Frame | str",
        *,
        freq: str | None = None,
        duplicates: Duplicates = "error",
        item_id: str | None = None,
        timestamp: str | None = None,
        target: str | None = None,
        covariates: Covariates | None = None,
    ) -> Conversation[Dataset]:
        """Keeps a table at the service, to be named by its id from then on; the same table is the same dataset.

        Raises:
            FrameUnusable: The table cannot be sent.
            Refused, ServiceUnreachable: The service did not answer.
        """
        sent = self._read(data, item_id, timestamp, target, covariates)
        if sent is None:
            return Dataset.read((yield from self._ask("GET", f"/v1/datasets/{data}")))
        return (yield from self._upload(sent, freq, duplicates))

    @Operation
    def append(
        self,
        dataset: str,
        data: "Frame",
        *,
        freq: str | None = None,
        duplicates: Duplicates = "error",
        item_id: str | None = None,
        timestamp: str | None = None,
        target: str | None = None,
        covariates: Covariates | None = None,
    ) -> Conversation[Dataset]:
        """Adds observations to a dataset, by series and timestamp; those that are known already change nothing.

        Raises:
            FrameUnusable: The table cannot be sent.
            Conflict: Another value is known for one of the timestamps; then nothing is added.
            Refused, ServiceUnreachable: The service did not answer.
        """
        sent = self._read(data, item_id, timestamp, target, covariates)
        if sent is None:
            raise FrameUnusable("What is appended is a table of observations, not the id of a dataset.")
        path = f"/v1/datasets/{dataset}/observations"
        query = {"freq": freq, "duplicates": duplicates}
        return Dataset.read(read_object((yield from self._send_table(path, sent, query, is_kept=True))))

    @Operation
    def job(self, id: str) -> Conversation[AnyJob]:  # noqa: A002 - what the service calls it
        """A training or a backtest that was submitted earlier, by whomever.

        Raises:
            NotFound: There is none of this id.
        """
        paths = [f"{one}/{id}" for one in _JOBS]
        try:
            found = yield from self._ask("GET", paths[0])
        except NotFound:
            paths.reverse()
            found = yield from self._ask("GET", paths[0])
        return self._job(paths[0], JobState.read(found), ())

    @Operation
    def models(self) -> Conversation[list[Model]]:
        """Every registered model, by name."""
        return [Model.read(one) for one in (yield from self._ask("GET", "/v1/models"))["data"]]

    @Operation
    def versions(self, model: str) -> Conversation[list[Version]]:
        """Every version of a model, the newest first.

        Raises:
            NotFound: There is no such model.
        """
        found = yield from self._ask("GET", f"/v1/models/{model}/versions")
        return [Version.read(one) for one in found["data"]]

    @Operation
    def promote(self, model: str, version: int, *, alias: str = "production") -> Conversation[Alias]:
        """Points an alias at a version.

        Raises:
            NotFound: There is no such version.
        """
        return Alias.read((yield from self._ask("PUT", f"/v1/models/{model}/aliases/{alias}", {"version": version})))

    @Operation
    def rollback(self, model: str, *, alias: str = "production") -> Conversation[Alias]:
        """Returns an alias to the version that it pointed at before.

        Raises:
            Conflict: It has pointed at one version only.
        """
        path = f"/v1/models/{model}/aliases/{alias}/rollback"
        return Alias.read((yield from self._ask("POST", path, is_repeatable=False)))

    @Operation
    def download(self, model: str, path: str | Path) -> Conversation[Path]:
        """Writes a version to a file, its bundle: `model.load` reads it without a service, another one imports it.

        Args:
            model: `name`, `name@alias` or `name/3`; a name alone means its alias `production`.
            path: The file, a tar; one that is there is replaced.

        Raises:
            NotFound: There is no such version.
        """
        request = self._origin.request("GET", f"{(yield from self._address(model))}/bundle")
        content = (yield from self._origin.send(request)).content
        file = Path(path)
        part = file.with_name(f"{file.name}.part")
        part.write_bytes(content)
        return part.replace(file)

    @Operation
    def health(self) -> Conversation[Health]:
        """Whether the service does its work; one that does not is no error.

        Raises:
            ServiceUnreachable: It does not answer at all.
        """
        origin = replace(self._origin, retries=Retries(max_tries=1))
        try:
            response = yield from origin.send(origin.request("GET", "/readyz"))
        except Unavailable as error:
            return Health(is_ready=False, detail=error.detail)
        return Health(is_ready=True, detail=str(read_object(response).get("version")))
