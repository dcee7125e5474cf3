"""What the API takes and answers, as types. Made from its OpenAPI document by `npm run gen`."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, NotRequired, TypedDict, Union


class Job(TypedDict):
    """A job, its configuration and how far it is."""

    #: Of the job.
    id: str
    #: What its owner calls it; null where it has none.
    name: Union[str, None]
    #: Whose it is: the owner of the key that it was submitted with.
    owner: str
    #: The network asked for, or one provider’s id.
    provider: str
    #: Who holds the lease.
    assignedProvider: Union[str, None]
    #: How far it is.
    status: Literal["pending", "scheduled", "running", "completed", "failed", "cancelled"]
    #: What runs.
    image: str
    #: In place of the image’s entrypoint.
    command: List[str]
    #: Arguments to the entrypoint.
    args: List[str]
    #: Millicores.
    cpu: int
    #: With a unit, such as `512Mi`.
    memory: str
    #: With a unit, such as `1Gi`.
    storage: str
    #: How many GPUs.
    gpu: int
    #: Longest runtime in seconds, extensions included.
    duration: int
    #: When it was submitted.
    createdAt: str
    #: When a provider took it.
    scheduledAt: Union[str, None]
    #: When its container started.
    startedAt: Union[str, None]
    #: When it ended.
    endedAt: Union[str, None]
    cost: JobCost
    #: The rest of the submission, without secrets.
    config: Dict[str, Any]
    #: What came of it.
    results: JobResults
    error: JobError
    #: Counted from 1.
    attempt: int
    #: Attempts that it may have.
    maxAttempts: int
    #: Its exposed ports, while it runs.
    endpoints: List[JobEndpointsItem]
    #: What the image’s own health check says while the job runs; null where the image has none.
    health: Literal["starting", "healthy", "unhealthy", None]
    #: By which it is found.
    labels: Dict[str, str]
    #: Where it came from: resubmittedFrom, batch, schedule, template, mcpKey (the key whose tools made it).
    origin: Dict[str, str]
    #: While a provider is looked for, alone and in lists; not with events.
    waiting: NotRequired[JobWaiting]
    #: What of the submission is not shown, with one job; null where it cannot be opened: the gateway had another master key.
    hidden: NotRequired[Union[JobHidden, None]]
    #: With one job; not in lists.
    events: NotRequired[List[JobEvent]]
    #: With `?debug=true`.
    debug: NotRequired[JobDebug]


class JobResults(TypedDict):
    """What came of it."""

    #: Of its program; null where there is none.
    exitCode: Union[int, None]
    #: Where what it left is fetched; null where nothing is kept.
    outputUrl: Union[str, None]
    #: What of the outputs was not kept, at most 65: links that lead out, devices, what was too large.
    leftOut: List[JobResultsLeftOutItem]
    #: Outputs with `to`, once the job has ended; absent where it has none.
    sent: NotRequired[List[JobResultsSentItem]]
    #: Why lines of the log may be missing, as where the engine was away; absent where none are.
    logProblem: NotRequired[str]
    #: Volumes that outlive the job, once it was given to a provider; absent where it has none.
    volumes: NotRequired[List[JobResultsVolumesItem]]


class JobResultsLeftOutItem(TypedDict):
    #: Where it was.
    path: str
    #: To be read behind the path.
    reason: str


class JobResultsSentItem(TypedDict):
    #: As people call it.
    name: str
    #: Where it was in the container.
    path: str
    #: Where it went, or was to go.
    host: str
    #: Of what was sent: a file as it is, a folder’s tar, or all objects of a prefix.
    bytes: int
    #: Of that, in hex; null where it was not sent, and of the objects of a prefix.
    sha256: Union[str, None]
    #: How many objects it became in a bucket; 0 of a URL.
    objects: int
    #: Why it was not sent, and is kept instead; null where it was.
    problem: Union[str, None]
    #: The same for programs, a row of docs/failures.md; null where it was sent.
    reason: Union[str, None]


class JobResultsVolumesItem(TypedDict):
    #: For `volumes: [{ volume }]` of another job.
    id: str
    #: As people call it.
    name: str
    #: Where it was in the container.
    mountPath: str
    #: Where it lies.
    provider: str


class JobEndpointsItem(TypedDict):
    #: On which the container listens.
    port: int
    #: What it speaks there.
    protocol: Literal["TCP", "UDP"]
    #: Below this gateway’s own address; for browsers ask for a link with POST …/links.
    url: str
    #: As its provider sees it: `silent` where no program listens yet, `unknown` where that cannot be told.
    health: Literal["answering", "silent", "unknown"]
    #: HOST:PORT for everybody; null where the port is not public.
    address: Union[str, None]


class JobWaiting(TypedDict):
    """While a provider is looked for, alone and in lists; not with events."""

    #: When it fails unless somebody takes it before.
    givesUpAt: str
    #: How many providers said something when they were asked last; 0 before.
    answered: int
    #: Who came nearest, and what was lacking, as the job would fail by it; null before anybody was asked.
    nearest: Union[JobWaitingNearest, None]


class JobWaitingNearest(TypedDict):
    """Who came nearest, and what was lacking, as the job would fail by it; null before anybody was asked."""

    #: What programs match.
    code: Literal["IMAGE_PULL_ERROR", "RESOURCE_LIMIT_EXCEEDED", "NETWORK_ERROR", "NON_ZERO_EXIT", "DURATION_EXCEEDED", "NO_PROVIDER", "INTERNAL", "DATA_ERROR"]
    #: For people.
    message: str
    #: What to do about it.
    remedy: str
    #: Who can mend it: the program (`job`), what was asked for (`user`), the owner of the machine (`provider`), nobody at once (`place`), or this program (`ours`).
    fault: Literal["job", "user", "provider", "place", "ours"]
    #: Further words for programs, `reason` among them.
    details: Dict[str, Union[str, float, bool]]
    #: What to change of the job for that; null where it is nothing that the job asks for.
    change: Union[JobWaitingNearestChange, None]


class JobWaitingNearestChange(TypedDict):
    """What to change of the job for that; null where it is nothing that the job asks for."""

    #: What is changed, such as `Raise memory to 128Mi`.
    text: str
    #: The same for `POST …/resubmit`, or while it is pending for `PUT`: fields of a submission; null takes one out.
    changes: Dict[str, Any]


class JobHidden(TypedDict):
    """What of the submission is not shown, with one job; null where it cannot be opened: the gateway had another master key."""

    #: Names of its secrets.
    secrets: List[str]
    #: Whether it has any.
    registryCredentials: bool


class JobDebug(TypedDict):
    """With `?debug=true`."""

    #: Counted from 1.
    attempt: int
    #: The number of the lease: reports with an older one are not heard.
    fence: int
    #: The lease that it has; null where it has none.
    lease: Union[Dict[str, Any], None]
    #: Those of earlier attempts.
    pastLeases: List[Dict[str, Any]]
    #: Providers that are not asked again.
    excluded: List[str]
    #: How much of the log there is.
    logs: JobDebugLogs


class JobDebugLogs(TypedDict):
    """How much of the log there is."""

    #: How many are kept.
    lines: float
    #: Of them.
    bytes: float
    #: The number of the first that is kept.
    first: float


class JobListItem(TypedDict):
    """A job in a list; where `fields` was asked for, only those are there."""

    #: Of the job.
    id: NotRequired[str]
    #: What its owner calls it; null where it has none.
    name: NotRequired[Union[str, None]]
    #: Whose it is: the owner of the key that it was submitted with.
    owner: NotRequired[str]
    #: The network asked for, or one provider’s id.
    provider: NotRequired[str]
    #: Who holds the lease.
    assignedProvider: NotRequired[Union[str, None]]
    #: How far it is.
    status: NotRequired[Literal["pending", "scheduled", "running", "completed", "failed", "cancelled"]]
    #: What runs.
    image: NotRequired[str]
    #: In place of the image’s entrypoint.
    command: NotRequired[List[str]]
    #: Arguments to the entrypoint.
    args: NotRequired[List[str]]
    #: Millicores.
    cpu: NotRequired[int]
    #: With a unit, such as `512Mi`.
    memory: NotRequired[str]
    #: With a unit, such as `1Gi`.
    storage: NotRequired[str]
    #: How many GPUs.
    gpu: NotRequired[int]
    #: Longest runtime in seconds, extensions included.
    duration: NotRequired[int]
    #: When it was submitted.
    createdAt: NotRequired[str]
    #: When a provider took it.
    scheduledAt: NotRequired[Union[str, None]]
    #: When its container started.
    startedAt: NotRequired[Union[str, None]]
    #: When it ended.
    endedAt: NotRequired[Union[str, None]]
    cost: NotRequired[JobCost]
    #: The rest of the submission, without secrets.
    config: NotRequired[Dict[str, Any]]
    #: What came of it.
    results: NotRequired[JobListItemResults]
    error: NotRequired[JobError]
    #: Counted from 1.
    attempt: NotRequired[int]
    #: Attempts that it may have.
    maxAttempts: NotRequired[int]
    #: Its exposed ports, while it runs.
    endpoints: NotRequired[List[JobListItemEndpointsItem]]
    #: What the image’s own health check says while the job runs; null where the image has none.
    health: NotRequired[Literal["starting", "healthy", "unhealthy", None]]
    #: By which it is found.
    labels: NotRequired[Dict[str, str]]
    #: Where it came from: resubmittedFrom, batch, schedule, template, mcpKey (the key whose tools made it).
    origin: NotRequired[Dict[str, str]]
    #: While a provider is looked for, alone and in lists; not with events.
    waiting: NotRequired[JobListItemWaiting]
    #: What of the submission is not shown, with one job; null where it cannot be opened: the gateway had another master key.
    hidden: NotRequired[Union[JobListItemHidden, None]]
    #: With one job; not in lists.
    events: NotRequired[List[JobEvent]]
    #: With `?debug=true`.
    debug: NotRequired[JobListItemDebug]
    #: Where a folded list has it in place of all jobs of its batch that match: that batch.
    batch: NotRequired[JobListItemBatch]


class JobListItemResults(TypedDict):
    """What came of it."""

    #: Of its program; null where there is none.
    exitCode: Union[int, None]
    #: Where what it left is fetched; null where nothing is kept.
    outputUrl: Union[str, None]
    #: What of the outputs was not kept, at most 65: links that lead out, devices, what was too large.
    leftOut: List[JobListItemResultsLeftOutItem]
    #: Outputs with `to`, once the job has ended; absent where it has none.
    sent: NotRequired[List[JobListItemResultsSentItem]]
    #: Why lines of the log may be missing, as where the engine was away; absent where none are.
    logProblem: NotRequired[str]
    #: Volumes that outlive the job, once it was given to a provider; absent where it has none.
    volumes: NotRequired[List[JobListItemResultsVolumesItem]]


class JobListItemResultsLeftOutItem(TypedDict):
    #: Where it was.
    path: str
    #: To be read behind the path.
    reason: str


class JobListItemResultsSentItem(TypedDict):
    #: As people call it.
    name: str
    #: Where it was in the container.
    path: str
    #: Where it went, or was to go.
    host: str
    #: Of what was sent: a file as it is, a folder’s tar, or all objects of a prefix.
    bytes: int
    #: Of that, in hex; null where it was not sent, and of the objects of a prefix.
    sha256: Union[str, None]
    #: How many objects it became in a bucket; 0 of a URL.
    objects: int
    #: Why it was not sent, and is kept instead; null where it was.
    problem: Union[str, None]
    #: The same for programs, a row of docs/failures.md; null where it was sent.
    reason: Union[str, None]


class JobListItemResultsVolumesItem(TypedDict):
    #: For `volumes: [{ volume }]` of another job.
    id: str
    #: As people call it.
    name: str
    #: Where it was in the container.
    mountPath: str
    #: Where it lies.
    provider: str


class JobListItemEndpointsItem(TypedDict):
    #: On which the container listens.
    port: int
    #: What it speaks there.
    protocol: Literal["TCP", "UDP"]
    #: Below this gateway’s own address; for browsers ask for a link with POST …/links.
    url: str
    #: As its provider sees it: `silent` where no program listens yet, `unknown` where that cannot be told.
    health: Literal["answering", "silent", "unknown"]
    #: HOST:PORT for everybody; null where the port is not public.
    address: Union[str, None]


class JobListItemWaiting(TypedDict):
    """While a provider is looked for, alone and in lists; not with events."""

    #: When it fails unless somebody takes it before.
    givesUpAt: str
    #: How many providers said something when they were asked last; 0 before.
    answered: int
    #: Who came nearest, and what was lacking, as the job would fail by it; null before anybody was asked.
    nearest: Union[JobListItemWaitingNearest, None]


class JobListItemWaitingNearest(TypedDict):
    """Who came nearest, and what was lacking, as the job would fail by it; null before anybody was asked."""

    #: What programs match.
    code: Literal["IMAGE_PULL_ERROR", "RESOURCE_LIMIT_EXCEEDED", "NETWORK_ERROR", "NON_ZERO_EXIT", "DURATION_EXCEEDED", "NO_PROVIDER", "INTERNAL", "DATA_ERROR"]
    #: For people.
    message: str
    #: What to do about it.
    remedy: str
    #: Who can mend it: the program (`job`), what was asked for (`user`), the owner of the machine (`provider`), nobody at once (`place`), or this program (`ours`).
    fault: Literal["job", "user", "provider", "place", "ours"]
    #: Further words for programs, `reason` among them.
    details: Dict[str, Union[str, float, bool]]
    #: What to change of the job for that; null where it is nothing that the job asks for.
    change: Union[JobListItemWaitingNearestChange, None]


class JobListItemWaitingNearestChange(TypedDict):
    """What to change of the job for that; null where it is nothing that the job asks for."""

    #: What is changed, such as `Raise memory to 128Mi`.
    text: str
    #: The same for `POST …/resubmit`, or while it is pending for `PUT`: fields of a submission; null takes one out.
    changes: Dict[str, Any]


class JobListItemHidden(TypedDict):
    """What of the submission is not shown, with one job; null where it cannot be opened: the gateway had another master key."""

    #: Names of its secrets.
    secrets: List[str]
    #: Whether it has any.
    registryCredentials: bool


class JobListItemDebug(TypedDict):
    """With `?debug=true`."""

    #: Counted from 1.
    attempt: int
    #: The number of the lease: reports with an older one are not heard.
    fence: int
    #: The lease that it has; null where it has none.
    lease: Union[Dict[str, Any], None]
    #: Those of earlier attempts.
    pastLeases: List[Dict[str, Any]]
    #: Providers that are not asked again.
    excluded: List[str]
    #: How much of the log there is.
    logs: JobListItemDebugLogs


class JobListItemDebugLogs(TypedDict):
    """How much of the log there is."""

    #: How many are kept.
    lines: float
    #: Of them.
    bytes: float
    #: The number of the first that is kept.
    first: float


class JobListItemBatch(TypedDict):
    """Where a folded list has it in place of all jobs of its batch that match: that batch."""

    #: Its id.
    id: str
    #: `completed` once every job has ended, however it did; `cancelled` where the batch was.
    status: Literal["submitted", "cancelling", "completed", "cancelled"]
    #: How many jobs it has.
    total: int
    #: How many run at a time.
    concurrency: int
    #: Jobs by status; those that wait for their turn are pending.
    counts: JobListItemBatchCounts
    #: When it was submitted.
    createdAt: str
    #: When its last job ended; null until then.
    endedAt: Union[str, None]
    #: The batch whose failed jobs it runs again; null where it is no such.
    retryOf: Union[str, None]
    #: The batch that runs its failed jobs again; null where none does.
    retriedAs: Union[str, None]


class JobListItemBatchCounts(TypedDict):
    """Jobs by status; those that wait for their turn are pending."""

    #: Wait for a provider, or in a batch for their turn.
    pending: int
    #: Have a provider, and do not run yet.
    scheduled: int
    #: Run.
    running: int
    #: Ended with exit code 0.
    completed: int
    #: Ended badly.
    failed: int
    #: Were cancelled.
    cancelled: int


class JobSubmission(TypedDict):
    """A job, as it is submitted; only `image` is needed."""

    #: What to run, as `docker run` names it.
    image: str
    #: The image itself, which no registry has to have: it is sent to the provider, as far as that lacks it, and is nobody’s but its sender’s. `image` is then what it is called.
    imageFrom: NotRequired[JobSubmissionImageFrom]
    #: As what the image is to run, such as `linux/arm64`. Where it is left out: as anything that it is for.
    platform: NotRequired[str]
    #: How strong the walls around it are to be: `container` shares the machine’s kernel, `gvisor` has one of its own in a program, `vm` one in a virtual machine. That one and no other; where it is left out: what the provider gives jobs that do not say, at least `container`.
    isolation: NotRequired[Literal["container", "gvisor", "vm"]]
    #: What people call it: in lists, and in commands in place of its id. Several jobs may have the same; its provider does not learn it.
    name: NotRequired[str]
    #: The network to ask (`p2p`), or one provider: its id, the end of it, or a name that only it has.
    provider: NotRequired[str]
    #: Millicores; 1000 is one core.
    cpu: NotRequired[int]
    #: Of all its processes.
    memory: NotRequired[Union[str, float]]
    #: Most that the container writes, beside its volumes.
    storage: NotRequired[Union[str, float]]
    #: How many GPUs it has to itself.
    gpu: NotRequired[int]
    #: What the GPUs must be, all of one kind; where it is left out, any.
    gpuRequirements: NotRequired[JobSubmissionGpuRequirements]
    #: Longest runtime in seconds.
    duration: NotRequired[int]
    #: What bids are ranked by most; `value` is the price of the same work.
    providerStrategy: NotRequired[Literal["cost", "performance", "availability", "value"]]
    #: US dollars per hour at most.
    maxPrice: NotRequired[Union[float, str]]
    #: What its provider must be.
    constraints: NotRequired[JobSubmissionConstraints]
    #: The job’s own, to find it by.
    labels: NotRequired[Dict[str, str]]
    #: Whether its duration is extended as it comes to its end, up to `maxDuration`.
    autoExtend: NotRequired[bool]
    #: Where autoExtend ends, in seconds.
    maxDuration: NotRequired[int]
    #: Attempts where providers are lost.
    maxAttempts: NotRequired[int]
    #: Whether a container’s own failure is tried again, too.
    retryOnFailure: NotRequired[bool]
    #: Seconds to find a provider.
    queueTimeout: NotRequired[int]
    #: What a provider out of touch does with the container; `stop` means at most one ever runs.
    onDisconnect: NotRequired[Literal["continue", "stop"]]
    #: With onDisconnect `stop`: seconds out of touch before it stops.
    leaseTimeout: NotRequired[int]
    #: What the job brings: each stands in its container before the program begins, read-only unless it says `rw`.
    inputs: NotRequired[List[JobSubmissionInputsItem]]
    #: What the program reads from its standard input, from where an input may come; a folder is none. Where it is left out, there is none.
    stdin: NotRequired[JobSubmissionStdin]
    #: Replaces the image’s entrypoint.
    command: NotRequired[List[str]]
    #: Arguments to the entrypoint.
    args: NotRequired[List[str]]
    #: Environment of the container, beside what every program is told of itself: CORTEX_JOB_ID, CORTEX_ATTEMPT, CORTEX_PROVIDER, CORTEX_CPU, CORTEX_MEMORY, CORTEX_STORAGE, CORTEX_GPU, CORTEX_DURATION, CORTEX_OUTPUTS. Comes back in `config`; for passwords use `secrets`.
    env: NotRequired[Dict[str, str]]
    #: Environment that is stored encrypted and never comes back. What an input names as its key is not in the environment.
    secrets: NotRequired[Dict[str, str]]
    #: Folders beside the container’s own files, each of its own size; they count as storage.
    volumes: NotRequired[List[JobSubmissionVolumesItem]]
    #: Ports on which it listens.
    ports: NotRequired[List[JobSubmissionPortsItem]]
    #: For an image that its registry gives to somebody alone.
    registryCredentials: NotRequired[JobSubmissionRegistryCredentials]
    #: When the registry is asked for the image, rather than what the machine has of it.
    imagePullPolicy: NotRequired[Literal["Always", "IfNotPresent", "Never"]]
    #: Folder in which the program begins. Where it is left out: the image’s own.
    workdir: NotRequired[str]
    #: As whom the program runs, such as `app` or `1000:1000`. Where it is left out: the image’s own.
    user: NotRequired[str]
    #: What in the container is kept when it ends: a path, or a list of `{ name, path }` that are kept apart, none in another.
    outputs: NotRequired[Union[str, List[JobSubmissionOutputsItem]]]
    #: Where it is left out: the image’s own, or SIGTERM.
    stopSignal: NotRequired[str]
    #: Seconds between the stop signal and SIGKILL; those that pass beyond the duration are billed.
    stopGraceSeconds: NotRequired[int]
    #: `none`: no network at all.
    network: NotRequired[Literal["bridge", "none"]]
    #: Most bytes that its container sends and receives together: the job is ended there. What its provider fetches for it before, images and inputs, is none of them. Providers that ask a price for traffic take only jobs that say it.
    maxNetwork: NotRequired[Union[str, float]]
    #: Size of /dev/shm, which counts as memory; where it is left out, half of `memory`.
    shmSize: NotRequired[Union[str, float]]
    #: Limits of each process.
    ulimits: NotRequired[JobSubmissionUlimits]
    #: Most processes and threads at once; where it is left out, 512.
    pids: NotRequired[int]
    #: Whether the program has a terminal: it then writes as it does for people, with colours and at once. Standard error comes with standard output, and lines end with a carriage return. Nobody types at it.
    tty: NotRequired[bool]
    #: Whether a small init is process 1, which reaps orphans and passes signals on. Where it is left out: unless the program is an init itself.
    init: NotRequired[bool]


class JobSubmissionImageFrom(TypedDict):
    """The image itself, which no registry has to have: it is sent to the provider, as far as that lacks it, and is nobody’s but its sender’s. `image` is then what it is called."""

    #: The digest of an image that was pushed before: of its manifest.
    upload: str


class JobSubmissionGpuRequirements(TypedDict):
    """What the GPUs must be, all of one kind; where it is left out, any."""

    #: Whose they are.
    vendor: NotRequired[Literal["nvidia", "amd", "intel"]]
    #: Any of these, as whole words of the driver’s name in any case: `h100`, `rtx4090`, `a100 80gb`.
    models: NotRequired[List[str]]
    #: Of each, as it is sold: a card of 24 GB shows up to 7 % less.
    minVram: NotRequired[Union[str, float]]
    #: Compute capability of NVIDIA’s, target of AMD’s; those of the other have none.
    minCompute: NotRequired[str]
    #: What the driver runs at least.
    cuda: NotRequired[str]
    #: What joins them to each other.
    interconnect: NotRequired[Literal["pcie", "nvlink", "xgmi"]]


class JobSubmissionConstraints(TypedDict):
    """What its provider must be."""

    #: Where the machine is, as its provider says it.
    region: NotRequired[str]
    #: Labels that the provider must have, with these values.
    labels: NotRequired[Dict[str, str]]
    #: Seconds the provider has been up without a break.
    minUptime: NotRequired[int]
    #: What the provider must be able to do, such as `storage-quota`.
    capabilities: NotRequired[List[str]]
    #: Primes up to 10,000 that one core finds, times a second, as providers measure themselves.
    minCpuScore: NotRequired[int]
    #: The same of all cores of the machine together.
    minCpuAllScore: NotRequired[int]
    #: That one core copies, a second.
    minMemoryBandwidth: NotRequired[Union[str, float]]
    #: A second, in blocks of 1 MiB.
    minDiskRead: NotRequired[Union[str, float]]
    #: A second, in blocks of 1 MiB.
    minDiskWrite: NotRequired[Union[str, float]]
    #: Blocks of 4 KiB a second, half read and half written.
    minIops: NotRequired[int]


class JobSubmissionInputsItemFrom(TypedDict):
    """Where it comes from."""

    #: The text itself, at most 64 KiB; it is kept with the job.
    inline: NotRequired[str]
    #: The digest of a file or folder that was uploaded before.
    upload: NotRequired[str]
    #: A job of the same owner that has ended: what is kept of its `outputs`.
    job: NotRequired[str]
    #: A file that the provider fetches before the job begins: `https://…`, public, without user and password. It counts as the job’s storage.
    url: NotRequired[str]
    #: A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`.
    s3: NotRequired[JobSubmissionInputsItemFromS3]
    #: A folder with the files of one commit of a repository, fetched likewise; without `.git`.
    git: NotRequired[JobSubmissionInputsItemFromGit]
    #: Beside `job`: a file or folder of what it left, as its entry in the tar is called, such as `results/model.bin`; links are followed. Where it is left out: all of it.
    path: NotRequired[str]
    #: Beside `url`: of the file. What comes is checked by it, and kept at the provider for the next job.
    sha256: NotRequired[str]


class JobSubmissionInputsItemFromS3(TypedDict):
    """A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`."""

    #: Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.
    endpoint: NotRequired[str]
    #: Of the bucket. Where it is left out: us-east-1.
    region: NotRequired[str]
    #: Its name.
    bucket: str
    #: The access key: one of the job’s `secrets`, which is then not in the program’s environment.
    accessKeyId: NotRequired[JobSubmissionInputsItemFromS3AccessKeyId]
    #: The secret to it: one of the job’s `secrets`, which is then not in the program’s environment.
    secretAccessKey: NotRequired[JobSubmissionInputsItemFromS3SecretAccessKey]
    #: Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment.
    sessionToken: NotRequired[JobSubmissionInputsItemFromS3SessionToken]
    #: The name of an object: a file.
    key: NotRequired[str]
    #: With what the names of objects begin, up to a slash: a folder with all of them. Empty is the whole bucket.
    prefix: NotRequired[str]


class JobSubmissionInputsItemFromS3AccessKeyId(TypedDict):
    """The access key: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionInputsItemFromS3SecretAccessKey(TypedDict):
    """The secret to it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionInputsItemFromS3SessionToken(TypedDict):
    """Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionInputsItemFromGit(TypedDict):
    """A folder with the files of one commit of a repository, fetched likewise; without `.git`."""

    #: As git clones it: `https://…`, without user and password.
    url: str
    #: A branch, a tag or a commit. Where it is left out: what the repository has checked out.
    ref: NotRequired[str]
    #: What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment.
    token: NotRequired[JobSubmissionInputsItemFromGitToken]
    #: Whether the submodules of the commit, and theirs, stand at their paths: each is fetched from the `https://…` that `.gitmodules` names, and the token goes to those at the repository’s own host alone. Where it is left out: their folders are empty.
    submodules: NotRequired[bool]


