/** What keeps a peer from joining, in one line each that names the flag and the way out. */

import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { connectProblem, listenProblem } from '../system-problem.ts'
import { isDialled, relayOf } from './addresses/dialled.ts'

/** A flag of a peer says what cannot be. */
class PeerOptionError extends Error {
  override readonly name = 'PeerOptionError'
  readonly code = 'PEER_OPTION'
}

const EXAMPLES = {
  listen: 'write it as /ip4/0.0.0.0/tcp/13100',
  announce: 'write what others reach, such as /ip4/203.0.113.9/tcp/13100',
  bootstrap: 'write where that peer is reached, such as /ip4/203.0.113.7/tcp/13100; a relay and a gateway print it',
} as const

/** @throws {PeerOptionError} where an address is none, or none that this program can use: TCP is all it speaks */
export function checkAddresses(init: { listen: string[]; announce: string[]; bootstrap: string[] }): void {
  for (const flag of ['listen', 'announce', 'bootstrap'] as const) {
    for (const text of init[flag]) {
      const address = parsed(text)
      if (address === null) throw new PeerOptionError(`--${flag} ${text} is no multiaddr: ${EXAMPLES[flag]}`)
      if (!isUsable(flag, address)) throw new PeerOptionError(`--${flag} ${text} cannot be used: ${EXAMPLES[flag]}`)
    }
  }
}

function parsed(text: string): Multiaddr | null {
  try {
    return multiaddr(text)
  } catch {
    return null
  }
}

function isUsable(flag: keyof typeof EXAMPLES, address: Multiaddr): boolean {
  if (flag === 'listen') return /^\/ip[46]\/[^/]+\/tcp\/\d+$/.test(address.toString())
  if (relayOf(address) !== undefined || address.toString().startsWith('/dnsaddr/')) return true
  return isDialled(address)
}

const LISTEN_FLAG = { port: ' with --listen', address: ' with --listen' }

/** Starts it, or puts away what was begun. @throws {PeerOptionError} of one line where it cannot listen as it was told */
export async function startHost(host: { start(): void | Promise<void> }, stop: () => Promise<void>): Promise<void> {
  try {
    await host.start()
  } catch (error) {
    await stop()
    throw listenError(error)
  }
}

function listenError(error: unknown): unknown {
  const [, address = '', code = ''] = /(\/ip[46]\/\S+): Error: listen (\w+)/.exec(String(error)) ?? []
  const problem = listenProblem(code, LISTEN_FLAG)
  if (problem === null) return error
  return new PeerOptionError(`Cannot listen on ${address}: ${problem}`, { cause: error })
}

const HANDSHAKE =
  /ECONNRESET|EPIPE|EncryptionFailed|UnexpectedEOF|Unexpected EOF|InvalidCrypto|Invalid|StreamReset|closed|varint|nonce/i

/**
 * Whether somebody answered, and the two did not come to terms: which may be for good, or because one of them had no time for
 * it; only another try tells.
 */
export function brokeInHandshake(error: unknown): boolean {
  const text = textOf(error)
  return connectProblem(text) === null && HANDSHAKE.test(text)
}

/** Why a bootstrap address was not reached, and what to do. @param isPrivate whether this peer has a network key */
export function bootstrapProblem(address: string, error: unknown, isPrivate: boolean): string {
  const text = textOf(error)
  const check = 'check --bootstrap, and that a peer listens there'
  const known = connectProblem(text)
  if (known !== null) return `${address}: ${known}: ${check}`
  if (/connection error|Connection timeout/.test(text)) return `${address} is not reached: ${check}`
  if (/ERR_IP_BLOCKED|gater/.test(text)) return `${address} is never dialled: give another --bootstrap`
  if (HANDSHAKE.test(text)) {
    const key = isPrivate
      ? 'another --network-key than this one, or none'
      : 'a --network-key, which this peer was not given'
    return `${address} answers, and not as a peer of this network: it may have ${key}`
  }
  return `${address} does not answer: ${check}, and that both have the same --network-key`
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? ` ${String(error.code)}` : ''
  return `${error.name}${code} ${error.message}${error.cause === undefined ? '' : `; ${textOf(error.cause)}`}`
}
