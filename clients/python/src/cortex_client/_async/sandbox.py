"""A machine that waits for commands. The files of `_sync` are made from these by `npm run gen`."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, AsyncIterator, Mapping, Sequence, cast

from .._errors import CortexError, JobFailedError
from .._requests import ExecOutput, words_in
from ..types import ContainerFiles, ExecAnswer1, Job, JobSubmission, PortLink, WrittenFiles
from .jobs import AsyncJobs


class AsyncSandbox:
    """A machine that waits for commands: made by ``client.sandbox``, ended where the ``with`` block ends.

    Where there is no block, ``start`` it, and ``stop`` it once it is not needed: it costs until then.
    """

    def __init__(self, jobs: AsyncJobs, submission: Mapping[str, Any]) -> None:
        self._jobs = jobs
        self._submission = submission
        #: Id of its job, once it runs; by it ``client.jobs`` has all else.
        self.id = ""
        #: Its files.
        self.files = AsyncSandboxFiles(self, jobs)

    async def __aenter__(self) -> AsyncSandbox:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> AsyncSandbox:
        """Submits it, and waits until it runs; once it was, nothing. Raises ``JobFailedError`` where it ends before."""
        if self.id:
            return self
        job = await self._jobs.submit(cast(JobSubmission, self._submission))
        self.id = job["id"]
        try:
            async with contextlib.aclosing(cast(Any, self._jobs.events(self.id, follow=True))) as events:
                async for event in events:
                    if event["type"] == "started":
                        return self
            raise JobFailedError(await self._jobs.get(self.id))
        except BaseException as error:
            # Nobody else knows of it; what kept it from running says more than what keeps it from ending.
            try:
                await self.stop()
                self.id = ""
            except CortexError:
                if isinstance(error, CortexError):
                    error.details = {**error.details, "jobId": self.id}
            raise

    async def stop(self) -> None:
        """Ends it, with all that is in it; it may have ended before, or never have begun."""
        if not self.id:
            return
        try:
            await self._jobs.cancel(self.id)
        except CortexError as error:
            if error.code != "JOB_STATE_CONFLICT":
                raise

    async def exec(
        self,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: int = 60,
    ) -> ExecAnswer1:
        """Runs a command to its end, of text by ``sh -c``: ``exitCode``, and the first MiB of ``stdout`` and ``stderr``."""
        return await self._jobs.exec(self.id, words_in(command, cwd, env), timeout=timeout)

    async def stream(
        self, command: str | Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None
    ) -> AsyncIterator[ExecOutput]:
        """Runs a command and tells what it writes as it comes, with its ``exitCode`` last."""
        async with contextlib.aclosing(
            cast(Any, self._jobs.exec_stream(self.id, words_in(command, cwd, env)))
        ) as outputs:
            async for output in outputs:
                yield output

    def port(self, port: int) -> tuple[str, dict[str, str]]:
        """Where one of its ``ports`` is reached by HTTP, and the headers that let programs in."""
        return self._jobs.port(self.id, port)

    async def link(self, port: int, path: str = "/") -> PortLink:
        """A link that opens one of its ``ports`` in a browser, once and within a minute."""
        return await self._jobs.link(self.id, port, path)

    async def extend(self, seconds: int) -> Job:
        """Adds seconds to how long it lasts."""
        return await self._jobs.extend(self.id, seconds)


class AsyncSandboxFiles:
    """Files of a machine; paths are absolute. ``client.jobs.files`` has more, for large ones."""

    def __init__(self, box: AsyncSandbox, jobs: AsyncJobs) -> None:
        self._box = box
        self._files = jobs.files

    async def read(self, path: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """A file, all of it in memory."""
        return await self._files.read(self._box.id, path, offset=offset, length=length)

    async def write(self, path: str, content: bytes | str, *, mode: int | None = None) -> WrittenFiles:
        """Writes a file, in folders that are made where they are missing. ``mode`` is such as ``0o755``."""
        return await self._files.write(self._box.id, path, content, mode=mode)

    async def list(self, path: str = "/", *, cursor: str | None = None) -> ContainerFiles:
        """What is at a path, and of a folder its first 1000 entries; ``nextCursor`` leads to more."""
        return await self._files.list(self._box.id, path, cursor=cursor)

    async def remove(self, path: str, *, recursive: bool = False) -> None:
        """Removes a file; a folder with all that is in it only where ``recursive`` says so."""
        await self._files.remove(self._box.id, path, recursive=recursive)