class JobSubmissionInputsItemFromGitToken(TypedDict):
    """What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionStdin(TypedDict):
    """What the program reads from its standard input, from where an input may come; a folder is none. Where it is left out, there is none."""

    #: The text itself, at most 64 KiB; it is kept with the job.
    inline: NotRequired[str]
    #: The digest of a file or folder that was uploaded before.
    upload: NotRequired[str]
    #: A job of the same owner that has ended: what is kept of its `outputs`.
    job: NotRequired[str]
    #: A file that the provider fetches before the job begins: `https://…`, public, without user and password. It counts as the job’s storage.
    url: NotRequired[str]
    #: A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`.
    s3: NotRequired[JobSubmissionStdinS3]
    #: A folder with the files of one commit of a repository, fetched likewise; without `.git`.
    git: NotRequired[JobSubmissionStdinGit]
    #: Beside `job`: a file or folder of what it left, as its entry in the tar is called, such as `results/model.bin`; links are followed. Where it is left out: all of it.
    path: NotRequired[str]
    #: Beside `url`: of the file. What comes is checked by it, and kept at the provider for the next job.
    sha256: NotRequired[str]


class JobSubmissionStdinS3(TypedDict):
    """A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`."""

    #: Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.
    endpoint: NotRequired[str]
    #: Of the bucket. Where it is left out: us-east-1.
    region: NotRequired[str]
    #: Its name.
    bucket: str
    #: The access key: one of the job’s `secrets`, which is then not in the program’s environment.
    accessKeyId: NotRequired[JobSubmissionStdinS3AccessKeyId]
    #: The secret to it: one of the job’s `secrets`, which is then not in the program’s environment.
    secretAccessKey: NotRequired[JobSubmissionStdinS3SecretAccessKey]
    #: Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment.
    sessionToken: NotRequired[JobSubmissionStdinS3SessionToken]
    #: The name of an object: a file.
    key: NotRequired[str]
    #: With what the names of objects begin, up to a slash: a folder with all of them. Empty is the whole bucket.
    prefix: NotRequired[str]


class JobSubmissionStdinS3AccessKeyId(TypedDict):
    """The access key: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionStdinS3SecretAccessKey(TypedDict):
    """The secret to it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionStdinS3SessionToken(TypedDict):
    """Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionStdinGit(TypedDict):
    """A folder with the files of one commit of a repository, fetched likewise; without `.git`."""

    #: As git clones it: `https://…`, without user and password.
    url: str
    #: A branch, a tag or a commit. Where it is left out: what the repository has checked out.
    ref: NotRequired[str]
    #: What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment.
    token: NotRequired[JobSubmissionStdinGitToken]
    #: Whether the submodules of the commit, and theirs, stand at their paths: each is fetched from the `https://…` that `.gitmodules` names, and the token goes to those at the repository’s own host alone. Where it is left out: their folders are empty.
    submodules: NotRequired[bool]


