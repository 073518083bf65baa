"""What is wrong with a request before it means anything: its body, its media type, its preconditions."""

from collections.abc import Sequence

from app.errors import LimitError
from model import RequestError


class BodyTooLarge(LimitError):
    """A request body above the limit."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"The request body is larger than {limit_bytes} bytes.",
            hint="Send fewer series at once, or have the operator raise LONGSHOT_MAX_BODY_BYTES.",
        )
        self.limit_bytes = limit_bytes


class UrlTooLong(LimitError):
    """A path with a query above the limit."""

    def __init__(self, found_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"The URL has {found_bytes} bytes; this service reads at most {limit_bytes}.",
            hint="Shorten the query, or have the operator raise LONGSHOT_MAX_URL_BYTES.",
        )
        self.limit_bytes = limit_bytes


class HeadersTooLarge(LimitError):
    """Headers above the limit, all of them together."""

    def __init__(self, found_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"The headers have {found_bytes} bytes; this service reads at most {limit_bytes}.",
            hint="Send fewer or shorter headers, or have the operator raise LONGSHOT_MAX_HEADER_BYTES.",
        )
        self.limit_bytes = limit_bytes


class BodyExpandsTooMuch(LimitError):
    """A compressed body that grows as only bombs do."""

    def __init__(self, limit_ratio: int) -> None:
        super().__init__(
            f"The request body has more than {limit_ratio} times its compressed size.",
            hint="Send it uncompressed, or have the operator raise LONGSHOT_MAX_COMPRESSION_RATIO.",
        )
        self.limit_ratio = limit_ratio


class CompressionDamaged(RequestError):
    """A compressed body that cannot be unpacked."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"The request body is not whole {encoding} data, as its Content-Encoding says.",
            hint="Send it again, or leave it uncompressed and without a Content-Encoding.",
        )
        self.encoding = encoding


class EncodingUnsupported(RequestError):
    """A body compressed in a way that this service does not read."""

    def __init__(self, found: str, supported: tuple[str, ...]) -> None:
        super().__init__(
            f"The Content-Encoding is {found[:80]!r}; this service reads one of {', '.join(supported)}.",
            hint="Compress the body with one of these, or leave it uncompressed and without a Content-Encoding.",
        )
        self.found = found
        self.supported = supported


class NothingAcceptable(RequestError):
    """An Accept header without any format that a resource answers in."""

    def __init__(self, found: str, offered: tuple[str, ...]) -> None:
        super().__init__(
            f"The Accept header is {found[:80]!r}; this resource answers in {', '.join(offered)}.",
            hint="Name one of these, or leave the header out for the first of them.",
        )
        self.found = found
        self.offered = offered


class MediaTypeUnsupported(RequestError):
    """A body in a format that this resource does not read."""

    def __init__(self, found: str, supported: tuple[str, ...]) -> None:
        super().__init__(
            f"The body is {found[:80] or 'without a Content-Type'}; this resource reads {', '.join(supported)}.",
            hint="Set the Content-Type header to what the body is.",
        )
        self.found = found
        self.supported = supported


class ParametersMissing(RequestError):
    """A table to be forecast without a word of what to ask."""

    def __init__(self, given: Sequence[str]) -> None:
        super().__init__(
            "A table needs in its query the model, and one of horizon, until and timestamps; "
            f"the query has {', '.join(given) or 'nothing'}.",
            hint="Write, for example, ?model=grid-load&horizon=96.",
        )
        self.given = tuple(given)


class ParametersMisplaced(RequestError):
    """Parameters in the query of a request whose body has room for them."""

    def __init__(self, given: Sequence[str]) -> None:
        super().__init__(
            f"The query has {', '.join(given)}, which is for tables; a request in JSON has all of it in its body.",
            hint="Move it into the body, or send a table.",
        )
        self.given = tuple(given)


class OptionUnsupported(RequestError):
    """A field of the interface that this release does not answer."""

    def __init__(self, field: str, reason: str, hint: str) -> None:
        super().__init__(f"The field {field!r} cannot be answered: {reason}.", hint=hint)
        self.field = field


class ModelUnnamed(RequestError):
    """A request that names no model, where no default is set."""

    def __init__(self, existing: Sequence[str]) -> None:
        super().__init__(
            "The request names no model, and LONGSHOT_DEFAULT_MODEL names none to answer instead; "
            f"the models are {', '.join(existing[:20]) or 'none yet'}.",
            hint="Name one, or have the operator set LONGSHOT_DEFAULT_MODEL.",
        )
        self.existing = tuple(existing)


class CallUnsupported(RequestError):
    """A call of a foreign protocol that has no counterpart here."""

    def __init__(self, call: str, reason: str, hint: str) -> None:
        super().__init__(f"The call {call!r} cannot be answered: {reason}.", hint=hint)
        self.call = call


class ItemNotFound(RequestError):
    """A dataset without the series that was named."""

    def __init__(self, item_id: str, dataset_id: str) -> None:
        super().__init__(
            f"The dataset {dataset_id!r} holds no series {item_id[:80]!r}.",
            hint="Name a series of the dataset, or leave item_id out to forecast all of them.",
            item_id=item_id,
        )
        self.dataset_id = dataset_id


class ItemNotForecast(RequestError):
    """A forecast without the series that was named."""

    def __init__(self, item_id: str, forecast_id: str) -> None:
        super().__init__(
            f"The forecast {forecast_id!r} has no series {item_id[:80]!r}.",
            hint="Name a series that was forecast, or leave item_id out to see the first ones.",
            item_id=item_id,
        )
        self.forecast_id = forecast_id


class DatasetRepeated(RequestError):
    """A request that names all series of a dataset twice."""

    def __init__(self, dataset_id: str) -> None:
        super().__init__(
            f"All series of the dataset {dataset_id[:80]!r} are asked for more than once.",
            hint="Name the dataset once, or with item_id for each series wanted.",
        )
        self.dataset_id = dataset_id


class EventIdInvalid(RequestError):
    """A Last-Event-ID header that no event of this service has."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"Last-Event-ID is {found[:80]!r}, which is no id of an event.",
            hint="Send the id of the last event received, or leave the header out to be told everything.",
        )
        self.found = found


class PreconditionInvalid(RequestError):
    """An If-Match header that is not an ETag of this service."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"If-Match is {found[:80]!r}, which is no ETag of an alias.",
            hint='Send the ETag that the alias was last answered with, quotes included, for example "3".',
        )
        self.found = found
