"""How requests reach a gateway. Made from the file of this name in `_async` by `npm run gen`."""

from __future__ import annotations

import time
import contextlib
import os
from typing import Any, Generator, Iterator, Mapping

import httpx

from .._errors import ConnectionFailedError, CortexError, ServerError, UnavailableError, error_of
from .._requests import (
    STREAM_RETRIES,
    STREAM_SILENCE,
    Event,
    EventParser,
    Request,
    base_of,
    delay_of,
    query_of,
)


class Transport:
    """Sends requests, and again where that is safe; every failure is a ``CortexError``."""

    def __init__(
        self, base_url: str | None, api_key: str | None, timeout: float, retries: int, http: httpx.Client | None
    ) -> None:
        self.base = base_of(base_url)
        key = api_key or os.environ.get("CORTEX_KEY")
        self._headers = {"Accept": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout = timeout
        self._retries = retries
        self._is_own = http is None
        self._http = http or httpx.Client()

    def close(self) -> None:
        if self._is_own:
            self._http.close()

    @contextlib.contextmanager
    def open(self, request: Request, timeout: Any = None) -> Generator[httpx.Response, None, None]:
        """The answer once its head is there; sent once."""
        headers = {**self._headers, **request.headers}
        if request.idempotency_key is not None:
            headers["Idempotency-Key"] = request.idempotency_key
        try:
            with self._http.stream(
                request.method,
                self.base + request.path,
                params=query_of(request.query),
                json=request.json,
                data=request.data,
                files=request.files,
                content=request.content,
                headers=headers,
                timeout=timeout or request.timeout or self._timeout,
            ) as response:
                if response.status_code >= 300:
                    raise error_of(response.status_code, response.headers, response.read())
                yield response
        except httpx.TimeoutException as cause:
            raise ConnectionFailedError("TIMED_OUT", f"{self.base} did not answer in time: try again") from cause
        except httpx.TransportError as cause:
            message = f"Cannot reach a gateway at {self.base} ({cause}): check that it runs and the address"
            raise ConnectionFailedError("CONNECTION_FAILED", message) from cause

    def send(self, request: Request) -> Any:
        """The answer as JSON, ``None`` where it has no body."""
        for attempt in range(self._retries + 1):
            try:
                with self.open(request) as response:
                    response.read()
                    return response.json() if response.content else None
            except ValueError as cause:
                message = f"What answers at {self.base} is no Cortex gateway: check the address"
                raise CortexError("UNEXPECTED_ANSWER", message) from cause
            except CortexError as error:
                if attempt == self._retries or not request.may_repeat(error):
                    raise
                time.sleep(delay_of(attempt, error))
        raise AssertionError("unreachable")

    def data(self, method: str, path: str, **more: Any) -> Any:
        """``data`` of the answer."""
        answer = self.send(Request(method, path, **more))
        return None if answer is None else answer["data"]

    def pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
        """Every object of a list, page after page."""
        cursor = None
        while True:
            answer = self.send(Request("GET", path, {"limit": 100, **query, "cursor": cursor}))
            for item in answer["data"]:
                yield item
            cursor = answer["meta"]["pagination"]["nextCursor"]
            if cursor is None:
                return

    @contextlib.contextmanager
    def events(self, request: Request) -> Generator[Iterator[Event], None, None]:
        """Events of one answer, as far as it goes."""
        timeout = httpx.Timeout(self._timeout, read=STREAM_SILENCE)
        parser = EventParser()
        with self.open(request, timeout) as response:

            def each() -> Iterator[Event]:
                for piece in response.iter_bytes():
                    for event in parser.feed(piece):
                        yield event

            yield each()

    def address(self, path: str) -> tuple[str, dict[str, str]]:
        """Where something else than a request is opened, and the headers that let it in."""
        return self.base + path, {name: text for name, text in self._headers.items() if name == "Authorization"}

    def follow(self, path: str, query: Mapping[str, Any], after: Any = None) -> Iterator[tuple[str, Any]]:
        """Id and data of each event of a stream, once and in order, until the gateway ends it."""
        last_id = None if after is None else str(after)
        failures = 0
        while True:
            headers = {"Accept": "text/event-stream"}
            if last_id is not None:
                headers["Last-Event-ID"] = last_id
            timeout = httpx.Timeout(self._timeout, read=STREAM_SILENCE)
            parser = EventParser()
            try:
                with self.open(Request("GET", path, query, headers=headers), timeout) as response:
                    if response.status_code == 204:
                        return
                    for piece in response.iter_bytes():
                        for event in parser.feed(piece):
                            failures = 0
                            last_id = event.id
                            if event.name == "end":
                                return
                            yield event.id, event.data
                        last_id = parser.last_id or last_id
                raise ConnectionFailedError("STREAM_LOST", "The stream ended before its end")
            except CortexError as error:
                passing = isinstance(error, (ConnectionFailedError, ServerError, UnavailableError)) or error.status == 429
                if not passing or failures >= STREAM_RETRIES:
                    raise
                time.sleep(delay_of(failures, error))
                failures += 1