class JobSubmissionStdinGitToken(TypedDict):
    """What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionVolumesItem(TypedDict):
    #: Of a new volume, as the job calls it.
    name: NotRequired[str]
    #: Where it is in the container.
    mountPath: str
    #: Of a new volume.
    size: NotRequired[Union[str, float]]
    #: Seconds that a new volume is kept after its last use, at its provider; where it is left out, it goes with the job.
    keep: NotRequired[int]
    #: Id of a volume that an earlier job left: the job goes to its provider.
    volume: NotRequired[str]
    #: Whether other jobs may have the volume at the same time, where they say so, too. Default false.
    shared: NotRequired[bool]


class JobSubmissionPortsItem(TypedDict):
    #: Port the container listens on.
    port: int
    #: Whether it is reached from outside.
    expose: NotRequired[bool]
    #: What it speaks there.
    protocol: NotRequired[Literal["TCP", "UDP"]]
    #: Whether everybody reaches it at its provider’s own address, beside this gateway. Default false.
    public: NotRequired[bool]


class JobSubmissionRegistryCredentials(TypedDict):
    """For an image that its registry gives to somebody alone."""

    #: Of the account there.
    username: str
    #: Or a token; stored encrypted, and never shown again.
    password: str
    #: Host (and port) of the image’s registry; credentials for another are refused.
    serverAddress: str


class JobSubmissionOutputsItem(TypedDict):
    #: What its entries in the tar begin with. Where it is left out: the last part of its path, with “-” for what no name may have.
    name: NotRequired[str]
    #: A path in the container.
    path: str
    #: Where the provider sends it when the container has ended: a file as it is, a folder as a tar, or as the objects of a prefix. Where it is left out, or the server does not take it, it is kept.
    to: NotRequired[JobSubmissionOutputsItemTo]


class JobSubmissionOutputsItemTo(TypedDict):
    """Where the provider sends it when the container has ended: a file as it is, a folder as a tar, or as the objects of a prefix. Where it is left out, or the server does not take it, it is kept."""

    #: A presigned URL that takes a `PUT`: `https://…`, public, without user and password.
    url: NotRequired[str]
    #: A bucket, by keys that are among the job’s `secrets`.
    s3: NotRequired[JobSubmissionOutputsItemToS3]


class JobSubmissionOutputsItemToS3(TypedDict):
    """A bucket, by keys that are among the job’s `secrets`."""

    #: Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.
    endpoint: NotRequired[str]
    #: Of the bucket. Where it is left out: us-east-1.
    region: NotRequired[str]
    #: Its name.
    bucket: str
    #: The access key: one of the job’s `secrets`, which is then not in the program’s environment.
    accessKeyId: NotRequired[JobSubmissionOutputsItemToS3AccessKeyId]
    #: The secret to it: one of the job’s `secrets`, which is then not in the program’s environment.
    secretAccessKey: NotRequired[JobSubmissionOutputsItemToS3SecretAccessKey]
    #: Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment.
    sessionToken: NotRequired[JobSubmissionOutputsItemToS3SessionToken]
    #: The name of an object, which is made or replaced: a file as it is, a folder as a tar.
    key: NotRequired[str]
    #: With what the names of objects are to begin, up to a slash: each file of a folder becomes an object of its own. Empty is the bucket itself.
    prefix: NotRequired[str]


class JobSubmissionOutputsItemToS3AccessKeyId(TypedDict):
    """The access key: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionOutputsItemToS3SecretAccessKey(TypedDict):
    """The secret to it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionOutputsItemToS3SessionToken(TypedDict):
    """Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobSubmissionUlimits(TypedDict):
    """Limits of each process."""

    #: Most open files of each process; where it is left out, 16,384.
    nofile: NotRequired[int]


class JobConfig(TypedDict):
    """Fields of a submission; together with the defaults they make a valid job."""

    #: What to run, as `docker run` names it.
    image: NotRequired[str]
    #: The image itself, which no registry has to have: it is sent to the provider, as far as that lacks it, and is nobody’s but its sender’s. `image` is then what it is called.
    imageFrom: NotRequired[JobConfigImageFrom]
    #: As what the image is to run, such as `linux/arm64`. Where it is left out: as anything that it is for.
    platform: NotRequired[str]
    #: How strong the walls around it are to be: `container` shares the machine’s kernel, `gvisor` has one of its own in a program, `vm` one in a virtual machine. That one and no other; where it is left out: what the provider gives jobs that do not say, at least `container`.
    isolation: NotRequired[Literal["container", "gvisor", "vm"]]
    #: What people call it: in lists, and in commands in place of its id. Several jobs may have the same; its provider does not learn it.
    name: NotRequired[str]
    #: The network to ask (`p2p`), or one provider: its id, the end of it, or a name that only it has.
    provider: NotRequired[str]
    #: Millicores; 1000 is one core.
    cpu: NotRequired[int]
    #: Of all its processes.
    memory: NotRequired[Union[str, float]]
    #: Most that the container writes, beside its volumes.
    storage: NotRequired[Union[str, float]]
    #: How many GPUs it has to itself.
    gpu: NotRequired[int]
    #: What the GPUs must be, all of one kind; where it is left out, any.
    gpuRequirements: NotRequired[JobConfigGpuRequirements]
    #: Longest runtime in seconds.
    duration: NotRequired[int]
    #: What bids are ranked by most; `value` is the price of the same work.
    providerStrategy: NotRequired[Literal["cost", "performance", "availability", "value"]]
    #: US dollars per hour at most.
    maxPrice: NotRequired[Union[float, str]]
    #: What its provider must be.
    constraints: NotRequired[JobConfigConstraints]
    #: The job’s own, to find it by.
    labels: NotRequired[Dict[str, str]]
    #: Whether its duration is extended as it comes to its end, up to `maxDuration`.
    autoExtend: NotRequired[bool]
    #: Where autoExtend ends, in seconds.
    maxDuration: NotRequired[int]
    #: Attempts where providers are lost.
    maxAttempts: NotRequired[int]
    #: Whether a container’s own failure is tried again, too.
    retryOnFailure: NotRequired[bool]
    #: Seconds to find a provider.
    queueTimeout: NotRequired[int]
    #: What a provider out of touch does with the container; `stop` means at most one ever runs.
    onDisconnect: NotRequired[Literal["continue", "stop"]]
    #: With onDisconnect `stop`: seconds out of touch before it stops.
    leaseTimeout: NotRequired[int]
    #: What the job brings: each stands in its container before the program begins, read-only unless it says `rw`.
    inputs: NotRequired[List[JobConfigInputsItem]]
    #: What the program reads from its standard input, from where an input may come; a folder is none. Where it is left out, there is none.
    stdin: NotRequired[JobConfigStdin]
    #: Replaces the image’s entrypoint.
    command: NotRequired[List[str]]
    #: Arguments to the entrypoint.
    args: NotRequired[List[str]]
    #: Environment of the container, beside what every program is told of itself: CORTEX_JOB_ID, CORTEX_ATTEMPT, CORTEX_PROVIDER, CORTEX_CPU, CORTEX_MEMORY, CORTEX_STORAGE, CORTEX_GPU, CORTEX_DURATION, CORTEX_OUTPUTS. Comes back in `config`; for passwords use `secrets`.
    env: NotRequired[Dict[str, str]]
    #: Environment that is stored encrypted and never comes back. What an input names as its key is not in the environment.
    secrets: NotRequired[Dict[str, str]]
    #: Folders beside the container’s own files, each of its own size; they count as storage.
    volumes: NotRequired[List[JobConfigVolumesItem]]
    #: Ports on which it listens.
    ports: NotRequired[List[JobConfigPortsItem]]
    #: For an image that its registry gives to somebody alone.
    registryCredentials: NotRequired[JobConfigRegistryCredentials]
    #: When the registry is asked for the image, rather than what the machine has of it.
    imagePullPolicy: NotRequired[Literal["Always", "IfNotPresent", "Never"]]
    #: Folder in which the program begins. Where it is left out: the image’s own.
    workdir: NotRequired[str]
    #: As whom the program runs, such as `app` or `1000:1000`. Where it is left out: the image’s own.
    user: NotRequired[str]
    #: What in the container is kept when it ends: a path, or a list of `{ name, path }` that are kept apart, none in another.
    outputs: NotRequired[Union[str, List[JobConfigOutputsItem]]]
    #: Where it is left out: the image’s own, or SIGTERM.
    stopSignal: NotRequired[str]
    #: Seconds between the stop signal and SIGKILL; those that pass beyond the duration are billed.
    stopGraceSeconds: NotRequired[int]
    #: `none`: no network at all.
    network: NotRequired[Literal["bridge", "none"]]
    #: Most bytes that its container sends and receives together: the job is ended there. What its provider fetches for it before, images and inputs, is none of them. Providers that ask a price for traffic take only jobs that say it.
    maxNetwork: NotRequired[Union[str, float]]
    #: Size of /dev/shm, which counts as memory; where it is left out, half of `memory`.
    shmSize: NotRequired[Union[str, float]]
    #: Limits of each process.
    ulimits: NotRequired[JobConfigUlimits]
    #: Most processes and threads at once; where it is left out, 512.
    pids: NotRequired[int]
    #: Whether the program has a terminal: it then writes as it does for people, with colours and at once. Standard error comes with standard output, and lines end with a carriage return. Nobody types at it.
    tty: NotRequired[bool]
    #: Whether a small init is process 1, which reaps orphans and passes signals on. Where it is left out: unless the program is an init itself.
    init: NotRequired[bool]


