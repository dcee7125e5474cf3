/**
 * Every bound on what comes from outside, with its reason. A peer, a client or a file beyond one is refused before its
 * content is looked at.
 */

/** Gossip messages, in bytes. Requests and announcements measure 300 to 2,000; each costs every peer. */
export const MAX_GOSSIP_BYTES = 8 * 1024

/** A bid, decline or release on a stream, in bytes. */
export const MAX_BID_BYTES = 8 * 1024

/** An award, in bytes: holds the whole job, environment included. Larger than the largest job that validates. */
export const MAX_AWARD_BYTES = 1024 * 1024

/** One message of a lease stream, in bytes: a batch of log lines is at most {@link MAX_LOG_BATCH_BYTES} plus framing. */
export const MAX_LEASE_MESSAGE_BYTES = 512 * 1024

/** Text of one batch of log lines, in bytes. 64 KiB messages carry 330 MB/s on one stream, 1 KiB ones 45. */
export const MAX_LOG_BATCH_BYTES = 256 * 1024

/** Lines in one batch, however short: each is stored as a record of its own. */
export const MAX_LOG_BATCH_LINES = 4096

/** One log line, in bytes of UTF-8; longer ones go on in the next, marked `partial`. */
export const MAX_LOG_LINE_BYTES = 64 * 1024

/** Announcements in one answer of the directory protocol. */
export const MAX_DIRECTORY_ENTRIES = 256

/** The answer of the directory protocol, in bytes. */
export const MAX_DIRECTORY_BYTES = 1024 * 1024

/**
 * Fields of one message, those of inner messages included, so that a small message cannot become a large heap: room for
 * {@link MAX_LOG_BATCH_LINES} lines, the most that any message needs.
 */
export const MAX_MESSAGE_FIELDS = 32 * 1024

/** The least time between two announcements of a provider, in ms. */
export const MIN_ANNOUNCE_MS = 1_000
/** The longest time between two announcements of a provider, in ms: one hour. */
export const MAX_ANNOUNCE_MS = 3_600_000

/** The longest that a requester waits for bids, in ms. */
export const MAX_BID_WINDOW_MS = 60_000

/** The longest that a provider says it holds capacity for a bid, in ms. */
export const MAX_BID_VALID_MS = 600_000

/** Multiaddrs in one message. */
export const MAX_ADDRESSES = 16
/** One multiaddr, in characters. */
export const MAX_ADDRESS_LENGTH = 256

/** A name, region, version or code in a message, in characters. */
export const MAX_TEXT_LENGTH = 256

/** A code or a command id in a message, in characters. */
export const MAX_CODE_LENGTH = 64

/** What a process ends with is 0 to this. */
export const MAX_EXIT_CODE = 255
/** What was left out of a job's outputs, as named in its results; the last one counts the others. */
export const MAX_LEFT_OUT = 64

/** A sentence for people out of another peer, in characters; the rest is cut off. */
export const MAX_MESSAGE_LENGTH = 1024

/** Details of one failure. */
export const MAX_DETAILS = 32
/** The name of one detail, in characters. */
export const MAX_DETAIL_NAME_LENGTH = 64

/**
 * How old a gossip message's own time may be, either way, in ms. Wide, because strangers' clocks are not trusted and
 * may jump by an hour; it only bounds how long request ids must be remembered.
 */
export const MAX_CLOCK_DIFFERENCE_MS = 2 * 60 * 60 * 1000

/** How long a request id is remembered against replay, in ms: longer than any message with it is let through. */
export const REQUEST_ID_MEMORY_MS = 2 * MAX_CLOCK_DIFFERENCE_MS + 60_000

/** The longest an image reference may be: registry (255) + name (255) + tag or digest. */
export const MAX_IMAGE_LENGTH = 512

/** The longest job, in seconds: 30 days. */
export const MAX_DURATION_SECONDS = 30 * 24 * 3600

/** The least CPU a job may ask for, in millicores: what an engine takes. */
export const MIN_CPU_MILLIS = 10

