/** The kinds of field that a job spec is made of; `job-spec.ts` puts them together. */

import { z } from 'zod'
import {
  MAX_BYTES,
  MAX_COMMAND_WORD_LENGTH,
  MAX_COMMAND_WORDS,
  MAX_DURATION_SECONDS,
  MAX_ENV_ENTRIES,
  MAX_ENV_VALUE_LENGTH,
  MAX_IMAGE_LENGTH,
  MAX_LABEL_LENGTH,
  MAX_LABELS,
  MAX_PATH_BYTES,
  MAX_PRICE_NANO_USD,
} from './limits.ts'
import { formatUsd, parseUsd } from './money.ts'
import { MAX_PLATFORM_LENGTH, PLATFORM } from './platforms.ts'
import { isArgument, isLine, isLines } from './text.ts'
import { formatBytes, parseBytes } from './units.ts'

/** Reference grammar of the OCI distribution specification, anchored, with upper case only in the tag and the host. */
const IMAGE =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/
const LABEL_KEY = /^[a-zA-Z0-9](?:[a-zA-Z0-9_./-]{0,62}[a-zA-Z0-9])?$/

/** Wider than a shell's: images read names such as `discovery.type`. */
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/

/** Names as `useradd` makes them, or numbers. */
const USER = /^(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}|\d{1,10})(?::(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}|\d{1,10}))?$/
const MAX_USER_LENGTH = 65
/** The largest that engines take. */
const MAX_USER_NUMBER = 2 ** 31 - 1
const USER_EXPECTED =
  'must be a user of the image or a number up to 2147483647, with a group where needed: "app", "1000" or "1000:1000"'

const SIGNAL =
  /^SIG(?:HUP|INT|QUIT|ABRT|KILL|USR1|USR2|PIPE|ALRM|TERM|CONT|TSTP|TTIN|TTOU|WINCH|PWR|RTMIN(?:\+(?:[1-9]|1[0-5]))?)$/

/** An absolute path without `.`, `..` or empty parts and not the root; no colon, which engines split mounts at. */
const CONTAINER_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/:\p{Cc}]+)+$/u
const MAX_PATH_LENGTH = 1024

/** Host, port and path as registries are named in credentials, e.g. `https://index.docker.io/v1/`. */
const REGISTRY = /^(?:https?:\/\/)?(?:[a-zA-Z0-9][a-zA-Z0-9.-]*|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:\/[\w./-]*)?$/

/** Text of a pattern. Longer text is refused before the pattern sees it. */
function matching(pattern: RegExp, maxLength: number, expected: string) {
  return z.string().max(maxLength, { abort: true }).regex(pattern, expected)
}

/** An image reference of at most {@link MAX_IMAGE_LENGTH} characters; a tag and a digest may both be left out. */
export const imageField = matching(
  IMAGE,
  MAX_IMAGE_LENGTH,
  'must be an image reference: [registry/]name[:tag][@sha256:digest], the name in lower case',
)

/** The same of an image that another peer's request names. */
export function isImageReference(text: string): boolean {
  return imageField.safeParse(text).success
}

/** What runs an image, in any spelling: see `plainPlatform`. */
export const platformField = matching(PLATFORM, MAX_PLATFORM_LENGTH, 'must be like "linux/amd64" or "linux/arm/v7"')

/** A name that people give: a volume’s, or a job’s. */
export const nameField = matching(NAME, 63, 'must be 1 to 63 letters, digits, _ . -, starting with a letter or digit')

const VOLUME_ID = /^vol_[0-9a-z]{12,40}$/

/** The id of a volume that outlives its job. */
export const volumeIdField = matching(
  VOLUME_ID,
  44,
  'must be the id of a volume, such as "vol_5d41402abc4b2a76b9719d911f"',
)

/** Whether the text has the form of such an id. */
export function isVolumeId(text: string): boolean {
  return volumeIdField.safeParse(text).success
}

/** A path of this form, or an error that says what of it is wrong. */
function pathMatching(pattern: RegExp) {
  const error = ({ input }: { input?: unknown }) => (typeof input === 'string' ? pathProblem(input) : undefined)
  return z.string().max(MAX_PATH_LENGTH, { abort: true }).regex(pattern, { error, abort: true })
}

