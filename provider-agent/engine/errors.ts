import { EngineError, type EngineErrorCode } from './index.ts'

/** What an `IMAGE_PULL_ERROR` says in `details.reason`. Append-only: it crosses the wire. */
export type PullFailure =
  /** Name or tag; the registry does not say which. */
  | 'not-found'
  | 'unauthorized'
  | 'registry-unreachable'
  | 'rate-limited'
  | 'wrong-architecture'
  | 'no-space'
  | 'never-present'
  | 'invalid-reference'
  | 'unknown'
  | 'repository-not-found'
  /** The repository is there. */
  | 'tag-not-found'

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
  {
    pattern: /executable file not found|exec:? .*(no such file or directory|permission denied|is a directory)/i,
    code: 'INVALID_COMMAND',
    details: { reason: 'not-executable' },
  },
  { pattern: /exec format error/i, code: 'INVALID_COMMAND', details: { reason: 'wrong-architecture' } },
  { pattern: /no command specified/i, code: 'INVALID_COMMAND', details: { reason: 'no-command' } },
  { pattern: /range of cpus|cpu.*not available/i, code: 'RESOURCE_LIMIT_EXCEEDED', details: { resource: 'cpu' } },
  { pattern: /minimum memory limit/i, code: 'RESOURCE_LIMIT_EXCEEDED', details: { resource: 'memory' } },
  { pattern: /could not select device driver/i, code: 'RESOURCE_LIMIT_EXCEEDED', details: { resource: 'gpu' } },
  { pattern: /no space left on device|disk quota/i, code: 'RESOURCE_LIMIT_EXCEEDED', details: { resource: 'storage' } },
  { pattern: /no such image/i, code: 'IMAGE_PULL_ERROR', details: { reason: 'never-present' } },
]

/** What a failed pull was about, first match first. The order matters: a reply that names two causes means the first. */
const pullRules: [RegExp, PullFailure][] = [
  [/toomanyrequests|rate limit|\b429\b/i, 'rate-limited'],
  [/no space left on device|disk quota/i, 'no-space'],
  [/no matching manifest|does not match the specified platform|cannot be used on this platform/i, 'wrong-architecture'],
  [/invalid reference format|must be lowercase|invalid repository name/i, 'invalid-reference'],
  [/repository does not exist or may require|name unknown/i, 'repository-not-found'],
  [/manifest .*not found|manifest unknown/i, 'not-found'],
  [
    /unauthorized|authentication required|no basic auth credentials|incorrect username|denied|forbidden/i,
    'unauthorized',
  ],
  [
    /dial tcp|no such host|connection (refused|reset)|timeout|timed out|deadline exceeded|unreachable|x509|\btls\b|\bEOF\b|HTTP response to HTTPS|server misbehaving|network is|received unexpected HTTP status: 5/i,
    'registry-unreachable',
  ],
  [/not found/i, 'not-found'],
]

/** Codes of a socket on whose other end no engine is. */
const goneCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EACCES', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'])

/** What went wrong as an {@link EngineError}; one that already is stays as it is. */
export function toEngineError(error: unknown, doing: string): EngineError {
  if (error instanceof EngineError) return error
  const raw = error as RawError
  const cause = { cause: error }
  if (isGone(raw)) {
    return new EngineError(
      'ENGINE_UNAVAILABLE',
      `the container engine does not answer (${raw.code ?? 'closed'})`,
      {},
      cause,
    )
  }
  const text = engineText(raw)
  const rule = rules.find(({ pattern }) => pattern.test(text))
  if (rule) return new EngineError(rule.code, `${doing}: ${text}`, { ...rule.details }, cause)
  if (raw.statusCode === 404)
    return new EngineError('ENGINE_ERROR', `${doing}: ${text}`, { reason: 'not-found' }, cause)
  const details = raw.statusCode === undefined ? {} : { status: raw.statusCode }
  return new EngineError('ENGINE_ERROR', `${doing}: ${text}`, details, cause)
}

/** What went wrong with a pull. Where the engine itself is gone, that is said instead. */
export function toPullError(error: unknown, image: string, withCredentials: boolean): EngineError {
  if (error instanceof EngineError) return error
  if (isGone(error as RawError)) return toEngineError(error, `pulling ${image}`)
  const text = engineText(error as RawError)
  return pullError(classifyPull(text, withCredentials), image, text, { cause: error })
}

/** The reason behind the words of an engine or a registry. */
export function classifyPull(text: string, withCredentials: boolean): PullFailure {
  const reason = pullRules.find(([pattern]) => pattern.test(text))?.[1] ?? 'unknown'
  // Docker Hub says the same of what is missing and of what is private. With credentials, the likelier is the second.
  return reason === 'repository-not-found' && withCredentials && /may require/i.test(text) ? 'unauthorized' : reason
}

export function pullError(reason: PullFailure, image: string, text: string, options?: ErrorOptions): EngineError {
  return new EngineError('IMAGE_PULL_ERROR', `image ${image}: ${text}`, { reason, image }, options)
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

function isGone(error: RawError): boolean {
  if (error.statusCode !== undefined) return false
  return goneCodes.has(error.code ?? '') || /socket hang up|^aborted$/.test(error.message ?? '')
}
