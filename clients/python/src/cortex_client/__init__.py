"""The API of a Cortex gateway: submit jobs, follow them, work in a machine, run batches.

``CortexClient`` waits for each answer, ``AsyncCortexClient`` is awaited; they have the same calls.
"""

from ._async.batches import AsyncBatches
from ._async.client import AsyncCortexClient
from ._async.files import AsyncJobFiles
from ._async.jobs import AsyncJobs
from ._async.sandbox import AsyncSandbox, AsyncSandboxFiles
from ._errors import (
    ConflictError,
    ConnectionFailedError,
    CortexError,
    ForbiddenError,
    JobFailedError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitError,
    ServerError,
    UnauthorizedError,
    UnavailableError,
    ValidationError,
)
from ._requests import ExecOutput
from ._sync.batches import Batches
from ._sync.client import CortexClient
from ._sync.files import JobFiles
from ._sync.jobs import Jobs
from ._sync.sandbox import Sandbox, SandboxFiles

__all__ = [
    "AsyncBatches",
    "AsyncCortexClient",
    "AsyncJobFiles",
    "AsyncJobs",
    "AsyncSandbox",
    "AsyncSandboxFiles",
    "Batches",
    "ConflictError",
    "ConnectionFailedError",
    "CortexClient",
    "CortexError",
    "ExecOutput",
    "ForbiddenError",
    "JobFailedError",
    "JobFiles",
    "Jobs",
    "NotFoundError",
    "PayloadTooLargeError",
    "RateLimitError",
    "Sandbox",
    "SandboxFiles",
    "ServerError",
    "UnauthorizedError",
    "UnavailableError",
    "ValidationError",
]