function pathProblem(path: string): string {
  if (!path.startsWith('/')) {
    return 'must begin with "/": it is a path in the container from its root, such as "/srv/app"'
  }
  if (path === '/') return 'must be a path below "/", such as "/srv/app"'
  if (path.endsWith('/')) return 'must not end with "/"'
  return 'must have no colons, control characters, or parts that are empty, "." or ".."'
}

const pathField = pathMatching(CONTAINER_PATH)

/** Trees of the kernel, and files that an engine mounts into every container: nothing else can lie there. */
const TAKEN =
  /^\/(?:(?:proc|sys|dev)(?:\/|$)|etc\/(?:resolv\.conf|hosts|hostname)(?:\/|$)|sbin\/docker-init(?:\/|$)|run\/podman-init(?:\/|$)|\.dockerenv(?:\/|$))/

const TAKEN_EXPECTED =
  'must lie outside /proc, /sys and /dev, and not be a file that engines put into containers, such as /etc/resolv.conf'

/** A path that a job may have for itself. */
export const ownPathField = pathField.refine((path) => !TAKEN.test(path), TAKEN_EXPECTED)

/** Parts that are names, one behind another: what an entry of an archive is called. */
const KEPT_PATH = /^(?!\.{1,2}(?:\/|$))[^/\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)*$/u

/** A file or folder of what a job left, as its entry in the tar is called. */
export const keptPathField = z
  .string()
  .max(MAX_PATH_BYTES, { abort: true })
  .regex(KEPT_PATH, 'must be like "results/model.bin", without a "/" at either end, and without parts "." or ".."')
  .refine(
    (path) => path.isWellFormed() && Buffer.byteLength(path) <= MAX_PATH_BYTES,
    `must be Unicode text of at most ${MAX_PATH_BYTES} bytes of UTF-8`,
  )

/** Where a program begins: a path that a job may have for itself, or the root. */
export const workdirField = pathMatching(new RegExp(`^/$|${CONTAINER_PATH.source}`, 'u')).refine(
  (path) => !TAKEN.test(path),
  TAKEN_EXPECTED,
)

/** A user of the image, or a number, with a group where it is not the user's own: as `docker run --user` takes it. */
export const userField = matching(USER, MAX_USER_LENGTH, USER_EXPECTED).refine(
  (user) => user.split(':').every((part) => !/^\d/.test(part) || Number(part) <= MAX_USER_NUMBER),
  USER_EXPECTED,
)

/** A job's stop signal, with its `SIG`, such as `SIGTERM` or `SIGRTMIN+3`. */
export const signalField = matching(SIGNAL, 16, 'must be the name of a signal that ends programs, such as "SIGTERM"')

/** Whose credentials these are: a host, or a URL as Docker's own configuration writes them. */
export const registryField = matching(
  REGISTRY,
  256,
  'must be a registry’s host with an optional port, such as "ghcr.io"',
)

/** One line that may be shown anywhere. */
export function lineField(maxLength: number) {
  return z
    .string()
    .min(1)
    .max(maxLength, { abort: true })
    .refine(isLine, 'must be one line of Unicode text without control characters')
}

/** Lines that may be shown anywhere, with tabs; empty where nothing is said. */
export function linesField(maxLength: number) {
  return z
    .string()
    .max(maxLength, { abort: true })
    .refine(isLines, 'must be lines of Unicode text without other control characters')
}

/**
 * One word of a command or one value of the environment, of at most `maxLength` characters; it may be empty and have
 * many lines.
 */
export function argumentField(maxLength: number) {
  return z
    .string()
    .max(maxLength, { abort: true })
    .refine(isArgument, 'must be valid Unicode text without NUL characters')
}

/** @param unit as the API's documentation and errors name it, e.g. `seconds` */
export function wholeField(min: number, max: number, unit?: string) {
  const whole = z.number().int().min(min).max(max)
  return unit === undefined ? whole : whole.meta({ 'x-unit': unit })
}

/** Whole seconds, both ends included. */
export function secondsField(min: number, max: number) {
  return wholeField(min, max, 'seconds')
}

