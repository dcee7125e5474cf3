"""A machine that waits for commands. The files of `_sync` are made from these by `npm run gen`."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, Mapping, Sequence, cast

from .._errors import CortexError, JobFailedError
from .._requests import ENDED
from ..types import ContainerFiles, ExecAnswer1, JobSubmission, WrittenFiles
from .jobs import AsyncJobs

#: What it does while nobody uses it.
WAITING = 'trap "exit 0" TERM INT; while :; do sleep 5 & wait $!; done'


class AsyncSandbox:
    """A machine that waits for commands: made by ``client.sandbox``, ended where the ``with`` block ends."""

    def __init__(self, jobs: AsyncJobs, submission: Mapping[str, Any]) -> None:
        self._jobs = jobs
        self._submission = submission
        #: Id of its job, once it runs.
        self.id = ""

    async def __aenter__(self) -> AsyncSandbox:
        job = await self._jobs.submit(cast(JobSubmission, self._submission))
        self.id = job["id"]
        try:
            async with contextlib.aclosing(cast(Any, self._jobs.events(self.id, follow=True))) as events:
                async for _ in events:
                    job = await self._jobs.get(self.id)
                    if job["status"] == "running" or job["status"] in ENDED:
                        break
            if job["status"] != "running":
                raise JobFailedError(await self._jobs.get(self.id))
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends it, with all that is in it; it may have ended before."""
        try:
            await self._jobs.cancel(self.id)
        except CortexError as error:
            if error.code != "JOB_STATE_CONFLICT":
                raise

    async def exec(self, command: str | Sequence[str], *, timeout: int = 60) -> ExecAnswer1:
        """Runs a command, of text by ``sh -c``: ``exitCode``, ``stdout``, ``stderr``."""
        return await self._jobs.exec(self.id, command, timeout=timeout)

    async def read(self, path: str, **part_of: Any) -> bytes:
        """A file of it."""
        return await self._jobs.files.read(self.id, path, **part_of)

    async def write(self, path: str, content: bytes | str, *, mode: int | None = None) -> WrittenFiles:
        """Writes a file into it."""
        return await self._jobs.files.write(self.id, path, content, mode=mode)

    async def list(self, path: str = "/") -> ContainerFiles:
        """What is in a folder of it."""
        return await self._jobs.files.list(self.id, path)
