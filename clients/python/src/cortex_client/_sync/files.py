"""Files in the container of a running job. Made from the file of this name in `_async` by `npm run gen`."""

from __future__ import annotations

import contextlib
from typing import Generator, Iterator, cast

from .._requests import Request, job_path, range_of
from ..types import ContainerFiles, WrittenFiles
from .transport import Transport


class JobFiles:
    """``client.jobs.files``: those of a running job's container. Paths are absolute."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, job: str, path: str = "/", *, cursor: str | None = None) -> ContainerFiles:
        """What is at a path, and of a folder its first 1000 entries; ``nextCursor`` leads to more."""
        query = {"path": path, "as": "json", "cursor": cursor}
        return cast(ContainerFiles, self._transport.data("GET", job_path(job, "/files"), query=query))

    @contextlib.contextmanager
    def open(
        self, job: str, path: str, *, offset: int = 0, length: int | None = None
    ) -> Generator[Iterator[bytes], None, None]:
        """Pieces of a file as they come, from ``offset`` on and at most ``length`` bytes."""
        request = Request("GET", job_path(job, "/files"), {"path": path}, headers=range_of(offset, length))
        with self._transport.open(request) as response:
            yield response.iter_raw()

    def read(self, job: str, path: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """A file, all of it in memory; for a large one use ``open``, or ``length``."""
        with self.open(job, path, offset=offset, length=length) as pieces:
            return b"".join([piece for piece in pieces])

    def write(self, job: str, path: str, content: bytes | str, *, mode: int | None = None) -> WrittenFiles:
        """Writes a file, in folders that are made where they are missing. ``mode`` is such as ``0o755``."""
        query = {"path": path, "mode": None if mode is None else f"{mode:04o}"}
        body = content.encode() if isinstance(content, str) else content
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._transport.data("PUT", job_path(job, "/files"), query=query, content=body, headers=headers)
        return cast(WrittenFiles, answer)

    def remove(self, job: str, path: str, *, recursive: bool = False) -> None:
        """Removes a file; a folder with all that is in it only where ``recursive`` says so."""
        query = {"path": path, "recursive": recursive}
        self._transport.data("DELETE", job_path(job, "/files"), query=query)
