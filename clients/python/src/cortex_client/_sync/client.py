"""A gateway. Made from the file of this name in `_async` by `npm run gen`."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Iterator, cast

import httpx

from .._requests import sandbox_of
from ..types import CostForecast, Costs, Provider, User
from .batches import Batches
from .jobs import Jobs
from .sandbox import Sandbox
from .transport import Transport


class CortexClient:
    """A gateway as a program sees it.

    ``base_url`` is else ``CORTEX_GATEWAY`` or http://localhost:13000, ``api_key`` else ``CORTEX_KEY``. ``timeout`` is how
    long nothing may come of an answer, in seconds; ``retries`` is how often one is repeated where that is safe. ``http`` is a client of httpx of
    your own, with its proxies and certificates.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 4,
        http: httpx.Client | None = None,
    ) -> None:
        self._transport = Transport(base_url, api_key, timeout, retries, http)
        self.jobs = Jobs(self._transport)
        self.batches = Batches(self._transport)

    def __enter__(self) -> CortexClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._transport.close()

    def me(self) -> User:
        """Whose key this is, and what it may do."""
        return cast(User, self._transport.data("GET", "/users/me"))

    def providers(self, **query: Any) -> Iterator[Provider]:
        """Who sells, page after page."""
        for provider in self._transport.pages("/plugin-core/providers", query):
            yield cast(Provider, provider)

    def costs(self, **query: Any) -> Costs:
        """What jobs and volumes cost, by ``groupBy``: ``day``, ``provider`` or ``label.KEY``; ``period`` or ``from_`` and
        ``to`` say of which time, ``timezone`` where days begin."""
        if "from_" in query:
            query["from"] = query.pop("from_")
        return cast(Costs, self._transport.data("GET", "/plugin-core/analytics/costs", query=query))

    def forecast(self, timezone: str = "UTC") -> CostForecast:
        """What this month is expected to cost, and what that rests on."""
        query = {"timezone": timezone}
        return cast(CostForecast, self._transport.data("GET", "/plugin-core/analytics/forecast", query=query))

    def sandbox(self, image: str, *, ttl: int = 1_800, idle: int = 0, **fields: Any) -> Sandbox:
        """A machine to work in, which ends by itself after ``ttl`` seconds, or after ``idle`` seconds in which nothing ran in
        it, give or take ten; 0 is never. The image needs ``sh``.

        Use it in a ``with`` block; ``fields`` are those of a job, such as ``cpu=2000, memory="4Gi"``.
        """
        return Sandbox(self.jobs, sandbox_of(image, ttl, idle, fields))
