"""What can be asked of a service: each question once, for threads and event loops alike."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import orjson

from app.client.anomalies import Anomalies, join_anomalies, read_anomalies
from app.client.asking import Duplicates
from app.client.columns import Covariates
from app.client.conversations import Conversation, Followed, Operation, Told
from app.client.forecasts import Forecast, Horizon, Moment, Question, join_forecasts, write_moment
from app.client.keeping import AnyJob, Keeping
from app.client.parts import UNLIMITED
from app.client.requests import read_object
from app.client.values import Audit, JobState

if TYPE_CHECKING:
    from app.client.kinds import Frame
    from app.client.tables import Sent

Policy = Literal["promote_if_better", "promote", "register"]


class Operations(Keeping[AnyJob]):
    """Every method of a client that talks to the service.

    A table comes in long form, one observation a row. Its columns are named with `item_id`, `timestamp` and `target`;
    what is not named is guessed, and the answer's `notes` say what. Instead of a table the id of a dataset will do.
    """

    @Operation
    def forecast(  # noqa: PLR0913 - what one may say of a table is six of them
        self,
        data: "Frame | str",
        *,
        model: str,
        horizon: Horizon,
        quantile_levels: Sequence[float] = (0.1, 0.5, 0.9),
        interval_levels: Sequence[float] = (),
        num_samples: int = 0,
        seed: int = 0,
        rates: bool = False,
        on_error: Literal["fail", "partial"] = "fail",
        freq: str | None = None,
        duplicates: Duplicates = "error",
        item_id: str | None = None,
        timestamp: str | None = None,
        target: str | None = None,
        covariates: Covariates | None = None,
    ) -> Conversation[Forecast]:
        """What is expected of each series, and how sure that is.

        Args:
            data: The histories: a table, or the id of a dataset.
            model: `name`, `name@alias` or `name/3`; a name alone means its alias `production`.
            horizon: A number of steps, a duration such as `"7D"`, the last date, or a list of timestamps.
            quantile_levels: Between 0 and 1; a column each.
            interval_levels: In percent; two columns each.
            num_samples: Sample paths, distributed as the quantiles at each timestamp; a column each (`sample_1`).
            seed: Of the sample paths: the same one gives the same paths.
            rates: Whether to tell how fast the mean changes, per step of the series, in a column `rate`.
            on_error: Whether one bad series fails the request, or alone.
            freq: A pandas offset alias for every series; read from the timestamps if left out.
            duplicates: What to do with repeated timestamps.
            item_id: The column that names the series.
            timestamp: The column of timestamps.
            target: The column of observations.
            covariates: The columns of what is known beside them: by `past`, `future` and `static`.

        Raises:
            FrameUnusable: The table cannot be sent.
            Refused, ServiceUnreachable: The service did not answer.
        """
        given: dict[str, str | int | None] = {"on_error": on_error, "freq": freq, "duplicates": duplicates}
        given |= {"num_samples": num_samples, "seed": seed} if num_samples else {}
        given |= {"rates": True} if rates else {}
        question = Question.of(model, horizon, quantile_levels, interval_levels, given)
        sent = self._read(data, item_id, timestamp, target, covariates)
        limits = (yield from self._limits(sent)).for_values(question.num_values)
        parts: list[Forecast] = []
        for part in (yield from self._parts(sent, limits, model)):
            parts.append((yield from self._ask_forecast(data, part, question)))
            question = replace(question, model=parts[-1].model)
        return join_forecasts(parts, sent)

    @Followed
    def forecast_in_parts(  # noqa: PLR0913 - what one may say of a table is six of them
        self,
        data: "Frame",
        *,
        model: str,
        horizon: Horizon,
        series_per_part: int = 1000,
        quantile_levels: Sequence[float] = (0.1, 0.5, 0.9),
        interval_levels: Sequence[float] = (),
        on_error: Literal["fail", "partial"] = "fail",
        freq: str | None = None,
        duplicates: Duplicates = "error",
        item_id: str | None = None,
        timestamp: str | None = None,
        target: str | None = None,
        covariates: Covariates | None = None,
    ) -> Conversation[Forecast]:
        """What is expected of so many series that not all of it is to be held at once: an iterator of forecasts.

        Each part is asked for when the one before it has been used. The version that answers the first answers all.
        Series that are the channels of one system are one part.

        Args:
            data: The histories, as a table.
            model: `name`, `name@alias` or `name/3`; a name alone means its alias `production`.
            horizon: A number of steps, a duration such as `"7D"`, the last date, or a list of timestamps.
            series_per_part: How many series each forecast is of.
            quantile_levels: Between 0 and 1; a column each.
            interval_levels: In percent; two columns each.
            on_error: Whether one bad series fails its part, or alone.
            freq: A pandas offset alias for every series; read from the timestamps if left out.
            duplicates: What to do with repeated timestamps.
            item_id: The column that names the series.
            timestamp: The column of timestamps.
            target: The column of observations.
            covariates: The columns of what is known beside them: by `past`, `future` and `static`.

        Raises:
            FrameUnusable: The table cannot be sent.
            Refused, ServiceUnreachable: The service did not answer.
        """
        given = {"on_error": on_error, "freq": freq, "duplicates": duplicates}
        question = Question.of(model, horizon, quantile_levels, interval_levels, given)
        sent = self._read(data, item_id, timestamp, target, covariates)
        for part in (yield from self._parts(sent, replace(UNLIMITED, max_series=series_per_part), model)):
            found = yield from self._ask_forecast(data, part, question)
            question = replace(question, model=found.model)
            yield Told(found)
        return found

    @Operation
    def fit(
        self,
        data: "Frame | str",
        /,
        *,
        model: str,
        wait: bool = True,
        policy: Policy = "promote_if_better",
        idempotency_key: str | None = None,
        show_progress: bool | None = None,
        freq: str | None = None,
        duplicates: Duplicates = "error",
        item_id: str | None = None,
        timestamp: str | None = None,
        target: str | None = None,
        covariates: Covariates | None = None,
        **options: float | str,
    ) -> Conversation[AnyJob]:
        """Trains a version of a model.

        Args:
            data: What to train on: a table, which is uploaded, or the id of a dataset.
            model: The name that the version will belong to.
            wait: Whether to wait until it is trained.
            policy: What becomes of the alias `production`.
            idempotency_key: Makes a later repetition of this call the same job; each call has its own if left out.
            show_progress: Whether to draw a bar; if left out, where standard error is a terminal.
            freq: A pandas offset alias for every series; read from the timestamps if left out.
            duplicates: What to do with repeated timestamps.
            item_id: The column that names the series.
            timestamp: The column of timestamps.
            target: The column of observations.
            covariates: The columns of what is known beside them: by `past`, `future` and `static`.
            **options: Of the training, such as `horizon`, `context_length`, `num_epochs`, `seed`, `preset`, `joint`,
                or `warm_start`, a version whose weights to start from.

        Returns:
            The job; if it was waited for, its `version` is the new one.

        Raises:
            FrameUnusable: The table cannot be sent.
            JobFailed, JobCancelled: It was waited for and ended without a version.
            Refused, ServiceUnreachable: The service did not answer.
        """
        sent = self._read(data, item_id, timestamp, target, covariates)
        dataset = data if sent is None else (yield from self._upload(sent, freq, duplicates)).id
        body = {"model": model, "dataset": dataset, "options": options, "policy": policy}
        submitted = self._submit(
            "/v1/training-jobs",
            body,
            idempotency_key=idempotency_key,
            sent=sent,
            is_awaited=wait,
            show_progress=show_progress,
        )
        return (yield from submitted)

    @Operation
    def backtest(  # noqa: PLR0913 - what one may say of a table is five of them
        self,
        data: "Frame | str",
        *,
        model: str,
        horizon: int | None = None,
        num_cutoffs: int = 1,
        stride: int | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
        show_progress: bool | None = None,
        freq: str | None = None,
        duplicates: Duplicates = "error",
        item_id: str | None = None,
        timestamp: str | None = None,
        target: str | None = None,
        covariates: Covariates | None = None,
    ) -> Conversation[AnyJob]:
        """How a version would have done, beside the baselines.

        Args:
            data: What to examine it on: a table, which is uploaded, or the id of a dataset.
            model: `name`, `name@alias` or `name/3`.
            horizon: Steps from each cutoff; the trained horizon if left out.
            num_cutoffs: How many a series.
            stride: Steps from one cutoff to the next; a horizon if left out.
            wait: Whether to wait until it is done.
            idempotency_key: Makes a later repetition of this call the same job; each call has its own if left out.
            show_progress: Whether to draw a bar; if left out, where standard error is a terminal.
            freq: A pandas offset alias for every series; read from the timestamps if left out.
            duplicates: What to do with repeated timestamps.
            item_id: The column that names the series.
            timestamp: The column of timestamps.
            target: The column of observations.
            covariates: The columns of what is known beside them: by `past`, `future` and `static`.

        Returns:
            The job; if it was waited for, with `scores` and `scores_by_lead`.

        Raises:
            FrameUnusable: The table cannot be sent.
            JobFailed, JobCancelled: It was waited for and ended without a report.
            Refused, ServiceUnreachable: The service did not answer.
        """
        sent = self._read(data, item_id, timestamp, target, covariates)
        dataset = data if sent is None else (yield from self._upload(sent, freq, duplicates)).id
        body = {"model": model, "dataset": dataset, "horizon": horizon, "num_cutoffs": num_cutoffs, "stride": stride}
        submitted = self._submit(
            "/v1/backtests",
            body,
            idempotency_key=idempotency_key,
            sent=sent,
            is_awaited=wait,
            show_progress=show_progress,
        )
        return (yield from submitted)

    @Operation
    def detect_anomalies(
        self,
        data: "Frame | str",
        *,
        model: str,
        last: int | None = None,
        since: Moment | None = None,
        level: float = 99.0,
        lead: int = 1,
        on_error: Literal["fail", "partial"] = "fail",
        duplicates: Duplicates = "error",
        item_id: str | None = None,
        timestamp: str | None = None,
        target: str | None = None,
        covariates: Covariates | None = None,
    ) -> Conversation[Anomalies]:
        """Which observations lie outside the interval that was forecast for them.

        Args:
            data: The observations with what came before them: a table, or the id of a dataset.
            model: `name`, `name@alias` or `name/3`.
            last: How many of each series' last observations to judge; the trained horizon if left out.
            since: The first timestamp to judge, instead of `last`.
            level: Of the interval, in percent.
            lead: Steps that one forecast is used for; 1 forecasts each observation anew.
            on_error: Whether one bad series fails the request, or alone.
            duplicates: What to do with repeated timestamps.
            item_id: The column that names the series.
            timestamp: The column of timestamps.
            target: The column of observations.
            covariates: The columns of what is known beside them: by `past`, `future` and `static`.

        Raises:
            FrameUnusable: The table cannot be sent.
            Refused, ServiceUnreachable: The service did not answer.
        """
        sent = self._read(data, item_id, timestamp, target, covariates)
        body = {
            "model": model,
            "last": last,
            "since": None if since is None else write_moment(since),
            "level": level,
            "lead": lead,
            "on_error": on_error,
            "duplicates": duplicates,
        }
        parts: list[Anomalies] = []
        limits = (yield from self._limits(sent)).in_json()
        for part in (yield from self._parts(sent, limits, model)):
            series = part.to_series() if part else [{"dataset": data}]
            parts.append(
                read_anomalies((yield from self._ask("POST", "/v1/anomalies", {**body, "series": series})), part)
            )
            body["model"] = parts[-1].model
        return join_anomalies(parts, sent)

    @Operation
    def audit(
        self,
        data: "Frame | str",
        *,
        horizon: int | None = None,
        time_zone: str | None = None,
        item_id: str | None = None,
        timestamp: str | None = None,
        target: str | None = None,
        covariates: Covariates | None = None,
    ) -> Conversation[Audit]:
        """Everything that is wrong or noteworthy with a table; nothing is stored.

        Args:
            data: A table, or the id of a dataset.
            horizon: Steps that a training is wanted for; finds what is too short for it.
            time_zone: Where the clocks are that timestamps without a zone were read from.
            item_id: The column that names the series.
            timestamp: The column of timestamps.
            target: The column of observations.
            covariates: The columns of what is known beside them: by `past`, `future` and `static`.

        Raises:
            FrameUnusable: The table cannot be sent.
            Refused, ServiceUnreachable: The service did not answer.
        """
        sent = self._read(data, item_id, timestamp, target, covariates)
        query = {"horizon": horizon, "time_zone": time_zone}
        if sent is None:
            found = yield from self._ask("POST", "/v1/audits", {"series": [{"dataset": data}], **query})
            return Audit.read(found)
        return Audit.read(read_object((yield from self._send_table("/v1/audits", sent, query))))

    def _submit(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        idempotency_key: str | None,
        sent: "Sent | None",
        is_awaited: bool,
        show_progress: bool | None,
    ) -> Conversation[AnyJob]:
        """A job that is submitted once, however often the request for it has to be sent."""
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        request = self._origin.request("POST", path, body=orjson.dumps(body), headers=headers)
        found = read_object((yield from self._origin.send(request)))
        state = JobState.read(found)
        job = self._job(f"{path}/{state.id}", state, sent.columns.notes if sent else ())
        if is_awaited:
            yield from job.awaited(show_progress=show_progress)
        return job
