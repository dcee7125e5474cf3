/**
 * How a peer reaches registries for strangers: by the rules that hold for the traffic of jobs. A name is looked up
 * once for each connection, and the connection goes to an address that was checked, so that a name that means something
 * else a moment later gains nothing. See docs/decisions/0043-the-agent-pulls.md.
 */

import type { LookupAddress } from 'node:dns'
import { lookup as dnsLookup } from 'node:dns/promises'
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { type RequestOptions, request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { registryHost } from '../../protocol/image-registry.ts'
import { isOpenAddress } from '../network/open-address.ts'
import { RegistryFailure } from './failure.ts'

/** Which registries may be reached though they are inside, and how. */
export interface RegistryAccessInit {
  /**
   * Registries that may be inside the network: `HOST[:PORT]` as image references write them, with `http://` before it for
   * one without TLS. Read at each request. @default []
   */
  allow?: readonly string[]
  /** The owner's mirrors, which may be inside, too: with a path where they have one. @default [] */
  mirrors?: readonly string[]
  /** @default the system's */
  resolve?: (host: string) => Promise<LookupAddress[]>
  /** How long a server may take to begin its answer, in ms. Range 100..300_000. @default 20_000 */
  answerMs?: number
}

/** A request to a registry; none has a body. */
export interface RegistryRequest {
  method: 'GET' | 'HEAD'
  headers: Record<string, string>
  signal: AbortSignal
}

/** The one way to what strangers name. */
export interface RegistryAccess {
  /** Where a registry's API is, e.g. `https://ghcr.io/v2/`. */
  apiOf(host: string): URL
  /**
   * One request, whose answer is not read yet. Redirects are answered as they are.
   * @throws {RegistryFailure} `registry-not-allowed`, `registry-unreachable`, `registry-too-slow`
   */
  send(url: URL, request: RegistryRequest): Promise<IncomingMessage>
}

/** The most that a server may say in headers, in bytes. */
const MAX_HEADER_BYTES = 32 * 1024

/** Docker Hub's API is not at its name. */
const HUB_API = 'registry-1.docker.io'

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
export function createRegistryAccess(init: RegistryAccessInit = {}): RegistryAccess {
  const {
    allow = [],
    mirrors = [],
    resolve = async (host) => await dnsLookup(host, { all: true }),
    answerMs = 20_000,
  } = init

  /** As the owner wrote it: with its port, unless that is the usual one. */
  const isAllowed = ({ host }: URL): boolean => [...allow, ...mirrors].some((entry) => registryHost(entry) === host)
  const isPlain = (host: string): boolean =>
    isLoopback(host) || allow.some((entry) => entry.startsWith('http://') && registryHost(entry) === host)

  async function addressesOf(url: URL): Promise<LookupAddress[]> {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const family = isIP(host)
    const all = family === 0 ? await resolve(host) : [{ address: host, family }]
    if (isAllowed(url)) return all
    const open = all.filter(({ address }) => isOpenAddress(address, networkInterfaces()))
    if (open.length > 0 || all.length === 0) return open
    throw new RegistryFailure(
      'registry-not-allowed',
      `${url.host} is ${all[0]?.address}: allow it with --allow-registry`,
    )
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

  function open(url: URL, { method, headers, signal }: RegistryRequest): ClientRequest {
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
    apiOf(host) {
      const at = host === 'docker.io' ? HUB_API : host
      return new URL(`${isPlain(at) ? 'http' : 'https'}://${at}/v2/`)
    },
    async send(url, init) {
      if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isAllowed(url))) {
        throw new RegistryFailure('registry-not-allowed', `${url.host} is asked without TLS`)
      }
      // A literal address is connected to without a lookup.
      if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) await addressesOf(url)
      const late = AbortSignal.timeout(answerMs)
      const scope = new AbortController()
      const onLate = (): void => scope.abort(late.reason)
      late.addEventListener('abort', onLate, { once: true })
      try {
        const request = open(url, { ...init, signal: AbortSignal.any([init.signal, scope.signal]) })
        const { promise, resolve: answered, reject } = Promise.withResolvers<IncomingMessage>()
        request.once('response', answered).once('error', reject).end()
        const response = await promise
        // Whoever reads it hears of an error there; nobody else does.
        response.on('error', () => undefined)
        return response
      } catch (error) {
        init.signal.throwIfAborted()
        if (error instanceof RegistryFailure) throw error
        if (late.aborted) throw new RegistryFailure('registry-too-slow', `${url.host} did not answer in time`)
        throw new RegistryFailure('registry-unreachable', `${url.host}: ${codeOf(error)}`, { cause: error })
      } finally {
        late.removeEventListener('abort', onLate)
      }
    },
  }
}

/** Engines speak to a registry on loopback without TLS; people are used to it. */
function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
