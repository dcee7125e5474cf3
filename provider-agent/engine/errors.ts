import { type PullFailure, RegistryFailure } from '../../node/registry/failure.ts'
import { pullFailure } from '../../protocol/failures.ts'
import { EngineError, type EngineErrorCode } from './index.ts'
import { reasonOfWords } from './invalid-command.ts'

/** The fields that errors of dockerode and of the sockets under it have. */
interface RawError {
  message: string
  /** HTTP status of the engine's answer. */
  statusCode?: number
  /** Body of the engine's answer. */
  json?: { message?: string } | null
  /** e.g. `ECONNREFUSED`. */
  code?: string
}

interface Rule {
  pattern: RegExp
  code: EngineErrorCode
  details: Record<string, string>
}

/** What the engine's words mean, first match first. Matched by text because the engine gives nothing else. */
const rules: Rule[] = [
  // The runtime itself did not start, or ended without a word: it is not the container's program that is missing.
  {
    pattern: /unable to retrieve OCI runtime error|: fork\/exec /i,
    code: 'ENGINE_ERROR',
    details: { reason: 'runtime' },
  },
  {
    pattern:
      /executable file .*not found|exec(ve)?:? .*(no such file|not a directory|permission denied|operation not permitted|is a directory|exec format error)/is,
    code: 'INVALID_COMMAND',
    details: {},
  },
  { pattern: /no command specified/i, code: 'INVALID_COMMAND', details: { reason: 'no-command' } },
  {
    pattern: /range of cpus|cpu.*not available/i,
    code: 'RESOURCE_LIMIT_EXCEEDED',
    details: { reason: 'not-as-offered', resource: 'cpu' },
  },
  {
    pattern: /minimum memory limit/i,
    code: 'RESOURCE_LIMIT_EXCEEDED',
    details: { reason: 'too-little-memory', resource: 'memory' },
  },
  {
    pattern: /could not select device driver/i,
    code: 'RESOURCE_LIMIT_EXCEEDED',
    details: { reason: 'not-as-offered', resource: 'gpu' },
  },
  {
    pattern: /no space left on device|disk quota/i,
    code: 'RESOURCE_LIMIT_EXCEEDED',
    details: { reason: 'no-space', resource: 'storage' },
  },
  {
    pattern: /unable to find (user|group) |uids and gids must be/i,
    code: 'INVALID_COMMAND',
    details: { reason: 'no-such-user' },
  },
  {
    pattern:
      /cannot mkdir: |cwd must be an absolute path|(caused|container (init|process)): mkdir |chdir to cwd|^lstat \S+: not a directory/i,
    code: 'INVALID_COMMAND',
    details: { reason: 'bad-workdir' },
  },
  // A job's own environment has no such names: it is the image's, and one that the engine was not given by this program.
  {
    pattern: /environment variable (name|value) can't|invalid environment variable/i,
    code: 'IMAGE_PULL_ERROR',
    details: { reason: 'invalid-image' },
  },
  // Docker knows of it, and of an image whose ports are so.
  { pattern: /protocol SCTP is not allowed/i, code: 'IMAGE_PULL_ERROR', details: { reason: 'unknown' } },
  // A job's own stop signal and ports are none of these: they are the image's, and Podman's words.
  {
    pattern: /invalid signal: |stop signal cannot be|validating protocols for exposed port|convert image EXPOSE/i,
    code: 'IMAGE_PULL_ERROR',
    details: { reason: 'invalid-image' },
  },
  { pattern: /no such image/i, code: 'IMAGE_PULL_ERROR', details: { reason: 'never-present' } },
]

/** Codes of a socket on whose other end no engine is. */
const goneCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EACCES', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'])

