"""A machine that waits for commands. Made from the file of this name in `_async` by `npm run gen`."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, Iterator, Mapping, Sequence, cast

from .._errors import CortexError, JobFailedError
from .._requests import ExecOutput, words_in
from ..types import ContainerFiles, ExecAnswer1, Job, JobSubmission, PortLink, WrittenFiles
from .jobs import Jobs


class Sandbox:
    """A machine that waits for commands: made by ``client.sandbox``, ended where the ``with`` block ends.

    Where there is no block, ``start`` it, and ``stop`` it once it is not needed: it costs until then.
    """

    def __init__(self, jobs: Jobs, submission: Mapping[str, Any]) -> None:
        self._jobs = jobs
        self._submission = submission
        #: Id of its job, once it runs; by it ``client.jobs`` has all else.
        self.id = ""
        #: Its files.
        self.files = SandboxFiles(self, jobs)

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Sandbox:
        """Submits it, and waits until it runs; once it was, nothing. Raises ``JobFailedError`` where it ends before."""
        if self.id:
            return self
        job = self._jobs.submit(cast(JobSubmission, self._submission))
        self.id = job["id"]
        try:
            with contextlib.closing(cast(Any, self._jobs.events(self.id, follow=True))) as events:
                for event in events:
                    if event["type"] == "started":
                        return self
            raise JobFailedError(self._jobs.get(self.id))
        except BaseException as error:
            # Nobody else knows of it; what kept it from running says more than what keeps it from ending.
            try:
                self.stop()
                self.id = ""
            except CortexError:
                if isinstance(error, CortexError):
                    error.details = {**error.details, "jobId": self.id}
            raise

    def stop(self) -> None:
        """Ends it, with all that is in it; it may have ended before, or never have begun."""
        if not self.id:
            return
        try:
            self._jobs.cancel(self.id)
        except CortexError as error:
            if error.code != "JOB_STATE_CONFLICT":
                raise

    def exec(
        self,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: int = 60,
    ) -> ExecAnswer1:
        """Runs a command to its end, of text by ``sh -c``: ``exitCode``, and the first MiB of ``stdout`` and ``stderr``."""
        return self._jobs.exec(self.id, words_in(command, cwd, env), timeout=timeout)

    def stream(
        self, command: str | Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None
    ) -> Iterator[ExecOutput]:
        """Runs a command and tells what it writes as it comes, with its ``exitCode`` last."""
        with contextlib.closing(
            cast(Any, self._jobs.exec_stream(self.id, words_in(command, cwd, env)))
        ) as outputs:
            for output in outputs:
                yield output

    def port(self, port: int) -> tuple[str, dict[str, str]]:
        """Where one of its ``ports`` is reached by HTTP, and the headers that let programs in."""
        return self._jobs.port(self.id, port)

    def link(self, port: int, path: str = "/") -> PortLink:
        """A link that opens one of its ``ports`` in a browser, once and within a minute."""
        return self._jobs.link(self.id, port, path)

    def extend(self, seconds: int) -> Job:
        """Adds seconds to how long it lasts."""
        return self._jobs.extend(self.id, seconds)


class SandboxFiles:
    """Files of a machine; paths are absolute. ``client.jobs.files`` has more, for large ones."""

    def __init__(self, box: Sandbox, jobs: Jobs) -> None:
        self._box = box
        self._files = jobs.files

    def read(self, path: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """A file, all of it in memory."""
        return self._files.read(self._box.id, path, offset=offset, length=length)

    def write(self, path: str, content: bytes | str, *, mode: int | None = None) -> WrittenFiles:
        """Writes a file, in folders that are made where they are missing. ``mode`` is such as ``0o755``."""
        return self._files.write(self._box.id, path, content, mode=mode)

    def list(self, path: str = "/", *, cursor: str | None = None) -> ContainerFiles:
        """What is at a path, and of a folder its first 1000 entries; ``nextCursor`` leads to more."""
        return self._files.list(self._box.id, path, cursor=cursor)

    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Removes a file; a folder with all that is in it only where ``recursive`` says so."""
        self._files.remove(self._box.id, path, recursive=recursive)
