"""What goes wrong, by class and by the code of the API: match these, never the message."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Mapping


class CortexError(Exception):
    """Anything that went wrong between a program and its gateway.

    ``code`` is one of the API (``docs/api-errors.md``), or ``CONNECTION_FAILED``, ``TIMED_OUT``, ``STREAM_LOST``,
    ``UNEXPECTED_ANSWER``. ``retry_after`` is how many seconds the gateway asks to wait.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}
        self.request_id = request_id
        self.retry_after = retry_after


class ValidationError(CortexError):
    """The request is not valid (400): ``fields`` has every field that is wrong, with ``path`` and ``message``."""

    @property
    def fields(self) -> list[dict[str, str]]:
        fields = self.details.get("fields")
        return fields if isinstance(fields, list) else []


class UnauthorizedError(CortexError):
    """No key, or one that is wrong or has ended (401)."""


class ForbiddenError(CortexError):
    """The key may not do this (403)."""


class NotFoundError(CortexError):
    """There is no such object, or it is another owner's (404)."""


class ConflictError(CortexError):
    """The object is not in a state that allows this (409)."""


class PayloadTooLargeError(CortexError):
    """The body is too large (413)."""


class RateLimitError(CortexError):
    """Too many requests, and waiting as asked did not help or would take too long (429)."""


class UnavailableError(CortexError):
    """No provider or network can do this now (503)."""


class ServerError(CortexError):
    """The gateway is at fault (500 and others)."""


class ConnectionFailedError(CortexError):
    """Nothing answered, too late, or the connection broke; whether the request was carried out is not known."""


class JobFailedError(CortexError):
    """A job that was to be completed ended otherwise; ``job`` is how it ended."""

    def __init__(self, job: Any) -> None:
        error = job.get("error") or {}
        message = error.get("message") or f"The job ended as {job['status']}"
        super().__init__(error.get("code") or job["status"].upper(), message, details=error.get("details"))
        self.job = job


_CLASSES: dict[int, type[CortexError]] = {
    400: ValidationError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: PayloadTooLargeError,
    429: RateLimitError,
    503: UnavailableError,
}


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> CortexError:
    """The typed error of an answer that is no success."""
    more: dict[str, Any] = {
        "status": status,
        "request_id": headers.get("x-request-id"),
        "retry_after": _seconds(headers.get("retry-after")),
    }
    try:
        return told_error(json.loads(body)["error"], **more)
    except (ValueError, KeyError, TypeError):
        message = f"What answered (HTTP {status}) is no Cortex gateway, or a proxy before one: check the address"
        return _CLASSES.get(status, ServerError)("UNEXPECTED_ANSWER", message, **more)


def told_error(error: Mapping[str, Any], status: int, **more: Any) -> CortexError:
    """The typed error that the gateway tells, by its ``status``."""
    kind = _CLASSES.get(status, ServerError)
    return kind(str(error["code"]), str(error["message"]), status=status, details=error.get("details"), **more)


def _seconds(header: str | None) -> float | None:
    if header is None:
        return None
    if header.isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return None
