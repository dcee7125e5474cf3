"""Many jobs at once. Made from the file of this name in `_async` by `npm run gen`."""

from __future__ import annotations

import time
import json
import secrets
from typing import Any, Iterator, Iterable, cast

from .._requests import BATCH_TIMEOUT, csv_of, part
from ..types import Batch, BatchRows, CheckedBatch, JobConfig, JobSubmission, SubmittedBatch
from .transport import Transport


class Batches:
    """``client.batches``: many jobs at once, of which all are taken or none."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(
        self, jobs: Iterable[JobSubmission], *, concurrency: int | None = None, idempotency_key: str | None = None
    ) -> SubmittedBatch:
        """One job for each of the list. ``concurrency`` is how many run at a time."""
        body: dict[str, Any] = {"jobs": list(jobs)}
        if concurrency is not None:
            body["concurrency"] = concurrency
        return cast(SubmittedBatch, self._send(idempotency_key, json=body))

    def submit_rows(
        self,
        rows: Any,
        base: JobConfig | None = None,
        *,
        concurrency: int | None = None,
        idempotency_key: str | None = None,
    ) -> SubmittedBatch:
        """One job for each row over a base.

        ``rows`` are mappings, a data frame of pandas or polars, or CSV as text. A column named like a field of a job sets
        it, ``env.NAME`` a variable; ``${column}`` is replaced in any text of ``base``.
        """
        form = self._form(rows, base, concurrency)
        return cast(SubmittedBatch, self._send(idempotency_key, **form))

    def check_rows(self, rows: Any, base: JobConfig | None = None) -> CheckedBatch:
        """Checks every row and submits nothing. Of the ``ValidationError``, ``details["rows"]`` has the bad ones."""
        form = self._form(rows, base, None)
        query = {"dryRun": True}
        answer = self._transport.data(
            "POST", "/plugin-core/jobs/batch", query=query, timeout=BATCH_TIMEOUT, repeatable=True, **form
        )
        return cast(CheckedBatch, answer)

    def _form(self, rows: Any, base: JobConfig | None, concurrency: int | None) -> dict[str, Any]:
        data: dict[str, str] = {}
        if base is not None:
            data["base"] = json.dumps(base)
        if concurrency is not None:
            data["concurrency"] = str(concurrency)
        return {"data": data, "files": {"file": ("rows.csv", csv_of(rows), "text/csv")}}

    def _send(self, idempotency_key: str | None, **body: Any) -> Any:
        key = idempotency_key or secrets.token_hex(16)
        return self._transport.data(
            "POST", "/plugin-core/jobs/batch", idempotency_key=key, timeout=BATCH_TIMEOUT, **body
        )

    def get(self, batch: str) -> Batch:
        """How far it is."""
        return cast(Batch, self._transport.data("GET", f"/plugin-core/jobs/batches/{part(batch)}"))

    def list(self) -> Iterator[Batch]:
        """Every batch, newest first."""
        for batch in self._transport.pages("/plugin-core/jobs/batches", {}):
            yield cast(Batch, batch)

    def wait(self, batch: str, *, every: float = 2.0) -> Batch:
        """The batch once each of its jobs has ended; it is asked about every so many seconds."""
        while True:
            now = self.get(batch)
            if now["status"] in ("completed", "cancelled"):
                return now
            time.sleep(every)

    def rows(self, batch: str) -> BatchRows:
        """What became of each of its rows."""
        return cast(BatchRows, self._transport.data("GET", f"/plugin-core/jobs/batches/{part(batch)}/rows"))

    def retry(self, batch: str) -> SubmittedBatch:
        """Runs its failed jobs again, as a batch of their own; asked again it answers the same."""
        path = f"/plugin-core/jobs/batches/{part(batch)}/retry"
        return cast(SubmittedBatch, self._transport.data("POST", path, timeout=BATCH_TIMEOUT, repeatable=True))

    def cancel(self, batch: str) -> Batch:
        """Cancels what has not ended of it."""
        return cast(Batch, self._transport.data("POST", f"/plugin-core/jobs/batches/{part(batch)}/cancel"))