class JobConfigImageFrom(TypedDict):
    """The image itself, which no registry has to have: it is sent to the provider, as far as that lacks it, and is nobody’s but its sender’s. `image` is then what it is called."""

    #: The digest of an image that was pushed before: of its manifest.
    upload: str


class JobConfigGpuRequirements(TypedDict):
    """What the GPUs must be, all of one kind; where it is left out, any."""

    #: Whose they are.
    vendor: NotRequired[Literal["nvidia", "amd", "intel"]]
    #: Any of these, as whole words of the driver’s name in any case: `h100`, `rtx4090`, `a100 80gb`.
    models: NotRequired[List[str]]
    #: Of each, as it is sold: a card of 24 GB shows up to 7 % less.
    minVram: NotRequired[Union[str, float]]
    #: Compute capability of NVIDIA’s, target of AMD’s; those of the other have none.
    minCompute: NotRequired[str]
    #: What the driver runs at least.
    cuda: NotRequired[str]
    #: What joins them to each other.
    interconnect: NotRequired[Literal["pcie", "nvlink", "xgmi"]]


class JobConfigConstraints(TypedDict):
    """What its provider must be."""

    #: Where the machine is, as its provider says it.
    region: NotRequired[str]
    #: Labels that the provider must have, with these values.
    labels: NotRequired[Dict[str, str]]
    #: Seconds the provider has been up without a break.
    minUptime: NotRequired[int]
    #: What the provider must be able to do, such as `storage-quota`.
    capabilities: NotRequired[List[str]]
    #: Primes up to 10,000 that one core finds, times a second, as providers measure themselves.
    minCpuScore: NotRequired[int]
    #: The same of all cores of the machine together.
    minCpuAllScore: NotRequired[int]
    #: That one core copies, a second.
    minMemoryBandwidth: NotRequired[Union[str, float]]
    #: A second, in blocks of 1 MiB.
    minDiskRead: NotRequired[Union[str, float]]
    #: A second, in blocks of 1 MiB.
    minDiskWrite: NotRequired[Union[str, float]]
    #: Blocks of 4 KiB a second, half read and half written.
    minIops: NotRequired[int]


class JobConfigInputsItemFrom(TypedDict):
    """Where it comes from."""

    #: The text itself, at most 64 KiB; it is kept with the job.
    inline: NotRequired[str]
    #: The digest of a file or folder that was uploaded before.
    upload: NotRequired[str]
    #: A job of the same owner that has ended: what is kept of its `outputs`.
    job: NotRequired[str]
    #: A file that the provider fetches before the job begins: `https://…`, public, without user and password. It counts as the job’s storage.
    url: NotRequired[str]
    #: A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`.
    s3: NotRequired[JobConfigInputsItemFromS3]
    #: A folder with the files of one commit of a repository, fetched likewise; without `.git`.
    git: NotRequired[JobConfigInputsItemFromGit]
    #: Beside `job`: a file or folder of what it left, as its entry in the tar is called, such as `results/model.bin`; links are followed. Where it is left out: all of it.
    path: NotRequired[str]
    #: Beside `url`: of the file. What comes is checked by it, and kept at the provider for the next job.
    sha256: NotRequired[str]


class JobConfigInputsItemFromS3(TypedDict):
    """A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`."""

    #: Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.
    endpoint: NotRequired[str]
    #: Of the bucket. Where it is left out: us-east-1.
    region: NotRequired[str]
    #: Its name.
    bucket: str
    #: The access key: one of the job’s `secrets`, which is then not in the program’s environment.
    accessKeyId: NotRequired[JobConfigInputsItemFromS3AccessKeyId]
    #: The secret to it: one of the job’s `secrets`, which is then not in the program’s environment.
    secretAccessKey: NotRequired[JobConfigInputsItemFromS3SecretAccessKey]
    #: Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment.
    sessionToken: NotRequired[JobConfigInputsItemFromS3SessionToken]
    #: The name of an object: a file.
    key: NotRequired[str]
    #: With what the names of objects begin, up to a slash: a folder with all of them. Empty is the whole bucket.
    prefix: NotRequired[str]


class JobConfigInputsItemFromS3AccessKeyId(TypedDict):
    """The access key: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigInputsItemFromS3SecretAccessKey(TypedDict):
    """The secret to it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigInputsItemFromS3SessionToken(TypedDict):
    """Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigInputsItemFromGit(TypedDict):
    """A folder with the files of one commit of a repository, fetched likewise; without `.git`."""

    #: As git clones it: `https://…`, without user and password.
    url: str
    #: A branch, a tag or a commit. Where it is left out: what the repository has checked out.
    ref: NotRequired[str]
    #: What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment.
    token: NotRequired[JobConfigInputsItemFromGitToken]
    #: Whether the submodules of the commit, and theirs, stand at their paths: each is fetched from the `https://…` that `.gitmodules` names, and the token goes to those at the repository’s own host alone. Where it is left out: their folders are empty.
    submodules: NotRequired[bool]


class JobConfigInputsItemFromGitToken(TypedDict):
    """What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigStdin(TypedDict):
    """What the program reads from its standard input, from where an input may come; a folder is none. Where it is left out, there is none."""

    #: The text itself, at most 64 KiB; it is kept with the job.
    inline: NotRequired[str]
    #: The digest of a file or folder that was uploaded before.
    upload: NotRequired[str]
    #: A job of the same owner that has ended: what is kept of its `outputs`.
    job: NotRequired[str]
    #: A file that the provider fetches before the job begins: `https://…`, public, without user and password. It counts as the job’s storage.
    url: NotRequired[str]
    #: A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`.
    s3: NotRequired[JobConfigStdinS3]
    #: A folder with the files of one commit of a repository, fetched likewise; without `.git`.
    git: NotRequired[JobConfigStdinGit]
    #: Beside `job`: a file or folder of what it left, as its entry in the tar is called, such as `results/model.bin`; links are followed. Where it is left out: all of it.
    path: NotRequired[str]
    #: Beside `url`: of the file. What comes is checked by it, and kept at the provider for the next job.
    sha256: NotRequired[str]


class JobConfigStdinS3(TypedDict):
    """A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`."""

    #: Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.
    endpoint: NotRequired[str]
    #: Of the bucket. Where it is left out: us-east-1.
    region: NotRequired[str]
    #: Its name.
    bucket: str
    #: The access key: one of the job’s `secrets`, which is then not in the program’s environment.
    accessKeyId: NotRequired[JobConfigStdinS3AccessKeyId]
    #: The secret to it: one of the job’s `secrets`, which is then not in the program’s environment.
    secretAccessKey: NotRequired[JobConfigStdinS3SecretAccessKey]
    #: Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment.
    sessionToken: NotRequired[JobConfigStdinS3SessionToken]
    #: The name of an object: a file.
    key: NotRequired[str]
    #: With what the names of objects begin, up to a slash: a folder with all of them. Empty is the whole bucket.
    prefix: NotRequired[str]


class JobConfigStdinS3AccessKeyId(TypedDict):
    """The access key: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigStdinS3SecretAccessKey(TypedDict):
    """The secret to it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigStdinS3SessionToken(TypedDict):
    """Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigStdinGit(TypedDict):
    """A folder with the files of one commit of a repository, fetched likewise; without `.git`."""

    #: As git clones it: `https://…`, without user and password.
    url: str
    #: A branch, a tag or a commit. Where it is left out: what the repository has checked out.
    ref: NotRequired[str]
    #: What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment.
    token: NotRequired[JobConfigStdinGitToken]
    #: Whether the submodules of the commit, and theirs, stand at their paths: each is fetched from the `https://…` that `.gitmodules` names, and the token goes to those at the repository’s own host alone. Where it is left out: their folders are empty.
    submodules: NotRequired[bool]


class JobConfigStdinGitToken(TypedDict):
    """What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigVolumesItem(TypedDict):
    #: Of a new volume, as the job calls it.
    name: NotRequired[str]
    #: Where it is in the container.
    mountPath: str
    #: Of a new volume.
    size: NotRequired[Union[str, float]]
    #: Seconds that a new volume is kept after its last use, at its provider; where it is left out, it goes with the job.
    keep: NotRequired[int]
    #: Id of a volume that an earlier job left: the job goes to its provider.
    volume: NotRequired[str]
    #: Whether other jobs may have the volume at the same time, where they say so, too. Default false.
    shared: NotRequired[bool]


class JobConfigPortsItem(TypedDict):
    #: Port the container listens on.
    port: int
    #: Whether it is reached from outside.
    expose: NotRequired[bool]
    #: What it speaks there.
    protocol: NotRequired[Literal["TCP", "UDP"]]
    #: Whether everybody reaches it at its provider’s own address, beside this gateway. Default false.
    public: NotRequired[bool]


class JobConfigRegistryCredentials(TypedDict):
    """For an image that its registry gives to somebody alone."""

    #: Of the account there.
    username: str
    #: Or a token; stored encrypted, and never shown again.
    password: str
    #: Host (and port) of the image’s registry; credentials for another are refused.
    serverAddress: str


class JobConfigOutputsItem(TypedDict):
    #: What its entries in the tar begin with. Where it is left out: the last part of its path, with “-” for what no name may have.
    name: NotRequired[str]
    #: A path in the container.
    path: str
    #: Where the provider sends it when the container has ended: a file as it is, a folder as a tar, or as the objects of a prefix. Where it is left out, or the server does not take it, it is kept.
    to: NotRequired[JobConfigOutputsItemTo]


class JobConfigOutputsItemTo(TypedDict):
    """Where the provider sends it when the container has ended: a file as it is, a folder as a tar, or as the objects of a prefix. Where it is left out, or the server does not take it, it is kept."""

    #: A presigned URL that takes a `PUT`: `https://…`, public, without user and password.
    url: NotRequired[str]
    #: A bucket, by keys that are among the job’s `secrets`.
    s3: NotRequired[JobConfigOutputsItemToS3]


