"""Files in the container of a running job. The files of `_sync` are made from these by `npm run gen`."""

from __future__ import annotations

import contextlib
from typing import AsyncGenerator, AsyncIterator, cast

from .._requests import Request, job_path, range_of
from ..types import ContainerFiles, WrittenFiles
from .transport import AsyncTransport


class AsyncJobFiles:
    """``client.jobs.files``: those of a running job's container. Paths are absolute."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self, job: str, path: str = "/", *, cursor: str | None = None) -> ContainerFiles:
        """What is at a path, and of a folder its first 1000 entries; ``nextCursor`` leads to more."""
        query = {"path": path, "as": "json", "cursor": cursor}
        return cast(ContainerFiles, await self._transport.data("GET", job_path(job, "/files"), query=query))

    @contextlib.asynccontextmanager
    async def open(
        self, job: str, path: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[AsyncIterator[bytes], None]:
        """Pieces of a file as they come, from ``offset`` on and at most ``length`` bytes."""
        request = Request("GET", job_path(job, "/files"), {"path": path}, headers=range_of(offset, length))
        async with self._transport.open(request) as response:
            yield response.aiter_raw()

    async def read(self, job: str, path: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """A file, all of it in memory; for a large one use ``open``, or ``length``."""
        async with self.open(job, path, offset=offset, length=length) as pieces:
            return b"".join([piece async for piece in pieces])

    async def write(self, job: str, path: str, content: bytes | str, *, mode: int | None = None) -> WrittenFiles:
        """Writes a file, in folders that are made where they are missing. ``mode`` is such as ``0o755``."""
        query = {"path": path, "mode": None if mode is None else f"{mode:04o}"}
        body = content.encode() if isinstance(content, str) else content
        headers = {"Content-Type": "application/octet-stream"}
        answer = await self._transport.data("PUT", job_path(job, "/files"), query=query, content=body, headers=headers)
        return cast(WrittenFiles, answer)

    async def remove(self, job: str, path: str, *, recursive: bool = False) -> None:
        """Removes a file; a folder with all that is in it only where ``recursive`` says so."""
        query = {"path": path, "recursive": recursive}
        await self._transport.data("DELETE", job_path(job, "/files"), query=query)
