"""A machine that waits for commands. Made from the file of this name in `_async` by `npm run gen`."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, Mapping, Sequence, cast

from .._errors import CortexError, JobFailedError
from .._requests import ENDED
from ..types import ContainerFiles, ExecAnswer1, JobSubmission, WrittenFiles
from .jobs import Jobs

#: What it does while nobody uses it.
WAITING = 'trap "exit 0" TERM INT; while :; do sleep 5 & wait $!; done'


class Sandbox:
    """A machine that waits for commands: made by ``client.sandbox``, ended where the ``with`` block ends."""

    def __init__(self, jobs: Jobs, submission: Mapping[str, Any]) -> None:
        self._jobs = jobs
        self._submission = submission
        #: Id of its job, once it runs.
        self.id = ""

    def __enter__(self) -> Sandbox:
        job = self._jobs.submit(cast(JobSubmission, self._submission))
        self.id = job["id"]
        try:
            with contextlib.closing(cast(Any, self._jobs.events(self.id, follow=True))) as events:
                for _ in events:
                    job = self._jobs.get(self.id)
                    if job["status"] == "running" or job["status"] in ENDED:
                        break
            if job["status"] != "running":
                raise JobFailedError(self._jobs.get(self.id))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends it, with all that is in it; it may have ended before."""
        try:
            self._jobs.cancel(self.id)
        except CortexError as error:
            if error.code != "JOB_STATE_CONFLICT":
                raise

    def exec(self, command: str | Sequence[str], *, timeout: int = 60) -> ExecAnswer1:
        """Runs a command, of text by ``sh -c``: ``exitCode``, ``stdout``, ``stderr``."""
        return self._jobs.exec(self.id, command, timeout=timeout)

    def read(self, path: str, **part_of: Any) -> bytes:
        """A file of it."""
        return self._jobs.files.read(self.id, path, **part_of)

    def write(self, path: str, content: bytes | str, *, mode: int | None = None) -> WrittenFiles:
        """Writes a file into it."""
        return self._jobs.files.write(self.id, path, content, mode=mode)

    def list(self, path: str = "/") -> ContainerFiles:
        """What is in a folder of it."""
        return self._jobs.files.list(self.id, path)
