"""How questions are put to the service: in JSON, or as a table where it reads tables."""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal

import httpx
import orjson

from app.client.columns import Covariates
from app.client.conversations import Conversation
from app.client.errors import AnswerUnreadable, FrameUnusable
from app.client.forecasts import Forecast, Question, read_forecast
from app.client.parts import UNLIMITED, Limits, in_parts, is_small
from app.client.requests import Origin, read_object
from app.client.values import Alias, Dataset

if TYPE_CHECKING:
    from app.client.kinds import Frame
    from app.client.tables import Sent

Duplicates = Literal["error", "mean", "sum", "first", "last"]
_MOST_IN_QUERY = 50
"""Timestamps of a horizon that the address of a request holds."""
_LARGE_BYTES = 2**22


class Asking:
    """The part of a client that knows how requests are written."""

    _origin: Origin

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, is_repeatable: bool = True
    ) -> Conversation[dict[str, Any]]:
        content = None if body is None else orjson.dumps(body)
        request = self._origin.request(method, path, body=content)
        return read_object((yield from self._origin.send(request, is_repeatable=is_repeatable)))

    def _read(
        self,
        data: "Frame | str",
        item_id: str | None,
        timestamp: str | None,
        target: str | None,
        covariates: Covariates | None,
    ) -> "Sent | None":
        if isinstance(data, str):
            if covariates:
                raise FrameUnusable("A dataset knows its covariates: name columns only beside a table.")
            return None
        from app.client.tables import read_frame  # noqa: PLC0415 - loads pyarrow

        return read_frame(data, item_id=item_id, timestamp=timestamp, target=target, covariates=covariates)

    def _send_table(
        self,
        path: str,
        sent: "Sent",
        query: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        is_kept: bool = False,
    ) -> Conversation[httpx.Response]:
        from app.client.tables import ARROW, PARQUET  # noqa: PLC0415

        columns: dict[str, Any] = {
            "item_id": sent.columns.item_id,
            "timestamp": sent.columns.timestamp,
            "target": sent.columns.target,
            **{f"{kind}_covariates": list(names) for kind, names in sent.columns.covariates.items() if names},
        }
        # What is kept cannot come in parts; as a file it takes a fraction of the largest body that there may be.
        is_file = is_kept and sent.table.nbytes > _LARGE_BYTES
        body, media_type = (sent.to_parquet(), PARQUET) if is_file else (sent.to_arrow(), ARROW)
        whole = {**columns, **query}
        request = self._origin.request("POST", path, body=body, media_type=media_type, query=whole, headers=headers)
        return (yield from self._origin.send(request))

    def _ask_forecast(self, data: "Frame | str", sent: "Sent | None", question: Question) -> Conversation[Forecast]:
        from app.client.tables import ARROW  # noqa: PLC0415

        # What httpx cannot unpack it hands on, and `from_arrow` can.
        accepted = {"Accept": ARROW, **({"Accept-Encoding": "zstd"} if self._origin.is_packed else {})}
        if sent is not None and len(question.horizon.get("timestamps", ())) <= _MOST_IN_QUERY:
            response = yield from self._send_table("/v1/forecasts", sent, question.to_query(), headers=accepted)
        else:
            body = question.to_json([{"dataset": data}] if sent is None else sent.to_series())
            request = self._origin.request("POST", "/v1/forecasts", body=body, headers=accepted)
            response = yield from self._origin.send(request)
        return read_forecast(response, question, sent)

    def _limits(self, sent: "Sent | None") -> Conversation[Limits]:
        """How much one request may hold; the service is asked only if there is much to send."""
        if sent is None or is_small(sent):
            return UNLIMITED
        return Limits.read((yield from self._ask("GET", "/v1/system")))

    def _parts(self, sent: "Sent | None", limits: Limits, model: str) -> "Conversation[Iterator[Sent | None]]":
        """A table in parts of whole series; whole where they are the channels of one system, which sees all at once."""
        parts = in_parts(sent, limits)
        first = list(islice(parts, 2))
        if len(first) == 1 or not (yield from self._is_system(model)):
            return chain(first, parts)
        return iter([sent])

    def _is_system(self, model: str) -> Conversation[bool]:
        try:
            found = yield from self._ask("GET", (yield from self._address(model)))
            return bool(found["configuration"].get("channels"))
        except (KeyError, AttributeError) as error:
            raise AnswerUnreadable("The service does not say how a version was trained.") from error

    def _address(self, model: str) -> Conversation[str]:
        """The path of the version that a model means now."""
        name, _, number = model.partition("/")
        if not number:
            name, _, alias = model.partition("@")
            pointed = yield from self._ask("GET", f"/v1/models/{name}/aliases/{alias or 'production'}")
            number = str(Alias.read(pointed).version)
        return f"/v1/models/{name}/versions/{number}"

    def _upload(self, sent: "Sent", freq: str | None, duplicates: str) -> Conversation[Dataset]:
        query = {"freq": freq, "duplicates": duplicates}
        return Dataset.read(read_object((yield from self._send_table("/v1/datasets", sent, query, is_kept=True))))