/** What went wrong as an {@link EngineError}; one that already is stays as it is. */
export function toEngineError(error: unknown, doing: string): EngineError {
  if (error instanceof EngineError) return error
  const raw = error as RawError
  const cause = { cause: error }
  if (cutOff(raw)) {
    return new EngineError(
      'ENGINE_UNAVAILABLE',
      `the container engine does not answer (${raw.code ?? 'closed'})`,
      {},
      cause,
    )
  }
  const text = engineText(raw)
  const rule = rules.find(({ pattern }) => pattern.test(text))
  if (rule?.code === 'INVALID_COMMAND') {
    const reason = rule.details.reason ?? reasonOfWords(text)
    const told = reason === 'bad-workdir' ? { told: workdirProblem(text) } : {}
    return new EngineError(rule.code, `${doing}: ${text}`, { reason }, { ...cause, ...told })
  }
  if (rule) return new EngineError(rule.code, `${doing}: ${text}`, { ...rule.details }, cause)
  if (raw.statusCode === 404)
    return new EngineError('ENGINE_ERROR', `${doing}: ${text}`, { reason: 'not-found' }, cause)
  const details = raw.statusCode === undefined ? {} : { status: raw.statusCode }
  return new EngineError('ENGINE_ERROR', `${doing}: ${text}`, details, cause)
}

/** What the job is told of its working folder: an engine's words may name the machine's own folders. */
function workdirProblem(text: string): string {
  if (/not a directory/i.test(text)) return 'The working folder, or what it lies in, is a file and no folder.'
  if (/permission denied/i.test(text)) return 'The program’s user may not enter the working folder.'
  if (/absolute path/i.test(text)) return 'The working folder is no path from the root of the container.'
  return 'There is no such working folder, and it could not be made.'
}

/** What went wrong with a pull. Where the engine itself is gone, that is said instead. */
export function toPullError(error: unknown, image: string): EngineError {
  if (error instanceof EngineError) return error
  if (cutOff(error as RawError)) return toEngineError(error, `pulling ${image}`)
  const reason = error instanceof RegistryFailure ? error.reason : loadFailure(engineText(error as RawError))
  return pullError(reason, image, { cause: error })
}

/**
 * What engines say of an image that none of them takes: of its configuration, and of its layers. An archive that only
 * this machine may not unpack, e.g. for a user that its engine does not have, is not among them.
 */
const INVALID_IMAGE = [
  /cannot unmarshal|parsing time|invalid character '|layers in history/i,
  new RegExp(
    [
      '(processing tar file|archive/tar|mount callback failed).*',
      '(no such file or directory|(not|is) a directory|file exists|file name too long|too many levels of symbolic links',
      '|unexpected EOF|invalid (tar header|symlink|hardlink))',
    ].join(''),
    // Podman tells what else it has tried on lines of their own.
    'i',
  ),
]

/** The reason behind what an engine says of an image that it was given. */
function loadFailure(text: string): PullFailure {
  if (/no space left on device|disk quota/i.test(text)) return 'no-space'
  return INVALID_IMAGE.some((pattern) => pattern.test(text)) ? 'invalid-image' : 'unknown'
}

/** `IMAGE_PULL_ERROR` with the reason and the image; `told` is the sentence that goes with that reason. */
export function pullError(reason: PullFailure, image: string, options?: ErrorOptions): EngineError {
  const details = { reason, image }
  const { message: told } = pullFailure(image, details)
  return new EngineError('IMAGE_PULL_ERROR', `image ${image}: ${reason}`, details, { ...options, told })
}

/** Status of the engine's answer, or null where there was none. */
export function statusOf(error: unknown): number | null {
  return (error as RawError | null)?.statusCode ?? null
}

/** What the engine said, without what dockerode puts around it. */
function engineText(error: RawError): string {
  const text = error.json?.message ?? error.message ?? String(error)
  return text
    .replace(/^\(HTTP code \d+\) [^-]* - /, '')
    .trim()
    .slice(0, 2_000)
}

function cutOff(error: RawError): boolean {
  if (error.statusCode !== undefined) return false
  return goneCodes.has(error.code ?? '') || /socket hang up|^aborted$/.test(error.message ?? '')
}

/** The engine does not offer what the owner named. */
export function noRuntime(runtime: string, runtimes: string[]): EngineError {
  return new EngineError('ENGINE_ERROR', `the engine has no runtime ${runtime}: it has ${runtimes.join(', ')}`, {
    reason: 'no-runtime',
  })
}

/** Whether the engine could not do what was asked, though nothing is known to be wrong with that. */
export function isOwnFault(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'ENGINE_ERROR'
}

/** Whether the engine cannot be asked at the moment. */
export function isGone(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'ENGINE_UNAVAILABLE'
}
