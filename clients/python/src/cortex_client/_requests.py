"""What both clients know of requests: addresses, which may be repeated, rows as CSV, events of a stream."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Iterable, Iterator, Mapping, TypedDict
from urllib.parse import quote

from ._errors import ConnectionFailedError, CortexError
from ._waiting import WAITING

#: Where a gateway is looked for.
DEFAULT_GATEWAY = "http://localhost:13000"
#: The longest that a gateway's wish to wait is followed, in seconds.
MAX_RETRY_AFTER = 60.0
#: The first wait before a request is sent once more, in seconds; doubled for each further one.
RETRY_DELAY = 0.25
#: Largest event of a stream, in bytes; lines of a container's output are far shorter.
MAX_EVENT_BYTES = 16 * 2**20
#: Silence after which a stream counts as lost, in seconds; the gateway lets 15 pass at most.
STREAM_SILENCE = 45.0
#: How often in a row a stream that broke is opened again.
STREAM_RETRIES = 20
#: How long a gateway may take to check and store ten thousand rows, in seconds.
BATCH_TIMEOUT = 300.0


def base_of(url: str | None) -> str:
    """The base of the API at a gateway. Raises ``ValueError`` where it is no URL of http or https."""
    given = url or os.environ.get("CORTEX_GATEWAY") or DEFAULT_GATEWAY
    if not given.startswith(("http://", "https://")):
        raise ValueError(f"base_url must be a URL such as {DEFAULT_GATEWAY}; {given} is none")
    trimmed = given.rstrip("/")
    last = trimmed.rsplit("/", 1)[-1]
    if last == "api" or (last.startswith("v") and last[1:].isdigit() and trimmed.rsplit("/", 2)[-2] == "api"):
        return trimmed
    return f"{trimmed}/api/v1"


def part(text: str) -> str:
    """An id as a part of a path."""
    return quote(text, safe="")


def job_path(job: str, rest: str = "") -> str:
    return f"/plugin-core/jobs/{part(job)}{rest}"


def query_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as the gateway reads them: lists with commas, times as ISO 8601; ``None`` is left out."""
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, (list, tuple)):
        return ",".join(_text(one) for one in value)
    return str(value)


@dataclass
class Request:
    """One request; ``repeatable`` says that doing it twice does no harm."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    data: Mapping[str, str] | None = None
    files: Any = None
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    timeout: float | None = None
    repeatable: bool = False

    def may_repeat(self, error: CortexError) -> bool:
        """Whether sending it once more does no harm and may help."""
        if (error.retry_after or 0) > MAX_RETRY_AFTER:
            return False
        if error.status == 429 or (error.status == 503 and error.retry_after is not None):
            return True
        harmless = self.method in ("GET", "PUT", "PATCH") or self.idempotency_key is not None or self.repeatable
        passing = isinstance(error, ConnectionFailedError) or error.status in (502, 504)
        return harmless and (passing or (error.status == 503 and error.code == "UNEXPECTED_ANSWER"))


def delay_of(attempt: int, error: CortexError) -> float:
    """Seconds to wait before it is tried again. ``attempt`` counts from 0."""
    backoff = min(RETRY_DELAY * float(2**attempt), 30.0) * (0.5 + random.random() / 2)
    return max(backoff, error.retry_after or 0)


def csv_of(rows: Any) -> bytes:
    """Rows as CSV: a list of mappings, a data frame of pandas or polars, or CSV itself as text or bytes.

    Lists and mappings in a cell become JSON; ``None`` is an empty cell, which sets nothing.
    """
    if isinstance(rows, bytes):
        return rows
    if isinstance(rows, str):
        return rows.encode()
    if hasattr(rows, "to_csv"):
        text = rows.to_csv(index=False)
        return text.encode() if isinstance(text, str) else bytes(text)
    if hasattr(rows, "write_csv"):
        return str(rows.write_csv()).encode()
    return _csv_of_mappings(list(rows))


def _csv_of_mappings(rows: list[Mapping[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        raise ValueError("There are no rows: a batch has at least one")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


@dataclass
class Event:
    """One server-sent event; ``id`` is where a stream goes on that broke behind it."""

    id: str
    name: str
    data: Any


class EventParser:
    """Events out of the bytes of a stream, whatever pieces they come in."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._data: list[bytes] = []
        self._bytes = 0
        self._name = "message"
        #: Where the stream stands.
        self.last_id: str | None = None

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that end in this piece. Raises ``CortexError`` where one is too large."""
        self._held += piece
        *lines, rest = bytes(self._held).split(b"\n")
        self._held = bytearray(rest)
        if len(rest) + self._bytes > MAX_EVENT_BYTES:
            raise CortexError("UNEXPECTED_ANSWER", f"An event of the stream has more than {MAX_EVENT_BYTES} bytes")
        for line in lines:
            event = self._take(line.rstrip(b"\r"))
            if event is not None:
                yield event

    def _take(self, line: bytes) -> Event | None:
        if line == b"":
            data, kind = b"\n".join(self._data), self._name
            has_data = len(self._data) > 0
            self._data, self._bytes, self._name = [], 0, "message"
            return Event(self.last_id or "", kind, json.loads(data)) if has_data else None
        name, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            self._data.append(value)
            self._bytes += len(value)
        elif name == b"event":
            self._name = value.decode()
        elif name == b"id":
            self.last_id = value.decode()
        return None


def words_of(command: str | Iterable[str]) -> list[str]:
    """A command as words: text is run by ``sh -c``."""
    return ["sh", "-c", command] if isinstance(command, str) else list(command)


def words_in(command: str | Iterable[str], cwd: str | None, env: Mapping[str, str] | None) -> list[str]:
    """The same with a folder in which it runs, and variables besides the job's: a shell sees to both."""
    words = words_of(command)
    variables = [f"{name}={value}" for name, value in (env or {}).items()]
    if cwd is None and not variables:
        return words
    return ["sh", "-c", 'cd -- "$1" && shift && exec env "$@"', "sh", cwd or ".", *variables, *words]


def sandbox_of(image: str, ttl: int, idle: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The job that a machine to work in is. Raises ``ValueError`` where a field is none of its own, or ``idle`` no number."""
    if not isinstance(idle, int) or isinstance(idle, bool) or idle < 0:
        raise ValueError(f"idle is a whole number of seconds, or 0 for never; {idle!r} is none")
    for name, remedy in (("command", "run it with exec"), ("args", "run it with exec"), ("duration", "say ttl")):
        if name in fields:
            raise ValueError(f"A machine to work in has no {name}: {remedy}")
    defaults = {"stopGraceSeconds": 1, "maxAttempts": 1}
    return {**defaults, "image": image, "duration": ttl, **fields, "command": [*WAITING, str(idle)], "args": []}


class ExecOutput(TypedDict, total=False):
    """A piece of what a command writes: ``type`` is ``stdout`` or ``stderr``, with ``text``; the last is ``exit``, with ``exitCode``."""

    type: str
    text: str
    exitCode: int


def range_of(offset: int, length: int | None) -> dict[str, str]:
    """Asks for a part, unpacked: a little that is packed may become more than any disk holds."""
    headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
    if offset > 0 or length is not None:
        headers["Range"] = f"bytes={offset}-{'' if length is None else offset + length - 1}"
    return headers