/** A job's longest runtime: 1 second to {@link MAX_DURATION_SECONDS}. */
export const durationField = secondsField(1, MAX_DURATION_SECONDS)

/** Words of a command, each an argument as it is: no shell takes them apart. */
export const commandField = z.array(argumentField(MAX_COMMAND_WORD_LENGTH)).max(MAX_COMMAND_WORDS)

/**
 * An amount such as `"512Mi"` or `536870912`; parses to text.
 * @param asks whether a small number without a unit is asked about, as gibibytes or mebibytes: `24` may be `24Gi`
 */
export function bytesField(what: string, minBytes = 1, asks = false) {
  const examples = '"512Mi" or "2Gi" (Ki, Mi, Gi, Ti or plain bytes)'
  const range = `from ${formatBytes(minBytes)} to ${formatBytes(MAX_BYTES)}`
  return z
    .union([z.string(), z.number()])
    .refine((amount) => isWithin(parseBytes(amount), minBytes, MAX_BYTES), {
      error: ({ input }) => {
        const problem = `must be a whole amount of ${what} such as ${examples}, ${range}`
        return asks && /^\d{1,6}$/.test(String(input))
          ? `${problem}: did you mean "${withUnit(Number(input))}"?`
          : problem
      },
      abort: true, // so that rules between fields meet amounts that they can add up
    })
    .transform(String)
    .meta({ examples: ['512Mi'] })
}

function withUnit(amount: number): string {
  return amount < 1024 ? `${amount}Gi` : `${amount}Mi`
}

function isWithin(value: number | null, min: number, max: number): boolean {
  return value !== null && value >= min && value <= max
}

/** US dollars per hour, as a number or as exact text. */
export const pricePerHourField = z.union([z.number(), z.string()]).refine(
  (price) => {
    const nanoUsd = parseUsd(price)
    return nanoUsd !== null && nanoUsd <= MAX_PRICE_NANO_USD
  },
  `must be US dollars per hour such as 0.05, from 0 to ${formatUsd(MAX_PRICE_NANO_USD)}, with at most 9 decimals`,
)

/** The name of a variable, or of a secret. */
export const secretNameField = z
  .string()
  .max(128, { abort: true })
  .regex(ENV_NAME, 'must be a variable name: at most 128 letters, digits, _ . -, starting with a letter or _')
const envValue = argumentField(MAX_ENV_VALUE_LENGTH)

/** Variables by name, at most {@link MAX_ENV_ENTRIES}; secrets are such a map, too. */
export const envField = mapField(secretNameField, envValue, MAX_ENV_ENTRIES)

const labelName = z
  .string()
  .max(64, { abort: true })
  .regex(LABEL_KEY, 'must be 1 to 64 letters, digits, _ . / -, starting and ending with a letter or digit')
const labelValue = z
  .string()
  .max(MAX_LABEL_LENGTH, { abort: true })
  .refine(isLine, 'must be one line of Unicode text without control characters')

/** Labels by name, at most {@link MAX_LABELS}: a job's own, or those that its provider must have. */
export const labelsField = mapField(labelName, labelValue, MAX_LABELS)

/** Changes of such maps: null takes a name out. */
export const envChangesField = mapField(secretNameField, envValue.nullable(), MAX_ENV_ENTRIES)
/** See {@link envChangesField}. */
export const labelChangesField = mapField(labelName, labelValue.nullable(), MAX_LABELS)

function mapField<V extends z.ZodType>(name: z.ZodString, value: V, maxEntries: number) {
  const map = z.record(name, value)
  // The cast keeps the map's own input type, which preprocess forgets.
  return z.preprocess((input, context) => checkNames(input, maxEntries, context), map) as unknown as typeof map
}

/** Looks before each name is checked: at how many there are, and for the one that a record would drop without a word. */
function checkNames(input: unknown, maxEntries: number, context: z.RefinementCtx): unknown {
  if (typeof input !== 'object' || input === null) return input
  if (Object.keys(input).length > maxEntries) {
    context.addIssue({ code: 'custom', message: `must have at most ${maxEntries} entries` })
  }
  if (Object.hasOwn(input, '__proto__')) {
    context.addIssue({ code: 'custom', path: ['__proto__'], message: 'is not a valid name: give it another' })
  }
  return input
}
