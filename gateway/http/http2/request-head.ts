/** The head of a request as HTTP/1.1 has it. */
export interface RequestHead {
  method: string
  path: string
  /** Names and values one after the other, the host first. */
  headers: string[]
  /** What the client says that its body has; null where it does not. */
  bodyBytes: number | null
}

/** A head that no request has; the message says what is wrong. */
export class HeadError extends Error {
  override readonly name = 'HeadError'
}

/** What speaks of one connection, and has no place in a request by HTTP/2 (RFC 9113, 8.2.2). */
export const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** Nothing of what ends a line, or a text in C. */
const VALUE = /^[^\0\r\n]*$/
const METHOD = /^[A-Z][A-Z-]{0,31}$/
const PATH = /^\/[\x21-\x7e\x80-\xff]*$/
const AUTHORITY = /^[^\s@/?#\\,]+$/
/** In bytes. */
const MAX_BODY_OF_GET = 64 * 1024
const LENGTH = /^\d{1,15}$/

/**
 * @param raw names and values one after the other, as they came
 * @param isWhole whether no body follows
 * @throws {HeadError}
 */
export function requestHead(raw: readonly string[], isWhole: boolean): RequestHead {
  const pseudo = new Map<string, string>()
  const headers: string[] = []
  const cookies: string[] = []
  const lengths: string[] = []
  const hosts: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    if (!VALUE.test(value)) throw new HeadError('A header has a value of several lines')
    if (name.startsWith(':')) {
      if (pseudo.has(name)) throw new HeadError(`Send ${name} once`)
      pseudo.set(name, value)
    } else if (!NAME.test(name)) throw new HeadError('A header has a name that is none')
    else if (OF_A_CONNECTION.has(name)) throw new HeadError(`HTTP/2 has no header ${name}`)
    else if (name === 'te') assert(value.toLowerCase() === 'trailers', 'HTTP/2 takes te: trailers alone')
    else if (name === 'cookie') cookies.push(value)
    else if (name === 'content-length') lengths.push(value)
    else if (name === 'host') hosts.push(value)
    else if (name !== 'trailer') headers.push(name, value)
  }
  const host = hostOf(pseudo.get(':authority'), hosts)
  const bodyBytes = lengthOf(lengths, isWhole)
  const { method, path } = targetOf(pseudo)
  if (!isWhole && (method === 'GET' || method === 'HEAD')) {
    // Nobody has to read it: it would wait here for as long as the client likes.
    assert(
      (bodyBytes ?? Number.POSITIVE_INFINITY) <= MAX_BODY_OF_GET,
      `A ${method} with a body says its content-length, ${MAX_BODY_OF_GET} at most`,
    )
  }
  if (cookies.length > 0) headers.push('cookie', cookies.join('; '))
  return { method, path, headers: ['host', host, ...headers, ...framing(bodyBytes, isWhole)], bodyBytes }
}

function targetOf(pseudo: ReadonlyMap<string, string>): { method: string; path: string } {
  const [method = '', path = ''] = [pseudo.get(':method'), pseudo.get(':path')]
  for (const name of pseudo.keys()) assert(PSEUDO.has(name), 'A request has :method, :scheme, :authority and :path')
  assert(METHOD.test(method) && method !== 'CONNECT', 'There is no such :method here')
  assert(pseudo.get(':scheme') === 'https', 'The :scheme is https')
  assert(PATH.test(path) || (path === '*' && method === 'OPTIONS'), 'The :path begins with a slash')
  return { method, path }
}

const PSEUDO = new Set([':authority', ':method', ':path', ':scheme'])

function hostOf(authority: string | undefined, hosts: readonly string[]): string {
  const [host = authority] = hosts
  const same = host?.toLowerCase() === (authority ?? host)?.toLowerCase()
  // Of two, one may be for what stands between and the other for here.
  assert(host !== undefined && hosts.length <= 1 && same, 'Send one host, as :authority')
  assert(AUTHORITY.test(host), 'The :authority is a host, and a port where it has one')
  return host
}

function lengthOf(lengths: readonly string[], isWhole: boolean): number | null {
  const [length] = lengths
  if (length === undefined) return null
  assert(lengths.length === 1 && LENGTH.test(length), 'Send one content-length, a number')
  assert(!isWhole || Number(length) === 0, 'The body is shorter than its content-length')
  return Number(length)
}

/** Where a body ends is said in any case: what follows it would be read as another request. */
function framing(bodyBytes: number | null, isWhole: boolean): string[] {
  if (isWhole) return ['content-length', '0']
  return bodyBytes === null ? ['transfer-encoding', 'chunked'] : ['content-length', String(bodyBytes)]
}

function assert(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new HeadError(problem)
}
