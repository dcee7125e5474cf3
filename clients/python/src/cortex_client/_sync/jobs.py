"""Jobs. Made from the file of this name in `_async` by `npm run gen`."""

from __future__ import annotations

import contextlib
import secrets
from typing import Any, Generator, Iterator, List, Mapping, Sequence, cast

from .._errors import ConnectionFailedError, JobFailedError, told_error
from .._requests import ExecOutput, Request, job_path, range_of, words_of
from ..types import (
    AttemptCost,
    DryRun,
    ExecAnswer1,
    Extension,
    Job,
    JobChanges,
    JobEvent,
    JobListItem,
    JobOverrides,
    JobSubmission,
    LogLine,
    PortLink,
)
from .files import JobFiles
from .transport import Transport


class Jobs:
    """``client.jobs``"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.files = JobFiles(transport)

    def submit(
        self, job: JobSubmission | None = None, /, *, idempotency_key: str | None = None, **fields: Any
    ) -> Job:
        """Submits a job, as a mapping or by its fields: ``submit(image="busybox", args=["date"])``.

        It is repeated under one key where the connection fails, so it makes one job.
        """
        body = {**(job or {}), **fields}
        key = idempotency_key or secrets.token_hex(16)
        return cast(Job, self._transport.data("POST", "/plugin-core/jobs", json=body, idempotency_key=key))

    def estimate(self, job: JobSubmission | None = None, /, **fields: Any) -> DryRun:
        """Checks a job and asks who would take it, and at what price; nothing is submitted."""
        body = {**(job or {}), **fields}
        query = {"dryRun": True}
        answer = self._transport.data("POST", "/plugin-core/jobs", query=query, json=body, repeatable=True)
        return cast(DryRun, answer)

    def why(self, job: str) -> DryRun:
        """What providers say to a job that was submitted, asked anew, and what would help where nobody takes it."""
        return cast(DryRun, self._transport.data("GET", job_path(job, "/why")))

    def get(self, job: str) -> Job:
        """The job, with its events."""
        return cast(Job, self._transport.data("GET", job_path(job)))

    def list(
        self, *, labels: Mapping[str, str] | None = None, **query: Any
    ) -> Iterator[JobListItem]:
        """Every job that matches, newest first, page after page: by ``status``, ``provider``, ``batch``, ``q``, ``sort``,
        ``to`` and the like, as the API's own parameters; ``from`` is written ``from_``. With ``fold=True`` a batch is
        one of them, the first of its jobs that match, and ``batch`` tells how all of it are."""
        named = {name.rstrip("_"): value for name, value in query.items()}
        labelled = {f"label.{name}": value for name, value in (labels or {}).items()}
        for job in self._transport.pages("/plugin-core/jobs", {**named, **labelled}):
            yield cast(JobListItem, job)

    def wait(self, job: str, *, check: bool = False) -> Job:
        """The job once it has ended. With ``check`` it raises ``JobFailedError`` unless it has completed."""
        for _ in self.events(job, follow=True):
            pass
        ended = self.get(job)
        if check and ended["status"] != "completed":
            raise JobFailedError(ended)
        return ended

    def run(self, job: JobSubmission | None = None, /, *, check: bool = True, **fields: Any) -> Job:
        """Submits a job and waits for its end. It raises ``JobFailedError`` unless ``check`` is ``False``."""
        submitted = self.submit(job, **fields)
        return self.wait(submitted["id"], check=check)

    def logs(
        self, job: str, *, follow: bool = False, tail: int | None = None, since: Any = None, after: int | None = None
    ) -> Iterator[LogLine]:
        """Lines that the job wrote. With ``follow`` all that come until it has ended, each once; else those that are
        there, at most the newest 10,000. ``after``, the number of a line, goes with ``follow``."""
        query = {"tail": tail, "since": since}
        path = job_path(job, "/logs")
        if not follow:
            for line in (self._transport.data("GET", path, query=query))["logs"]:
                yield cast(LogLine, line)
            return
        for _, line in self._transport.follow(path, query, after):
            yield cast(LogLine, line)

    def events(self, job: str, *, follow: bool = False, after: int = 0) -> Iterator[JobEvent]:
        """What happened to the job behind ``after``; with ``follow`` on, until it has ended."""
        path = job_path(job, "/events")
        if not follow:
            for event in (self._transport.data("GET", path, query={"after": after}))["events"]:
                yield cast(JobEvent, event)
            return
        for _, event in self._transport.follow(path, {}, after or None):
            yield cast(JobEvent, event)

    def exec(self, job: str, command: str | Sequence[str], *, timeout: int = 60) -> ExecAnswer1:
        """Runs a command in the running container to its end, of text by ``sh -c``: ``exitCode``, ``stdout``, ``stderr``."""
        body = {"command": words_of(command), "timeout": timeout}
        answer = self._transport.data("POST", job_path(job, "/exec"), json=body, timeout=timeout + 30.0)
        return cast(ExecAnswer1, answer)

    def exec_stream(self, job: str, command: str | Sequence[str]) -> Iterator[ExecOutput]:
        """Runs a command and tells what it writes as it comes, with its ``exitCode`` last; however long it takes."""
        request = Request(
            "POST", job_path(job, "/exec"), json={"command": words_of(command)}, headers={"Accept": "text/event-stream"}
        )
        with self._transport.events(request) as events:
            for event in events:
                if event.name in ("stdout", "stderr"):
                    yield {"type": event.name, "text": event.data["text"]}
                elif event.name == "exit":
                    yield {"type": "exit", "exitCode": event.data["exitCode"]}
                    return
                elif event.name == "error":
                    raise told_error(event.data, event.data.get("status", 500))
        raise ConnectionFailedError("STREAM_LOST", "The command’s output broke off")

    def port(self, job: str, port: int) -> tuple[str, dict[str, str]]:
        """Where a port that the job exposes is reached by HTTP, and the headers that let programs in."""
        return self._transport.address(job_path(job, f"/proxy/{port}/"))

    def link(self, job: str, port: int, path: str = "/") -> PortLink:
        """A link that opens a port that the job exposes in a browser, once and within a minute."""
        body = {"port": port, "path": path}
        answer = self._transport.data("POST", job_path(job, "/links"), json=body, repeatable=True)
        return cast(PortLink, answer)

    @contextlib.contextmanager
    def open_output(
        self, job: str, path: str | None = None, *, name: str | None = None, offset: int = 0, length: int | None = None
    ) -> Generator[Iterator[bytes], None, None]:
        """Pieces of what the job left: a tar of all of it or of one output (``name``), or one file of it, with ``path`` as
        its entry in the tar is called."""
        query = {"path": path, "name": name}
        request = Request("GET", job_path(job, "/output"), query, headers=range_of(offset, length))
        with self._transport.open(request, 60.0) as response:
            yield response.iter_raw()

    def output(self, job: str, path: str | None = None, **how: Any) -> bytes:
        """The same, all of it in memory."""
        with self.open_output(job, path, **how) as pieces:
            return b"".join([piece for piece in pieces])

    def cancel(self, job: str) -> None:
        """Answers at once; the job is cancelled when its provider has stopped it."""
        self._transport.data("POST", job_path(job, "/cancel"))

    def extension(self, job: str, seconds: int) -> Extension:
        """What more time would cost, and when the job would end; nobody is asked for it."""
        query, body = {"dryRun": True}, {"additional": seconds}
        answer = self._transport.data("POST", job_path(job, "/extend"), query=query, json=body, repeatable=True)
        return cast(Extension, answer)

    def extend(self, job: str, seconds: int) -> Job:
        """Adds seconds to its duration."""
        return cast(Job, self._transport.data("POST", job_path(job, "/extend"), json={"additional": seconds}))

    def update(self, job: str, changes: JobChanges | None = None, /, **fields: Any) -> Job:
        """Changes a job that nobody has yet, as a mapping or by fields: ``update(id, memory="1Gi")``; None takes one out."""
        body = {**(changes or {}), **fields}
        return cast(Job, self._transport.data("PUT", job_path(job), json=body))

    def resubmit(self, job: str, overrides: JobOverrides | None = None) -> Job:
        """A new job from this one."""
        key = secrets.token_hex(16)
        body = {"overrides": overrides or {}}
        answer = self._transport.data("POST", job_path(job, "/resubmit"), json=body, idempotency_key=key)
        return cast(Job, answer)

    def costs(self, job: str) -> List[AttemptCost]:
        """What each attempt costs, the first one first, with what both sides signed of it."""
        return cast(List[AttemptCost], (self._transport.data("GET", job_path(job, "/receipts")))["receipts"])
