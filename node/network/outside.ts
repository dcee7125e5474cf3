/**
 * How a peer reaches what strangers name: by the rules that hold for the traffic of jobs. A name is looked up once for each
 * connection, and the connection goes to an address that was checked, so that a name that means something else a moment later
 * gains nothing. See docs/decisions/0043-the-agent-pulls.md.
 */

import type { LookupAddress } from 'node:dns'
import { lookup as dnsLookup } from 'node:dns/promises'
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { type RequestOptions, request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { isOpenAddress } from './open-address.ts'

/** Why a request was not answered. The message is for this machine's owner: it may say what is inside of its network. */
export class OutsideError extends Error {
  override readonly name = 'OutsideError'
  /** `not-open`: it is inside of this machine's network; `no-tls`: it is to be asked in the clear. */
  readonly code: 'not-open' | 'no-tls' | 'unreachable' | 'too-slow'

  constructor(code: OutsideError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whether an answer of this status says: not now. Another try may do better, as where there was no answer. */
export function isForNow(statusCode: number): boolean {
  return statusCode >= 500 || [408, 425, 429].includes(statusCode)
}

/** What may be reached, and how. */
export interface OutsideInit {
  /** Whether the owner lets this one be reached wherever it is. Asked at each connection. @default none */
  isAllowed?: (url: URL) => boolean
  /** @default the system's */
  resolve?: (host: string) => Promise<LookupAddress[]>
  /** How long a server may take to begin its answer once it has the request, or to take the next piece of one, in ms. Range 100..300_000. @default 20_000 */
  answerMs?: number
}

/** A request. */
export interface OutsideRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  headers: Record<string, string>
  signal: AbortSignal
  /** What is sent with it, as `content-length` among the headers says. It is read once. @default nothing */
  body?: Uint8Array | Readable
  /** Whether it may be asked without TLS; `allowed`: where the owner lets this one be reached wherever it is. @default false */
  plain?: boolean | 'allowed'
}

/** A server's answer: its reader destroys it. */
export type OutsideAnswer = IncomingMessage

/** The one way to what strangers name. */
export interface Outside {
  /** One request, whose answer is not read yet. Redirects are answered as they are. @throws {OutsideError} */
  send(url: URL, request: OutsideRequest): Promise<OutsideAnswer>
}

/** The most that a server may say in headers, in bytes. */
const MAX_HEADER_BYTES = 32 * 1024

let trust: SecureContext | undefined

/**
 * What the machine trusts beside what Node does, as engines do. Read and parsed once, since that takes some 50 ms of
 * the loop each time: call it before anybody waits.
 */
export function trusted(): SecureContext {
  const authorities = () => [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
  trust ??= createSecureContext({ ca: authorities() })
  return trust
}

/** Connects to nothing by itself. */
export function createOutside(init: OutsideInit = {}): Outside {
  const { isAllowed = () => false, resolve = systemResolve, answerMs = 20_000 } = init

  async function addressesOf(url: URL): Promise<LookupAddress[]> {
    const host = plainHost(url)
    const family = isIP(host)
    const all = family === 0 ? await resolve(host) : [{ address: host, family }]
    if (isAllowed(url)) return all
    const open = all.filter(({ address }) => isOpenAddress(address, networkInterfaces()))
    if (open.length > 0 || all.length === 0) return open
    throw new OutsideError('not-open', `${url.host} is ${all[0]?.address}`)
  }

  function lookupOf(url: URL): LookupFunction {
    return (_host, options, callback) => {
      addressesOf(url).then(
        (addresses) => {
          const [first] = addresses
          if (first === undefined) callback(new Error(`${url.hostname} has no address`), '', 0)
          else if (options.all === true) callback(null, addresses)
          else callback(null, first.address, first.family)
        },
        (error: Error) => callback(error, '', 0),
      )
    }
  }

  function open(url: URL, { method, headers, signal }: OutsideRequest): ClientRequest {
    const options = {
      ...{ method, headers, signal, agent: false as const, lookup: lookupOf(url) },
      ...{ maxHeaderSize: MAX_HEADER_BYTES, insecureHTTPParser: false },
    }
    if (url.protocol === 'http:') return requestHttp(url, options)
    // An option of the connection, which the types of the request leave out.
    const secured: RequestOptions & { secureContext: SecureContext } = { ...options, secureContext: trusted() }
    return requestHttps(url, secured)
  }

  return {
    async send(url, init) {
      const mayBePlain = init.plain === 'allowed' ? isAllowed(url) : init.plain === true
      if (url.protocol !== 'https:' && !(url.protocol === 'http:' && mayBePlain)) {
        throw new OutsideError('no-tls', `${url.host} is asked without TLS`)
      }
      // A literal address is connected to without a lookup.
      if (isIP(plainHost(url)) !== 0) await addressesOf(url)
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(), answerMs)
      try {
        const request = open(url, { ...init, signal: AbortSignal.any([init.signal, late.signal]) })
        const { promise, resolve: answered, reject } = Promise.withResolvers<IncomingMessage>()
        request.once('response', answered).on('error', reject)
        const moved = (): void => void timer.refresh()
        request.once('finish', moved)
        sendBody(request, init.body, moved).catch(reject)
        const response = await promise
        // Whoever reads it hears of an error there; nobody else does.
        response.on('error', () => undefined)
        return response
      } catch (error) {
        init.signal.throwIfAborted()
        if (error instanceof OutsideError) throw error
        if (late.signal.aborted) throw new OutsideError('too-slow', `${url.host} did not answer in time`)
        throw new OutsideError('unreachable', `${url.host}: ${codeOf(error)}`, { cause: error })
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** @param moved told of each piece that was taken */
async function sendBody(request: ClientRequest, body: OutsideRequest['body'], moved: () => void): Promise<void> {
  if (!(body instanceof Readable)) return void request.end(body)
  const pieces = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      moved()
      yield piece
    }
  }
  await pipeline(body, pieces, request)
}

async function systemResolve(host: string): Promise<LookupAddress[]> {
  return await dnsLookup(host, { all: true })
}

/** As a lookup takes it. */
function plainHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
