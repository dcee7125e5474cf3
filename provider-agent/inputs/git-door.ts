/**
 * A door of this process on loopback, through which the program git reaches one repository and nothing else: what it asks there is
 * asked of the repository's server by the rules of what strangers name. See docs/decisions/0086-inputs-from-git.md.
 */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../node/clock.ts'
import { isForNow, type Outside, OutsideError } from '../../node/network/outside.ts'
import { DataError } from './data-error.ts'
import { pieces } from './patience.ts'

const SERVICE = 'git-upload-pack'
const REDIRECTS = [301, 302, 303, 307, 308]
const MAX_REDIRECTS = 5
/** What git says to have one commit, in bytes: it has a few hundred, and more where there are many branches. */
const MAX_ASKED_BYTES = 2 ** 20
const PASSED_ON = ['content-type', 'content-encoding', 'git-protocol', 'accept']

/** What is behind it, and what is told of what goes through. */
export interface GitDoorInit {
  /** Of the repository. */
  url: string
  /** What opens it; null where everybody may read it. Sent to the host of the URL alone. */
  token: string | null
  /** Of the input, for the job's owner. */
  path: string
  /** Begins what is told of it. */
  about: string
  /** A server may send nothing for so long, in ms. */
  idleMs: number
  /** Told of bytes before they go on. @throws where there are too many, or it takes too long */
  came: (bytes: number) => Promise<void>
}

/** Open until it is closed. */
export interface GitDoor {
  /** What git is told to be the repository. */
  url: string
  /** Why something was not brought; null where all was. */
  problem(): unknown
  close(): Promise<void>
}

/** @param signal ends what is on its way */
export async function openGitDoor(
  { outside, clock }: { outside: Outside; clock: Clock },
  { url, token, path, about, idleMs, came }: GitDoorInit,
  signal: AbortSignal,
): Promise<GitDoor> {
  const secret = `/${randomUUID()}`
  const { host } = new URL(url)
  let base = new URL(url.replace(/\/+$/, ''))
  let problem: unknown = null
  const notGiven = (said: string) => new DataError('git-not-given', path, `${about}${said}`)

  /** Whose end is the repository's: where a server leads on, it is asked there from then on. */
  async function ask(request: IncomingMessage, rest: string, body: Buffer | null) {
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const at = new URL(`${base.href}${rest}`)
      const headers = { ...headersOf(request, body), ...(token !== null && at.host === host && authorization(token)) }
      const method = body === null ? 'GET' : 'POST'
      const answer = await outside.send(at, { method, headers, signal, ...(body !== null && { body }) })
      const { statusCode = 0, headers: said } = answer
      if (statusCode === 200) return answer
      answer.destroy()
      if (!REDIRECTS.includes(statusCode) || body !== null) throw refusal(statusCode, at.host, { path, about })
      const to = URL.canParse(said.location ?? '', at.href) ? new URL(said.location ?? '', at).href : ''
      if (!to.endsWith(rest)) throw notGiven(`${at.host} leads elsewhere`)
      base = new URL(to.slice(0, -rest.length))
      if (base.username !== '' || base.password !== '') throw notGiven(`${at.host} leads on with a password`)
    }
    throw notGiven(`${host} leads on without end`)
  }

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const rest = request.url?.startsWith(secret) === true ? request.url.slice(secret.length) : ''
    const isLook = request.method === 'GET' && rest === `/info/refs?service=${SERVICE}`
    const isFetch = request.method === 'POST' && rest === `/${SERVICE}`
    if (!isLook && !isFetch) return void response.writeHead(404).end()
    const answer = await ask(request, rest, isFetch ? await bodyOf(request) : null)
    try {
      const type = `application/x-${SERVICE}-${isLook ? 'advertisement' : 'result'}`
      // Git would look for a repository among the files of a plain server.
      if (answer.headers['content-type'] !== type) throw notGiven(`${host} does not speak git`)
      response.writeHead(200, { 'content-type': type })
      for await (const piece of pieces(answer, clock, idleMs)) {
        await came(piece.length)
        if (!response.write(piece)) await once(response, 'drain', { signal })
      }
      response.end()
    } finally {
      answer.destroy()
    }
  }

  const server = createServer((request, response) => {
    pass(request, response).catch((error: unknown) => {
      problem ??= error
      response.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening', { signal })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${secret}`,
    problem: () => problem,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function headersOf({ headers }: IncomingMessage, body: Buffer | null): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : []))
  const length = body === null ? {} : { 'content-length': String(body.length) }
  // Servers tell git from browsers by that.
  return { ...Object.fromEntries(passed), ...length, 'accept-encoding': 'identity', 'user-agent': 'git/cortex-node' }
}

/** Servers look at the token, and at no name beside it. */
function authorization(token: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}` }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ASKED_BYTES) throw new Error('git asks too much')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function refusal(status: number, host: string, { path, about }: { path: string; about: string }): Error {
  if (isForNow(status)) return new OutsideError('unreachable', `${host} answered ${status}`)
  const reason =
    status === 404 || status === 410 ? 'git-not-found' : [401, 403].includes(status) ? 'git-refused' : 'git-not-given'
  return new DataError(reason, path, `${about}${host} answered ${status}`)
}