class JobConfigOutputsItemToS3(TypedDict):
    """A bucket, by keys that are among the job’s `secrets`."""

    #: Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.
    endpoint: NotRequired[str]
    #: Of the bucket. Where it is left out: us-east-1.
    region: NotRequired[str]
    #: Its name.
    bucket: str
    #: The access key: one of the job’s `secrets`, which is then not in the program’s environment.
    accessKeyId: NotRequired[JobConfigOutputsItemToS3AccessKeyId]
    #: The secret to it: one of the job’s `secrets`, which is then not in the program’s environment.
    secretAccessKey: NotRequired[JobConfigOutputsItemToS3SecretAccessKey]
    #: Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment.
    sessionToken: NotRequired[JobConfigOutputsItemToS3SessionToken]
    #: The name of an object, which is made or replaced: a file as it is, a folder as a tar.
    key: NotRequired[str]
    #: With what the names of objects are to begin, up to a slash: each file of a folder becomes an object of its own. Empty is the bucket itself.
    prefix: NotRequired[str]


class JobConfigOutputsItemToS3AccessKeyId(TypedDict):
    """The access key: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigOutputsItemToS3SecretAccessKey(TypedDict):
    """The secret to it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigOutputsItemToS3SessionToken(TypedDict):
    """Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobConfigUlimits(TypedDict):
    """Limits of each process."""

    #: Most open files of each process; where it is left out, 16,384.
    nofile: NotRequired[int]


class JobOverrides(TypedDict):
    """Null takes a field out, and null at a name of `env`, `secrets` or `labels` that name."""

    #: What to run, as `docker run` names it.
    image: NotRequired[Union[str, None]]
    #: The image itself, which no registry has to have: it is sent to the provider, as far as that lacks it, and is nobody’s but its sender’s. `image` is then what it is called.
    imageFrom: NotRequired[Union[JobOverridesImageFrom, None]]
    #: As what the image is to run, such as `linux/arm64`. Where it is left out: as anything that it is for.
    platform: NotRequired[Union[str, None]]
    #: How strong the walls around it are to be: `container` shares the machine’s kernel, `gvisor` has one of its own in a program, `vm` one in a virtual machine. That one and no other; where it is left out: what the provider gives jobs that do not say, at least `container`.
    isolation: NotRequired[Literal["container", "gvisor", "vm", None]]
    #: What people call it: in lists, and in commands in place of its id. Several jobs may have the same; its provider does not learn it.
    name: NotRequired[Union[str, None]]
    #: The network to ask (`p2p`), or one provider: its id, the end of it, or a name that only it has.
    provider: NotRequired[Union[str, None]]
    #: Millicores; 1000 is one core.
    cpu: NotRequired[Union[int, None]]
    #: Of all its processes.
    memory: NotRequired[Union[str, float, None]]
    #: Most that the container writes, beside its volumes.
    storage: NotRequired[Union[str, float, None]]
    #: How many GPUs it has to itself.
    gpu: NotRequired[Union[int, None]]
    #: What the GPUs must be, all of one kind; where it is left out, any.
    gpuRequirements: NotRequired[Union[JobOverridesGpuRequirements, None]]
    #: Longest runtime in seconds.
    duration: NotRequired[Union[int, None]]
    #: What bids are ranked by most; `value` is the price of the same work.
    providerStrategy: NotRequired[Literal["cost", "performance", "availability", "value", None]]
    #: US dollars per hour at most.
    maxPrice: NotRequired[Union[float, str, None]]
    #: What its provider must be.
    constraints: NotRequired[Union[JobOverridesConstraints, None]]
    #: Labels to set, by name; null takes one out.
    labels: NotRequired[Union[Dict[str, Union[str, None]], None]]
    #: Whether its duration is extended as it comes to its end, up to `maxDuration`.
    autoExtend: NotRequired[Union[bool, None]]
    #: Where autoExtend ends, in seconds.
    maxDuration: NotRequired[Union[int, None]]
    #: Attempts where providers are lost.
    maxAttempts: NotRequired[Union[int, None]]
    #: Whether a container’s own failure is tried again, too.
    retryOnFailure: NotRequired[Union[bool, None]]
    #: Seconds to find a provider.
    queueTimeout: NotRequired[Union[int, None]]
    #: What a provider out of touch does with the container; `stop` means at most one ever runs.
    onDisconnect: NotRequired[Literal["continue", "stop", None]]
    #: With onDisconnect `stop`: seconds out of touch before it stops.
    leaseTimeout: NotRequired[Union[int, None]]
    #: What the job brings: each stands in its container before the program begins, read-only unless it says `rw`.
    inputs: NotRequired[Union[List[JobOverridesInputsItem], None]]
    #: What the program reads from its standard input, from where an input may come; a folder is none. Where it is left out, there is none.
    stdin: NotRequired[Union[JobOverridesStdin, None]]
    #: Replaces the image’s entrypoint.
    command: NotRequired[Union[List[str], None]]
    #: Arguments to the entrypoint.
    args: NotRequired[Union[List[str], None]]
    #: Environment variables to set, by name; null takes one out.
    env: NotRequired[Union[Dict[str, Union[str, None]], None]]
    #: The same of those whose values are kept sealed, and never shown.
    secrets: NotRequired[Union[Dict[str, Union[str, None]], None]]
    #: Folders beside the container’s own files, each of its own size; they count as storage.
    volumes: NotRequired[Union[List[JobOverridesVolumesItem], None]]
    #: Ports on which it listens.
    ports: NotRequired[Union[List[JobOverridesPortsItem], None]]
    #: For an image that its registry gives to somebody alone.
    registryCredentials: NotRequired[Union[JobOverridesRegistryCredentials, None]]
    #: When the registry is asked for the image, rather than what the machine has of it.
    imagePullPolicy: NotRequired[Literal["Always", "IfNotPresent", "Never", None]]
    #: Folder in which the program begins. Where it is left out: the image’s own.
    workdir: NotRequired[Union[str, None]]
    #: As whom the program runs, such as `app` or `1000:1000`. Where it is left out: the image’s own.
    user: NotRequired[Union[str, None]]
    #: What in the container is kept when it ends: a path, or a list of `{ name, path }` that are kept apart, none in another.
    outputs: NotRequired[Union[str, List[JobOverridesOutputsItem], None]]
    #: Where it is left out: the image’s own, or SIGTERM.
    stopSignal: NotRequired[Union[str, None]]
    #: Seconds between the stop signal and SIGKILL; those that pass beyond the duration are billed.
    stopGraceSeconds: NotRequired[Union[int, None]]
    #: `none`: no network at all.
    network: NotRequired[Literal["bridge", "none", None]]
    #: Most bytes that its container sends and receives together: the job is ended there. What its provider fetches for it before, images and inputs, is none of them. Providers that ask a price for traffic take only jobs that say it.
    maxNetwork: NotRequired[Union[str, float, None]]
    #: Size of /dev/shm, which counts as memory; where it is left out, half of `memory`.
    shmSize: NotRequired[Union[str, float, None]]
    #: Limits of each process.
    ulimits: NotRequired[Union[JobOverridesUlimits, None]]
    #: Most processes and threads at once; where it is left out, 512.
    pids: NotRequired[Union[int, None]]
    #: Whether the program has a terminal: it then writes as it does for people, with colours and at once. Standard error comes with standard output, and lines end with a carriage return. Nobody types at it.
    tty: NotRequired[Union[bool, None]]
    #: Whether a small init is process 1, which reaps orphans and passes signals on. Where it is left out: unless the program is an init itself.
    init: NotRequired[Union[bool, None]]


class JobOverridesImageFrom(TypedDict):
    """The image itself, which no registry has to have: it is sent to the provider, as far as that lacks it, and is nobody’s but its sender’s. `image` is then what it is called."""

    #: The digest of an image that was pushed before: of its manifest.
    upload: str


class JobOverridesGpuRequirements(TypedDict):
    """What the GPUs must be, all of one kind; where it is left out, any."""

    #: Whose they are.
    vendor: NotRequired[Literal["nvidia", "amd", "intel"]]
    #: Any of these, as whole words of the driver’s name in any case: `h100`, `rtx4090`, `a100 80gb`.
    models: NotRequired[List[str]]
    #: Of each, as it is sold: a card of 24 GB shows up to 7 % less.
    minVram: NotRequired[Union[str, float]]
    #: Compute capability of NVIDIA’s, target of AMD’s; those of the other have none.
    minCompute: NotRequired[str]
    #: What the driver runs at least.
    cuda: NotRequired[str]
    #: What joins them to each other.
    interconnect: NotRequired[Literal["pcie", "nvlink", "xgmi"]]


class JobOverridesConstraints(TypedDict):
    """What its provider must be."""

    #: Where the machine is, as its provider says it.
    region: NotRequired[str]
    #: Labels that the provider must have, with these values.
    labels: NotRequired[Dict[str, str]]
    #: Seconds the provider has been up without a break.
    minUptime: NotRequired[int]
    #: What the provider must be able to do, such as `storage-quota`.
    capabilities: NotRequired[List[str]]
    #: Primes up to 10,000 that one core finds, times a second, as providers measure themselves.
    minCpuScore: NotRequired[int]
    #: The same of all cores of the machine together.
    minCpuAllScore: NotRequired[int]
    #: That one core copies, a second.
    minMemoryBandwidth: NotRequired[Union[str, float]]
    #: A second, in blocks of 1 MiB.
    minDiskRead: NotRequired[Union[str, float]]
    #: A second, in blocks of 1 MiB.
    minDiskWrite: NotRequired[Union[str, float]]
    #: Blocks of 4 KiB a second, half read and half written.
    minIops: NotRequired[int]


class JobOverridesInputsItemFrom(TypedDict):
    """Where it comes from."""

    #: The text itself, at most 64 KiB; it is kept with the job.
    inline: NotRequired[str]
    #: The digest of a file or folder that was uploaded before.
    upload: NotRequired[str]
    #: A job of the same owner that has ended: what is kept of its `outputs`.
    job: NotRequired[str]
    #: A file that the provider fetches before the job begins: `https://…`, public, without user and password. It counts as the job’s storage.
    url: NotRequired[str]
    #: A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`.
    s3: NotRequired[JobOverridesInputsItemFromS3]
    #: A folder with the files of one commit of a repository, fetched likewise; without `.git`.
    git: NotRequired[JobOverridesInputsItemFromGit]
    #: Beside `job`: a file or folder of what it left, as its entry in the tar is called, such as `results/model.bin`; links are followed. Where it is left out: all of it.
    path: NotRequired[str]
    #: Beside `url`: of the file. What comes is checked by it, and kept at the provider for the next job.
    sha256: NotRequired[str]


class JobOverridesInputsItemFromS3(TypedDict):
    """A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`."""

    #: Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.
    endpoint: NotRequired[str]
    #: Of the bucket. Where it is left out: us-east-1.
    region: NotRequired[str]
    #: Its name.
    bucket: str
    #: The access key: one of the job’s `secrets`, which is then not in the program’s environment.
    accessKeyId: NotRequired[JobOverridesInputsItemFromS3AccessKeyId]
    #: The secret to it: one of the job’s `secrets`, which is then not in the program’s environment.
    secretAccessKey: NotRequired[JobOverridesInputsItemFromS3SecretAccessKey]
    #: Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment.
    sessionToken: NotRequired[JobOverridesInputsItemFromS3SessionToken]
    #: The name of an object: a file.
    key: NotRequired[str]
    #: With what the names of objects begin, up to a slash: a folder with all of them. Empty is the whole bucket.
    prefix: NotRequired[str]


class JobOverridesInputsItemFromS3AccessKeyId(TypedDict):
    """The access key: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesInputsItemFromS3SecretAccessKey(TypedDict):
    """The secret to it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesInputsItemFromS3SessionToken(TypedDict):
    """Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesInputsItemFromGit(TypedDict):
    """A folder with the files of one commit of a repository, fetched likewise; without `.git`."""

    #: As git clones it: `https://…`, without user and password.
    url: str
    #: A branch, a tag or a commit. Where it is left out: what the repository has checked out.
    ref: NotRequired[str]
    #: What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment.
    token: NotRequired[JobOverridesInputsItemFromGitToken]
    #: Whether the submodules of the commit, and theirs, stand at their paths: each is fetched from the `https://…` that `.gitmodules` names, and the token goes to those at the repository’s own host alone. Where it is left out: their folders are empty.
    submodules: NotRequired[bool]


