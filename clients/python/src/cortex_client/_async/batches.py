"""Many jobs at once. The files of `_sync` are made from these by `npm run gen`."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any, AsyncIterator, Iterable, cast

from .._requests import BATCH_TIMEOUT, csv_of, part
from ..types import Batch, BatchRows, CheckedBatch, JobConfig, JobSubmission, SubmittedBatch
from .transport import AsyncTransport


class AsyncBatches:
    """``client.batches``: many jobs at once, of which all are taken or none."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def submit(
        self, jobs: Iterable[JobSubmission], *, concurrency: int | None = None, idempotency_key: str | None = None
    ) -> SubmittedBatch:
        """One job for each of the list. ``concurrency`` is how many run at a time."""
        body: dict[str, Any] = {"jobs": list(jobs)}
        if concurrency is not None:
            body["concurrency"] = concurrency
        return cast(SubmittedBatch, await self._send(idempotency_key, json=body))

    async def submit_rows(
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
        return cast(SubmittedBatch, await self._send(idempotency_key, **form))

    async def check_rows(self, rows: Any, base: JobConfig | None = None) -> CheckedBatch:
        """Checks every row and submits nothing. Of the ``ValidationError``, ``details["rows"]`` has the bad ones."""
        form = self._form(rows, base, None)
        query = {"dryRun": True}
        answer = await self._transport.data(
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

    async def _send(self, idempotency_key: str | None, **body: Any) -> Any:
        key = idempotency_key or secrets.token_hex(16)
        return await self._transport.data(
            "POST", "/plugin-core/jobs/batch", idempotency_key=key, timeout=BATCH_TIMEOUT, **body
        )

    async def get(self, batch: str) -> Batch:
        """How far it is."""
        return cast(Batch, await self._transport.data("GET", f"/plugin-core/jobs/batches/{part(batch)}"))

    async def list(self) -> AsyncIterator[Batch]:
        """Every batch, newest first."""
        async for batch in self._transport.pages("/plugin-core/jobs/batches", {}):
            yield cast(Batch, batch)

    async def wait(self, batch: str, *, every: float = 2.0) -> Batch:
        """The batch once each of its jobs has ended; it is asked about every so many seconds."""
        while True:
            now = await self.get(batch)
            if now["status"] in ("completed", "cancelled"):
                return now
            await asyncio.sleep(every)

    async def rows(self, batch: str) -> BatchRows:
        """What became of each of its rows."""
        return cast(BatchRows, await self._transport.data("GET", f"/plugin-core/jobs/batches/{part(batch)}/rows"))

    async def retry(self, batch: str) -> SubmittedBatch:
        """Runs its failed jobs again, as a batch of their own; asked again it answers the same."""
        path = f"/plugin-core/jobs/batches/{part(batch)}/retry"
        return cast(SubmittedBatch, await self._transport.data("POST", path, timeout=BATCH_TIMEOUT, repeatable=True))

    async def cancel(self, batch: str) -> Batch:
        """Cancels what has not ended of it."""
        return cast(Batch, await self._transport.data("POST", f"/plugin-core/jobs/batches/{part(batch)}/cancel"))