/** Millicores a job may ask for: 1,024 cores. */
export const MAX_CPU_MILLIS = 1_024_000

/** The least memory a job may ask for, in bytes: what an engine takes. */
export const MIN_MEMORY_BYTES = 6 * 2 ** 20

/**
 * The least storage of a job, in bytes: below it a job that writes nothing may be beyond it, because its folders and those
 * that things are mounted at take 4 KiB each.
 */
export const MIN_STORAGE_BYTES = 2 ** 20

/** The least size of a volume, in bytes: what its empty folder takes. */
export const MIN_VOLUME_BYTES = 4_096

/** Memory a job may ask for, or storage with its volumes, in bytes: 64 TiB. */
export const MAX_BYTES = 64 * 2 ** 40
/** Bytes that a job's link carries in a second at most, both ways together: 100 Gbit each. No provider is believed more. */
export const MAX_TRAFFIC_PER_SECOND = 25e9

/** Kinds of GPU in one machine. */
export const MAX_GPU_MODELS = 16

/** Models of which a job may ask for any. */
export const MAX_ASKED_MODELS = 16
/** A GPU model as a job asks for it, in characters. */
export const MAX_MODEL_LENGTH = 64

/** The least VRAM a job may ask for, in bytes: less is a number whose unit was forgotten. */
export const MIN_VRAM_BYTES = 64 * 2 ** 20

/** GPUs a job may ask for. */
export const MAX_GPUS = 64

/**
 * Any price in nano-dollars, per hour or per GB: a million dollars. With it the cost of the longest job, extensions
 * included, fits the 64 bits of a receipt.
 */
export const MAX_PRICE_NANO_USD = 1_000_000n * 1_000_000_000n

/** Seconds between a job's stop signal and SIGKILL. */
export const MAX_STOP_GRACE_SECONDS = 300

/**
 * Where another attempt of a job may be waiting for this one's end, a provider leaves at most this long between the stop
 * signal and SIGKILL, in ms, whatever the job says. Requesters rely on it.
 */
export const MAX_HASTY_GRACE_MS = 10_000

/** The least `leaseTimeout`: seconds out of touch after which a provider stops a job that asked for it. */
export const MIN_LEASE_TIMEOUT_SECONDS = 10
/** The longest `leaseTimeout`, in seconds: one hour. */
export const MAX_LEASE_TIMEOUT_SECONDS = 3600

/** One piece of a tunnel's stream, of a command's input or output, or of an output, in bytes: see {@link MAX_LOG_BATCH_BYTES}. */
export const MAX_REACH_CHUNK_BYTES = 64 * 1024

/** One message of a stream into a container, in bytes: a chunk with its frame, or a hello with a whole command. */
export const MAX_REACH_MESSAGE_BYTES = 512 * 1024

/** The largest datagram that UDP over IPv4 carries, in bytes. */
export const MAX_DATAGRAM_BYTES = 65_507

/** Connections into one container at a time. */
export const MAX_TUNNELS = 256

/**
 * Streams into containers that one peer may have open at a time: half of what its connection carries, so that leases and
 * bids always have room.
 */
export const MAX_REACH_STREAMS = 512

/** A path in a container, in bytes: what Linux takes. */
export const MAX_PATH_BYTES = 4096

/** Paths that a job keeps at its end. */
export const MAX_OUTPUTS = 16

/** Entries of a folder that are told at a time. */
export const MAX_LISTED_FILES = 1000

/** Files and folders of one container that are copied, listed or removed at a time. */
export const MAX_FILE_STREAMS = 8

/** Copies and listings of volumes at one provider at a time; each requester has as many as one container has. */
export const MAX_VOLUME_FILE_STREAMS = 32

/** Commands that run in one container at a time: sessions of SSH, and what they reach from within it, are some as well. */
export const MAX_EXECS = 128

/** Columns or rows of a terminal. */
export const MAX_TERMINAL_SIZE = 4_096

/** Processes, mounts or networks named of one container. */
export const MAX_CONTAINER_ITEMS = 1_024