class JobOverridesInputsItemFromGitToken(TypedDict):
    """What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesStdin(TypedDict):
    """What the program reads from its standard input, from where an input may come; a folder is none. Where it is left out, there is none."""

    #: The text itself, at most 64 KiB; it is kept with the job.
    inline: NotRequired[str]
    #: The digest of a file or folder that was uploaded before.
    upload: NotRequired[str]
    #: A job of the same owner that has ended: what is kept of its `outputs`.
    job: NotRequired[str]
    #: A file that the provider fetches before the job begins: `https://…`, public, without user and password. It counts as the job’s storage.
    url: NotRequired[str]
    #: A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`.
    s3: NotRequired[JobOverridesStdinS3]
    #: A folder with the files of one commit of a repository, fetched likewise; without `.git`.
    git: NotRequired[JobOverridesStdinGit]
    #: Beside `job`: a file or folder of what it left, as its entry in the tar is called, such as `results/model.bin`; links are followed. Where it is left out: all of it.
    path: NotRequired[str]
    #: Beside `url`: of the file. What comes is checked by it, and kept at the provider for the next job.
    sha256: NotRequired[str]


class JobOverridesStdinS3(TypedDict):
    """A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`."""

    #: Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.
    endpoint: NotRequired[str]
    #: Of the bucket. Where it is left out: us-east-1.
    region: NotRequired[str]
    #: Its name.
    bucket: str
    #: The access key: one of the job’s `secrets`, which is then not in the program’s environment.
    accessKeyId: NotRequired[JobOverridesStdinS3AccessKeyId]
    #: The secret to it: one of the job’s `secrets`, which is then not in the program’s environment.
    secretAccessKey: NotRequired[JobOverridesStdinS3SecretAccessKey]
    #: Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment.
    sessionToken: NotRequired[JobOverridesStdinS3SessionToken]
    #: The name of an object: a file.
    key: NotRequired[str]
    #: With what the names of objects begin, up to a slash: a folder with all of them. Empty is the whole bucket.
    prefix: NotRequired[str]


class JobOverridesStdinS3AccessKeyId(TypedDict):
    """The access key: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesStdinS3SecretAccessKey(TypedDict):
    """The secret to it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesStdinS3SessionToken(TypedDict):
    """Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesStdinGit(TypedDict):
    """A folder with the files of one commit of a repository, fetched likewise; without `.git`."""

    #: As git clones it: `https://…`, without user and password.
    url: str
    #: A branch, a tag or a commit. Where it is left out: what the repository has checked out.
    ref: NotRequired[str]
    #: What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment.
    token: NotRequired[JobOverridesStdinGitToken]
    #: Whether the submodules of the commit, and theirs, stand at their paths: each is fetched from the `https://…` that `.gitmodules` names, and the token goes to those at the repository’s own host alone. Where it is left out: their folders are empty.
    submodules: NotRequired[bool]


