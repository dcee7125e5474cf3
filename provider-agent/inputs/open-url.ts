/** Asks for what a stranger's URL names, and follows where that leads; each step by the rules of jobs' own traffic. */

import type { IncomingMessage } from 'node:http'
import { isForNow, type Outside, OutsideError } from '../../node/network/outside.ts'
import { DataError } from './data-error.ts'

/** Stores are sent on to once, rarely twice. */
const MAX_REDIRECTS = 5
const REDIRECTS = [301, 302, 303, 307, 308]

/** A URL to be asked. */
export interface Asked {
  url: string
  /** Whether what comes is checked by its digest: then nobody on the way can change it, and no TLS is needed. */
  isChecked: boolean
  headers: Record<string, string>
  /** Of the input, for the job's owner. */
  path: string
}

/**
 * An answer of status 200, 206 or 416, which is not read yet. Nothing is sent but the URL: no cookie, no name, no referrer.
 *
 * @throws {DataError} `url-not-given`, `url-not-allowed` @throws {OutsideError} where another try may do better
 */
export async function openUrl(outside: Outside, asked: Asked, signal: AbortSignal): Promise<IncomingMessage> {
  const { path, isChecked: plain } = asked
  const headers = { ...asked.headers, accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'cortex-node' }
  let at = new URL(asked.url)
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const answer = await outside.send(at, { method: 'GET', headers, signal, plain }).catch((error: unknown) => {
      throw final(error, at, path)
    })
    const { statusCode = 0, headers: said } = answer
    if ([200, 206, 416].includes(statusCode)) return answer
    answer.destroy()
    if (!REDIRECTS.includes(statusCode) || said.location === undefined) throw refusal(statusCode, at, path)
    if (!URL.canParse(said.location, at.href)) throw notGiven(at, path, 'leads to no address')
    at = new URL(said.location, at)
    if (at.username !== '' || at.password !== '') throw notGiven(at, path, 'is led to with a password')
  }
  throw notGiven(at, path, 'leads on without end')
}

/** Of the owner's network nothing is told but that it is that. */
function final(error: unknown, at: URL, path: string): unknown {
  if (!(error instanceof OutsideError)) return error
  if (error.code === 'no-tls') return notGiven(at, path, 'is led to without TLS, and there is no sha256')
  return error.code === 'not-open' ? new DataError('url-not-allowed', path, at.host) : error
}

function refusal(status: number, at: URL, path: string): Error {
  if (isForNow(status)) return new OutsideError('unreachable', `${at.host} answered ${status}`)
  return notGiven(at, path, `answered ${status}`)
}

function notGiven({ host }: URL, path: string, said: string): DataError {
  return new DataError('url-not-given', path, `${host} ${said}`)
}