/** Environment variables and secrets together. */
export const MAX_ENV_ENTRIES = 512

/** One value of the environment, in characters. */
export const MAX_ENV_VALUE_LENGTH = 32 * 1024

/** Words of a command. */
export const MAX_COMMAND_WORDS = 256

/** One word of a command, in characters. */
export const MAX_COMMAND_WORD_LENGTH = 16 * 1024

/** All of a job's text together, in characters: what fits an award, with room for its frame. */
export const MAX_JOB_TEXT_LENGTH = 256 * 1024

/** The fewest open files of each process that a job may ask for: with them an engine's own init and a shell run. */
export const MIN_OPEN_FILES = 64
/** The most open files of each process that a job may ask for. */
export const MAX_OPEN_FILES = 1_048_576
/** The most open files of each process of a job that does not say. */
export const DEFAULT_OPEN_FILES = 16_384

/**
 * Processes and threads that a job may ask for. A machine has 32,768 or more in all; an engine itself takes about ten of
 * them while a container starts.
 */
export const MIN_PIDS = 16
/** The most of them that a job may ask for. */
export const MAX_PIDS = 4_096
/** The most of them of a job that does not say. */
export const DEFAULT_PIDS = 512

/** Of what a machine does in a second, where that is no amount of bytes. */
export const MAX_SCORE = 1_000_000_000

/**
 * What a report may take from its cause to the requester's meter, disks and a busy machine included, in ms: so much earlier
 * than it is heard a container may have started.
 */
export const REPORT_DELAY_MS = 500

/** Ports that a job lists, and those of which a heartbeat tells. */
export const MAX_PORTS = 16
/** Volumes of one job. */
export const MAX_VOLUMES = 16
/** What one job brings, in pieces. */
export const MAX_INPUTS = 64
/** Text that a job brings itself at one path, in bytes: larger things are given beforehand. */
export const MAX_INLINE_BYTES = 64 * 1024
/** The URL of something that a job brings, in characters: presigned ones of clouds have up to some 3,000. */
export const MAX_INPUT_URL_LENGTH = 4_096
/** One message of a stream that brings an input, in bytes: a chunk with room for a frame. */
export const MAX_INPUT_MESSAGE_BYTES = 128 * 1024
/** A name of a blob that means something to nobody but its requester and those who had it of it, in bytes. */
export const MARK_BYTES = 16
/** Blobs that one request names so: some 400 bytes of it. */
export const MAX_MARKED = 16
/** Layers of one image: what overlay file systems take. */
export const MAX_IMAGE_LAYERS = 127
/** The configuration of an image, or a manifest of one, in bytes: it has some KiB; labels and history may make it larger. */
export const MAX_IMAGE_CONFIG_BYTES = 2 ** 20
/** Streams of inputs that one provider may have open at a time. */
export const MAX_INPUT_STREAMS = 128

/** The least time that a volume is kept after its last use, in seconds: so that the next job has the time to be placed. */
export const MIN_KEEP_SECONDS = 60

/** The most of it: a year. Providers may take less; what is to stay longer is used, or extended, in between. */
export const MAX_KEEP_SECONDS = 365 * 24 * 3600

/** Volumes in one answer to a requester that asks for its own. */
export const MAX_LISTED_VOLUMES = 100

/** A message about volumes, in bytes: so many of them, and room for more fields. */
export const MAX_VOLUMES_MESSAGE_BYTES = 32 * 1024
/** Labels of a job, of a provider, or of what a job asks of one. */
export const MAX_LABELS = 64
/** Capabilities asked for or announced. */
export const MAX_CAPABILITIES = 32
/** A label's value or a capability, in characters; of what a peer announces, a label's name, too. */
export const MAX_LABEL_LENGTH = 128

/** A job's constraints, in bytes of their JSON: they are broadcast, and must leave room in a {@link MAX_GOSSIP_BYTES}. */
export const MAX_CONSTRAINTS_BYTES = 2 * 1024

/** Problems named of one value from outside; more would only help someone to make this process work. */
export const MAX_FIELD_ERRORS = 100