class JobOverridesStdinGitToken(TypedDict):
    """What opens it where not everybody may read it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesVolumesItem(TypedDict):
    #: Of a new volume, as the job calls it.
    name: NotRequired[str]
    #: Where it is in the container.
    mountPath: str
    #: Of a new volume.
    size: NotRequired[Union[str, float]]
    #: Seconds that a new volume is kept after its last use, at its provider; where it is left out, it goes with the job.
    keep: NotRequired[int]
    #: Id of a volume that an earlier job left: the job goes to its provider.
    volume: NotRequired[str]
    #: Whether other jobs may have the volume at the same time, where they say so, too. Default false.
    shared: NotRequired[bool]


class JobOverridesPortsItem(TypedDict):
    #: Port the container listens on.
    port: int
    #: Whether it is reached from outside.
    expose: NotRequired[bool]
    #: What it speaks there.
    protocol: NotRequired[Literal["TCP", "UDP"]]
    #: Whether everybody reaches it at its provider’s own address, beside this gateway. Default false.
    public: NotRequired[bool]


class JobOverridesRegistryCredentials(TypedDict):
    """For an image that its registry gives to somebody alone."""

    #: Of the account there.
    username: str
    #: Or a token; stored encrypted, and never shown again.
    password: str
    #: Host (and port) of the image’s registry; credentials for another are refused.
    serverAddress: str


class JobOverridesOutputsItem(TypedDict):
    #: What its entries in the tar begin with. Where it is left out: the last part of its path, with “-” for what no name may have.
    name: NotRequired[str]
    #: A path in the container.
    path: str
    #: Where the provider sends it when the container has ended: a file as it is, a folder as a tar, or as the objects of a prefix. Where it is left out, or the server does not take it, it is kept.
    to: NotRequired[JobOverridesOutputsItemTo]


class JobOverridesOutputsItemTo(TypedDict):
    """Where the provider sends it when the container has ended: a file as it is, a folder as a tar, or as the objects of a prefix. Where it is left out, or the server does not take it, it is kept."""

    #: A presigned URL that takes a `PUT`: `https://…`, public, without user and password.
    url: NotRequired[str]
    #: A bucket, by keys that are among the job’s `secrets`.
    s3: NotRequired[JobOverridesOutputsItemToS3]


class JobOverridesOutputsItemToS3(TypedDict):
    """A bucket, by keys that are among the job’s `secrets`."""

    #: Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.
    endpoint: NotRequired[str]
    #: Of the bucket. Where it is left out: us-east-1.
    region: NotRequired[str]
    #: Its name.
    bucket: str
    #: The access key: one of the job’s `secrets`, which is then not in the program’s environment.
    accessKeyId: NotRequired[JobOverridesOutputsItemToS3AccessKeyId]
    #: The secret to it: one of the job’s `secrets`, which is then not in the program’s environment.
    secretAccessKey: NotRequired[JobOverridesOutputsItemToS3SecretAccessKey]
    #: Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment.
    sessionToken: NotRequired[JobOverridesOutputsItemToS3SessionToken]
    #: The name of an object, which is made or replaced: a file as it is, a folder as a tar.
    key: NotRequired[str]
    #: With what the names of objects are to begin, up to a slash: each file of a folder becomes an object of its own. Empty is the bucket itself.
    prefix: NotRequired[str]


class JobOverridesOutputsItemToS3AccessKeyId(TypedDict):
    """The access key: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesOutputsItemToS3SecretAccessKey(TypedDict):
    """The secret to it: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesOutputsItemToS3SessionToken(TypedDict):
    """Of keys that are good for some time: one of the job’s `secrets`, which is then not in the program’s environment."""

    #: Its name.
    secret: str


class JobOverridesUlimits(TypedDict):
    """Limits of each process."""

    #: Most open files of each process; where it is left out, 16,384.
    nofile: NotRequired[int]


class JobChanges(TypedDict):
    """What may still change of a job while nobody has it; what is absent stays, and null takes out."""

    #: What people call it: in lists, and in commands in place of its id. Several jobs may have the same; its provider does not learn it.
    name: NotRequired[Union[str, None]]
    #: Labels to set, by name; null takes one out.
    labels: NotRequired[Union[Dict[str, Union[str, None]], None]]
    #: Millicores; 1000 is one core.
    cpu: NotRequired[Union[int, None]]
    #: Of all its processes.
    memory: NotRequired[Union[str, float, None]]
    #: Most that the container writes, beside its volumes.
    storage: NotRequired[Union[str, float, None]]
    #: How many GPUs it has to itself.
    gpu: NotRequired[Union[int, None]]
    #: What the GPUs must be, all of one kind; where it is left out, any.
    gpuRequirements: NotRequired[Union[JobChangesGpuRequirements, None]]
    #: As what the image is to run, such as `linux/arm64`. Where it is left out: as anything that it is for.
    platform: NotRequired[Union[str, None]]
    #: How strong the walls around it are to be: `container` shares the machine’s kernel, `gvisor` has one of its own in a program, `vm` one in a virtual machine. That one and no other; where it is left out: what the provider gives jobs that do not say, at least `container`.
    isolation: NotRequired[Literal["container", "gvisor", "vm", None]]
    #: What its provider must be.
    constraints: NotRequired[Union[JobChangesConstraints, None]]
    #: Longest runtime in seconds.
    duration: NotRequired[Union[int, None]]
    #: Seconds to find a provider.
    queueTimeout: NotRequired[Union[int, None]]
    #: US dollars per hour at most.
    maxPrice: NotRequired[Union[float, str, None]]
    #: The network to ask (`p2p`), or one provider: its id, the end of it, or a name that only it has.
    provider: NotRequired[Union[str, None]]
    #: What bids are ranked by most; `value` is the price of the same work.
    providerStrategy: NotRequired[Literal["cost", "performance", "availability", "value", None]]


class JobChangesGpuRequirements(TypedDict):
    """What the GPUs must be, all of one kind; where it is left out, any."""

    #: Whose they are.
    vendor: NotRequired[Literal["nvidia", "amd", "intel"]]
    #: Any of these, as whole words of the driver’s name in any case: `h100`, `rtx4090`, `a100 80gb`.
    models: NotRequired[List[str]]
    #: Of each, as it is sold: a card of 24 GB shows up to 7 % less.
    minVram: NotRequired[Union[str, float]]
    #: Compute capability of NVIDIA’s, target of AMD’s; those of the other have none.
    minCompute: NotRequired[str]
    #: What the driver runs at least.
    cuda: NotRequired[str]
    #: What joins them to each other.
    interconnect: NotRequired[Literal["pcie", "nvlink", "xgmi"]]


class JobChangesConstraints(TypedDict):
    """What its provider must be."""

    #: Where the machine is, as its provider says it.
    region: NotRequired[str]
    #: Labels that the provider must have, with these values.
    labels: NotRequired[Dict[str, str]]
    #: Seconds the provider has been up without a break.
    minUptime: NotRequired[int]
    #: What the provider must be able to do, such as `storage-quota`.
    capabilities: NotRequired[List[str]]
    #: Primes up to 10,000 that one core finds, times a second, as providers measure themselves.
    minCpuScore: NotRequired[int]
    #: The same of all cores of the machine together.
    minCpuAllScore: NotRequired[int]
    #: That one core copies, a second.
    minMemoryBandwidth: NotRequired[Union[str, float]]
    #: A second, in blocks of 1 MiB.
    minDiskRead: NotRequired[Union[str, float]]
    #: A second, in blocks of 1 MiB.
    minDiskWrite: NotRequired[Union[str, float]]
    #: Blocks of 4 KiB a second, half read and half written.
    minIops: NotRequired[int]


class DryRun(TypedDict):
    """What becomes of a job that is only checked: who would take it, and at what price."""

    #: It was checked, and nothing is wrong.
    valid: Literal[True]
    #: Whether anybody would take it now.
    accepted: bool
    #: Of everybody who was asked, those too that have not answered in time. In a larger network a dozen that fit are asked.
    quotes: List[Quote]
    #: Who came nearest, and what was lacking, as the job would fail by it; null where somebody would take it.
    nearest: Union[DryRunNearest, None]
    #: Changes with which somebody would take it by what providers announce, each by itself; none where somebody would as it is.
    helps: List[Remedy]


class DryRunNearest(TypedDict):
    """Who came nearest, and what was lacking, as the job would fail by it; null where somebody would take it."""

    #: What programs match.
    code: Literal["IMAGE_PULL_ERROR", "RESOURCE_LIMIT_EXCEEDED", "NETWORK_ERROR", "NON_ZERO_EXIT", "DURATION_EXCEEDED", "NO_PROVIDER", "INTERNAL", "DATA_ERROR"]
    #: For people.
    message: str
    #: What to do about it.
    remedy: str
    #: Who can mend it: the program (`job`), what was asked for (`user`), the owner of the machine (`provider`), nobody at once (`place`), or this program (`ours`).
    fault: Literal["job", "user", "provider", "place", "ours"]
    #: Further words for programs, `reason` among them.
    details: Dict[str, Union[str, float, bool]]
    #: What to change of the job for that; null where it is nothing that the job asks for.
    change: Union[DryRunNearestChange, None]


class DryRunNearestChange(TypedDict):
    """What to change of the job for that; null where it is nothing that the job asks for."""

    #: What is changed, such as `Raise memory to 128Mi`.
    text: str
    #: The same for `POST …/resubmit`, or while it is pending for `PUT`: fields of a submission; null takes one out.
    changes: Dict[str, Any]


class Extension(TypedDict):
    """What more time would mean for a job; nobody was asked for it yet."""

    #: Seconds on top of the duration, as asked for.
    additional: int
    #: Longest runtime in seconds then.
    duration: int
    #: When it then ends at the latest; null before its container has started.
    endsAt: Union[str, None]
    #: The most that the time costs, on the terms that its provider has accepted; before it is placed, an estimate.
    cost: float
    #: The most that the job costs then.
    projected: float
    #: Of all amounts.
    currency: Literal["USD"]
    #: Whether its provider says that it extends jobs; null where it has none, or that is not heard of.
    extends: Union[bool, None]


class JobEvent(TypedDict):
    """Further fields depend on the type."""

    #: Counts the job’s events from 1.
    seq: int
    #: What happened.
    type: Literal["created", "bidding", "scheduled", "pulling", "started", "extended", "expired", "lost", "completed", "failed", "cancelled", "regained", "left-out", "log-cut", "transferring"]
    #: When, ISO 8601.
    timestamp: str


class LogLine(TypedDict):
    """A piece of what a container wrote, mostly a line."""

    #: When, ISO 8601.
    timestamp: str
    #: Without its newline. Bytes that are no UTF-8 are U+FFFD here.
    line: str
    #: Which of the two it was written to.
    stream: Literal["stdout", "stderr"]
    #: No newline comes behind it: it goes on in the next of its stream, or the output ended so.
    partial: NotRequired[Literal[True]]
    #: The line’s bytes; only where they are no UTF-8.
    base64: NotRequired[str]
    #: Which attempt of the job wrote it; absent: the first.
    attempt: NotRequired[int]


class AttemptCost(TypedDict):
    """What one attempt costs, and what both sides signed of it."""

    #: Counted from 1.
    attempt: int
    #: Its peer id.
    provider: str
    #: Why an earlier attempt was over; the status of the job for its last one.
    outcome: Literal["lost", "refused", "failed", "pending", "scheduled", "running", "completed", "cancelled"]
    #: US dollars for each hour that is paid.
    pricePerHour: float
    #: US dollars that it costs at least, if it ran.
    minimumCharge: float
    #: US dollars for each GB that the job sent or received.
    pricePerGb: float
    #: Seconds that are paid.
    meteredSeconds: int
    #: What the job sent and received; 0 where it was not counted.
    networkBytes: int
    #: US dollars so far; the sum over all attempts is what the job costs.
    cost: float
    #: Null while it runs, and where both sides did not sign, as where its provider was lost.
    receipt: Union[AttemptCostReceipt, None]


class AttemptCostReceipt(TypedDict):
    """Null while it runs, and where both sides did not sign, as where its provider was lost."""

    #: Of the job.
    jobId: str
    #: On which market.
    network: str
    #: Counted from 1.
    attempt: int
    #: Its peer id.
    provider: str
    #: Peer id of whoever asked.
    requester: str
    #: US dollars for each hour that is paid.
    pricePerHour: float
    #: US dollars that it costs at least, if it ran.
    minimumCharge: float
    #: US dollars for each GB that the job sent or received.
    pricePerGb: float
    #: Seconds that are paid.
    meteredSeconds: int
    #: What the job sent and received; 0 where it was not counted.
    networkBytes: int
    #: US dollars that this attempt cost.
    cost: float
    #: When its container started.
    startedAt: Union[str, None]
    #: When it ended.
    endedAt: str
    #: What came of it.
    outcome: str
    #: Of its program; null where there is none.
    exitCode: Union[int, None]
    #: The statements that both sides signed, base64: `cortex receipt verify` checks them offline.
    signed: AttemptCostReceiptSigned


class AttemptCostReceiptSigned(TypedDict):
    """The statements that both sides signed, base64: `cortex receipt verify` checks them offline."""

    #: The provider’s statement with its signature, as base64 of Protobuf.
    provider: str
    #: The same of whoever asked.
    requester: str


class ExecAnswer1(TypedDict):
    #: Null where it had not ended in time; it goes on.
    exitCode: Union[int, None]
    #: What it wrote there.
    stdout: str
    #: What it wrote there.
    stderr: str
    #: Whether there was more output than is answered.
    truncated: bool


class ExecAnswer2(TypedDict):
    #: Of the WebSocket; it opens once.
    url: str
    #: When it can be used no more.
    expiresAt: str


class PortLink(TypedDict):
    """A link that opens a port in a browser."""

    #: For a browser; it opens once.
    url: str
    #: When it opens no more.
    expiresAt: str


class ContainerFiles(TypedDict):
    """What is at a path of a container or a volume, and of a folder what it holds."""

    #: As asked for, in short.
    path: str
    #: Without its folder.
    name: str
    #: What it is.
    type: Literal["file", "folder", "link", "pipe", "socket", "device", "other"]
    #: Bytes; 0 of what is no file.
    size: float
    #: Permission bits in octal.
    mode: str
    #: When it was changed last.
    mtime: str
    #: Where a link leads, as it has that.
    linkTarget: Union[str, None]
    #: Of a folder, by name; null of anything else.
    entries: Union[List[ContainerFile], None]
    #: How many entries the folder has, as far as was counted.
    total: Union[int, None]
    #: Whether all of the folder was looked at: not where it is too large for that.
    complete: bool
    #: Leads to the entries behind these.
    nextCursor: Union[str, None]


class WrittenFiles(TypedDict):
    """What was written into a container or a volume."""

    #: Where.
    path: str
    #: How many were written, folders apart.
    files: int
    #: Of all files together.
    bytes: float
    #: What had no place: climbing paths, devices, pipes; at most 64, the last counts the others.
    leftOut: List[WrittenFilesLeftOutItem]


class WrittenFilesLeftOutItem(TypedDict):
    #: As it was sent.
    path: str
    #: Why.
    reason: str


class Batch(TypedDict):
    """Many jobs that were submitted at once, and how far they are."""

    #: Its id.
    id: str
    #: `completed` once every job has ended, however it did; `cancelled` where the batch was.
    status: Literal["submitted", "cancelling", "completed", "cancelled"]
    #: How many jobs it has.
    total: int
    #: How many run at a time.
    concurrency: int
    #: Jobs by status; those that wait for their turn are pending.
    counts: BatchCounts
    #: When it was submitted.
    createdAt: str
    #: When its last job ended; null until then.
    endedAt: Union[str, None]
    #: The batch whose failed jobs it runs again; null where it is no such.
    retryOf: Union[str, None]
    #: The batch that runs its failed jobs again; null where none does.
    retriedAs: Union[str, None]


class BatchCounts(TypedDict):
    """Jobs by status; those that wait for their turn are pending."""

    #: Wait for a provider, or in a batch for their turn.
    pending: int
    #: Have a provider, and do not run yet.
    scheduled: int
    #: Run.
    running: int
    #: Ended with exit code 0.
    completed: int
    #: Ended badly.
    failed: int
    #: Were cancelled.
    cancelled: int


class BatchRows(TypedDict):
    """Every row of a batch with what became of it."""

    #: Of the batch.
    id: str
    #: In order; all of them.
    rows: List[BatchRowsRowsItem]


class BatchRowsRowsItem(TypedDict):
    #: 1 for the first; in a batch that runs failed jobs again, the number that it had at first.
    row: int
    #: Its job.
    jobId: str
    #: How that is; null where it was forgotten before it ended.
    status: Literal["pending", "scheduled", "running", "completed", "failed", "cancelled", None]


class NewBatch(TypedDict):
    """Many jobs at once: all of them are taken, or none."""

    #: The jobs, each as it would be submitted by itself.
    jobs: List[JobSubmission]
    #: How many of the batch are looked for a provider, or run, at a time; the others wait.
    concurrency: NotRequired[int]


class SubmittedBatch(TypedDict):
    """A batch that was taken: all of its jobs are stored."""

    #: Its id.
    batchId: str
    #: In the order of the rows.
    jobIds: List[str]
    #: How far it is.
    status: Literal["submitted"]


class CheckedBatch(TypedDict):
    """A batch that was only checked, with `?dryRun=true`."""

    #: Every row is right; where one is not, the answer is VALIDATION_ERROR.
    valid: Literal[True]
    #: Jobs it would make.
    total: int


class Provider(TypedDict):
    """A provider, as the gateway last heard of it."""

    #: Its peer id.
    id: str
    #: What people call it; its own choice.
    name: str
    #: How it is reached.
    type: Literal["p2p"]
    #: How it is: heard of, missed once, or missed for longer.
    status: Literal["online", "degraded", "offline"]
    #: Of its program.
    version: str
    #: Multiaddrs.
    endpoints: List[str]
    #: Where it is, as it says.
    region: str
    #: What jobs can ask for by `constraints.labels`.
    labels: Dict[str, str]
    #: Of its processor.
    architecture: str
    #: What it runs by itself, such as `linux/amd64`; none where its version does not say.
    platforms: List[str]
    #: What it runs by emulation.
    emulatedPlatforms: List[str]
    #: Walls that it puts around jobs, first what jobs have that name none; none where its version does not say.
    isolations: List[ProviderIsolationsItem]
    #: What it sells in all, and what of that nobody has.
    capacity: ProviderCapacity
    #: How near it is, and how your jobs fared there.
    metrics: ProviderMetrics
    #: What it asks, in US dollars.
    pricing: ProviderPricing
    #: Null where its provider does not tell.
    hardware: Union[ProviderHardware, None]
    #: Null where its provider measured nothing.
    measured: Union[ProviderMeasured, None]
    #: Null where your jobs measured nothing.
    seen: Union[ProviderSeen, None]
    #: What it can do, such as `extend`.
    capabilities: List[str]
    #: Whether its engine holds containers to their storage, or their use is measured every few seconds.
    storageQuota: Literal["hard", "measured"]
    #: Why it takes no jobs; null while it does.
    paused: Union[str, None]
    #: First heard of.
    createdAt: str
    #: Last heard of.
    updatedAt: str


class ProviderIsolationsItem(TypedDict):
    #: `container`, `gvisor` or `vm`.
    isolation: str
    #: Of its prices, for jobs under it; the minimum stays as it is.
    priceFactor: float


class ProviderCapacity(TypedDict):
    """What it sells in all, and what of that nobody has."""

    total: ProviderCapacity
    free: ProviderCapacity


class ProviderMetrics(TypedDict):
    """How near it is, and how your jobs fared there."""

    #: Round trip in ms; null where it was not measured.
    latency: Union[float, None]
    #: Seconds without a break, as it says itself.
    uptime: float
    #: Of your jobs.
    jobsCompleted: int
    #: Of your jobs.
    jobsFailed: int
    #: What your jobs cost there, and what is signed for your volumes there.
    costToDate: float


class ProviderPricing(TypedDict):
    """What it asks, in US dollars."""

    #: Per core-hour.
    cpu: float
    #: Per GB-hour.
    memory: float
    #: Per GB-hour.
    storage: float
    #: Per GPU-hour, of models without a price of their own.
    gpu: float
    #: Per GB.
    network: float
    #: Per GB-hour of a volume that stays, for the hours in which no job has it.
    volume: float
    #: Per job that ran, at least.
    minimum: float
    #: Of all prices.
    currency: Literal["USD"]


class ProviderHardware(TypedDict):
    """Null where its provider does not tell."""

    #: Its processors.
    cpu: ProviderHardwareCpu
    #: Its memory modules.
    memory: ProviderHardwareMemory
    #: On which containers lie.
    disk: ProviderHardwareDisk
    #: The interface that leads to the internet.
    network: ProviderHardwareNetwork


class ProviderHardwareCpu(TypedDict):
    """Its processors."""

    #: As its maker calls it.
    model: str
    #: Physical ones.
    cores: int
    #: That run at once.
    threads: int
    #: The highest clock.
    mhz: int


class ProviderHardwareMemory(TypedDict):
    """Its memory modules."""

    #: Such as `DDR4`.
    type: str
    #: Transfers a second, in millions.
    mhz: int


class ProviderHardwareDisk(TypedDict):
    """On which containers lie."""

    #: `NVMe`, `SSD` or `HDD`.
    type: str
    #: As its maker calls it.
    model: str


class ProviderHardwareNetwork(TypedDict):
    """The interface that leads to the internet."""

    #: Megabits a second.
    mbps: int


class ProviderMeasured(TypedDict):
    """Null where its provider measured nothing."""

    #: Primes up to 10,000 that one core finds, times a second.
    cpuSingle: int
    #: The same of all cores together.
    cpuAll: int
    #: Bytes a second that one core reads and writes as it copies.
    memoryBandwidth: int
    #: Bytes a second, in blocks of 1 MiB.
    diskRead: int
    #: Bytes a second, in blocks of 1 MiB.
    diskWrite: int
    #: Blocks of 4 KiB a second, half read and half written.
    iops: int
    #: When it was measured.
    at: str
    #: Version of the methods: figures of two versions are not compared.
    method: str


class ProviderSeen(TypedDict):
    """Null where your jobs measured nothing."""

    #: Primes up to 10,000 that one core finds, times a second.
    cpuSingle: int
    #: The same of all cores together.
    cpuAll: int
    #: Bytes a second that one core reads and writes as it copies.
    memoryBandwidth: int
    #: Bytes a second, in blocks of 1 MiB.
    diskRead: int
    #: Bytes a second, in blocks of 1 MiB.
    diskWrite: int
    #: Blocks of 4 KiB a second, half read and half written.
    iops: int
    #: When it was measured.
    at: str
    #: Version of the methods: figures of two versions are not compared.
    method: str
    #: How many measured; the figures are their mean.
    jobs: int


class User(TypedDict):
    """Who asks, by the key that was used."""

    #: The owner whose objects are seen.
    id: str
    #: The key that was used.
    keyId: str
    #: What it may do.
    permissions: List[Literal["jobs:read", "jobs:write", "templates:read", "templates:write", "webhooks:read", "webhooks:write", "providers:read", "providers:write", "keys:read", "keys:write", "admin", "jobs:*", "templates:*", "webhooks:*", "providers:*", "keys:*"]]
    #: Whether it may do everything, for every owner.
    admin: bool


class CostsRowsItem(TypedDict):
    #: The day, the provider’s peer id, or the label’s value.
    group: str
    #: How many.
    jobs: int
    #: For good: `final` and `volumes` together.
    spent: float
    #: Of it, on jobs that have ended.
    final: float
    #: Of it, for keeping volumes while no job had them, by the receipts signed in the time.
    volumes: float
    #: Metered so far of jobs that have not ended.
    running: float
    #: The most that those come to: those with a provider for their whole duration and grace.
    projected: float
    #: `final` and `running` together.
    actual: float
    #: What all jobs would have cost at their accepted prices for their whole duration and grace; many end earlier.
    estimated: float


class CostsTotal(TypedDict):
    """Of all groups."""

    #: How many.
    jobs: int
    #: For good: `final` and `volumes` together.
    spent: float
    #: Of it, on jobs that have ended.
    final: float
    #: Of it, for keeping volumes while no job had them, by the receipts signed in the time.
    volumes: float
    #: Metered so far of jobs that have not ended.
    running: float
    #: The most that those come to: those with a provider for their whole duration and grace.
    projected: float
    #: `final` and `running` together.
    actual: float
    #: What all jobs would have cost at their accepted prices for their whole duration and grace; many end earlier.
    estimated: float


class CostForecast(TypedDict):
    """What this month is expected to come to, and what that rests on."""

    #: In which days begin and end.
    timezone: str
    #: Of all amounts.
    currency: Literal["USD"]
    #: The last whole days, by which it is expected to go on.
    basis: CostForecastBasis
    #: Of this month.
    month: CostForecastMonth


class Error(TypedDict):
    """What every refused request is answered."""

    #: It was not done.
    success: Literal[False]
    #: Why it was not.
    error: ErrorError


class ErrorError(TypedDict):
    """Why it was not."""

    #: What programs match; docs/api-errors.md says when each is answered, and what to do.
    code: Literal["VALIDATION_ERROR", "UNAUTHORIZED", "FORBIDDEN", "JOB_NOT_FOUND", "PROVIDER_NOT_FOUND", "WEBHOOK_NOT_FOUND", "DELIVERY_NOT_FOUND", "RESOURCE_NOT_FOUND", "PROVIDER_CONFLICT", "DUPLICATE_WEBHOOK", "JOB_STATE_CONFLICT", "IDEMPOTENCY_CONFLICT", "LIMIT_REACHED", "UPLOAD_CONFLICT", "PAYLOAD_TOO_LARGE", "RANGE_NOT_SATISFIABLE", "RATE_LIMIT_EXCEEDED", "INTERNAL_ERROR", "PROVIDER_UNAVAILABLE", "STORE_UNAVAILABLE"]
    #: What is wrong, and what would be right.
    message: str
    #: Of a validation error: `fields`, each by path.
    details: NotRequired[Dict[str, Any]]


class JobCost(TypedDict):
    """What a job costs, over all of its attempts."""

    #: Metered so far, all attempts.
    current: float
    #: The most that it costs: for its whole duration and the grace after it; before it is placed, an estimate.
    projected: float
    #: Once it has ended.
    final: NotRequired[float]
    #: What its provider claims instead, where that is more than this gateway’s own clock bears out: it is not signed, and not owed.
    claimed: NotRequired[float]
    #: Of all amounts.
    currency: Literal["USD"]


class JobError(TypedDict):
    """Why a job failed."""

    #: What programs match.
    code: Literal["IMAGE_PULL_ERROR", "RESOURCE_LIMIT_EXCEEDED", "NETWORK_ERROR", "NON_ZERO_EXIT", "DURATION_EXCEEDED", "NO_PROVIDER", "INTERNAL", "DATA_ERROR"]
    #: For people.
    message: str
    #: What to do about it.
    remedy: str
    #: Who can mend it: the program (`job`), what was asked for (`user`), the owner of the machine (`provider`), nobody at once (`place`), or this program (`ours`).
    fault: Literal["job", "user", "provider", "place", "ours"]
    #: Further words for programs, `reason` among them.
    details: Dict[str, Union[str, float, bool]]
    #: What to change of the job for that; null where it is nothing that the job asks for.
    change: Union[JobErrorChange, None]


class JobErrorChange(TypedDict):
    """What to change of the job for that; null where it is nothing that the job asks for."""

    #: What is changed, such as `Raise memory to 128Mi`.
    text: str
    #: The same for `POST …/resubmit`, or while it is pending for `PUT`: fields of a submission; null takes one out.
    changes: Dict[str, Any]


class Quote(TypedDict):
    """What one provider says to a job that nobody submits."""

    #: Its peer id.
    provider: str
    #: As people call it.
    name: str
    #: Whether it would take the job.
    accepts: bool
    #: US dollars per hour; null where it declines.
    price: Union[float, None]
    #: US dollars that the job pays at least if it runs; null where it declines.
    minimumCharge: Union[float, None]
    #: US dollars for each GB that the job sends or receives; null where it declines.
    pricePerGb: Union[float, None]
    #: US dollars for each GB of the volumes that the job leaves and hour in which no job has them; null where it declines.
    volumePerGbHour: Union[float, None]
    #: The most that it costs: for the whole duration, the grace after it and all traffic that the job may cause, the minimum charge included, and for the volumes that it leaves, until their `keep` is over.
    cost: Union[float, None]
    #: Which GPUs the job would have.
    gpu: Union[QuoteGpu, None]
    #: As what the image would run, such as `linux/amd64`; null where nobody said.
    platform: Union[str, None]
    #: Whether its machine would do that by emulation, which is slow.
    emulated: bool
    #: Which walls the job would have around it: `container`, `gvisor` or `vm`; null where nobody said.
    isolation: Union[str, None]
    #: How many bytes of what the job brings, and of its image, are missing there; null where nobody said.
    missingBytes: Union[int, None]
    #: How long the job is expected to wait for them there: by what such bytes have lately taken, and by what your jobs saw of the provider. Null where nothing has to come.
    waitSeconds: Union[float, None]
    #: Higher is better; null for a decline.
    score: Union[float, None]
    #: Why, for people.
    reason: str


class QuoteGpu(TypedDict):
    """Which GPUs the job would have."""

    #: `nvidia`, `amd` or `intel`; empty where the provider does not tell.
    vendor: str
    #: The driver’s name; empty where the provider does not tell.
    model: str
    #: Of each.
    memory: str
    #: How many.
    count: int
    #: Version of the driver; empty where the provider does not tell.
    driver: str
    #: The newest CUDA that the driver runs, or the ROCm that is installed; empty where the provider does not tell.
    runtime: str
    #: Compute capability of NVIDIA’s, target of AMD’s; empty where the provider does not tell.
    compute: str
    #: `pcie`, `nvlink` or `xgmi`; empty where the provider does not tell.
    interconnect: str
    #: Of a part of a card; empty for a whole one.
    migProfile: str


class Remedy(TypedDict):
    """A change of a job that helps."""

    #: What is changed, such as `Raise memory to 128Mi`.
    text: str
    #: The same for `POST …/resubmit`, or while it is pending for `PUT`: fields of a submission; null takes one out.
    changes: Dict[str, Any]


class ContainerFile(TypedDict):
    """Something in a container or a volume."""

    #: Without its folder.
    name: str
    #: What it is.
    type: Literal["file", "folder", "link", "pipe", "socket", "device", "other"]
    #: Bytes; 0 of what is no file.
    size: float
    #: Permission bits in octal.
    mode: str
    #: When it was changed last.
    mtime: str
    #: Where a link leads, as it has that.
    linkTarget: Union[str, None]


JobSubmissionInputsItem = TypedDict(
    "JobSubmissionInputsItem",
    {
        #: Where it stands in the container: a file there, or a folder.
        "path": "str",
        #: Where it comes from.
        "from": "JobSubmissionInputsItemFrom",
        #: `rw` is a copy of the job’s own, which counts as its storage. Where it is left out: `ro`.
        "mode": "NotRequired[Literal['ro', 'rw']]",
    },
)


JobConfigInputsItem = TypedDict(
    "JobConfigInputsItem",
    {
        #: Where it stands in the container: a file there, or a folder.
        "path": "str",
        #: Where it comes from.
        "from": "JobConfigInputsItemFrom",
        #: `rw` is a copy of the job’s own, which counts as its storage. Where it is left out: `ro`.
        "mode": "NotRequired[Literal['ro', 'rw']]",
    },
)


JobOverridesInputsItem = TypedDict(
    "JobOverridesInputsItem",
    {
        #: Where it stands in the container: a file there, or a folder.
        "path": "str",
        #: Where it comes from.
        "from": "JobOverridesInputsItemFrom",
        #: `rw` is a copy of the job’s own, which counts as its storage. Where it is left out: `ro`.
        "mode": "NotRequired[Literal['ro', 'rw']]",
    },
)


#: The output of the command, of each stream the first MiB; with `interactive` the address of a WebSocket to it.
ExecAnswer = Union[ExecAnswer1, ExecAnswer2]


Costs = TypedDict(
    "Costs",
    {
        #: Where the time begins.
        "from": "str",
        #: Where it ends.
        "to": "str",
        #: As it was asked for.
        "groupBy": "str",
        #: In which days begin and end.
        "timezone": "str",
        #: Of all amounts.
        "currency": "Literal['USD']",
        #: One for each group that has a job or a volume.
        "rows": "List[CostsRowsItem]",
        #: Of all groups.
        "total": "CostsTotal",
    },
)


CostForecastBasis = TypedDict(
    "CostForecastBasis",
    {
        #: Where the first of the days begins.
        "from": "str",
        #: Where the last one ended: today is none of them.
        "to": "str",
        #: How many: 7, or fewer where the first job is younger; 0 where there is none.
        "days": "int",
        #: On them, running jobs so far included.
        "spent": "float",
        #: Of it on each, on average; null without days.
        "perDay": "Union[float, None]",
        #: The same of the seven days before; null where nothing was spent then.
        "perDayBefore": "Union[float, None]",
    },
)


CostForecastMonth = TypedDict(
    "CostForecastMonth",
    {
        #: Where this month begins.
        "from": "str",
        #: Where it ends.
        "to": "str",
        #: Until now, running jobs so far included.
        "spent": "float",
        #: In all, if it goes on as on the days of `basis`; null without any.
        "expected": "Union[float, None]",
    },
)
