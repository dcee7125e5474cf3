/** What a key or a session can hold open at a job, for tests of what ends it; see {@link openAll}. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { WebSocket } from 'ws'

/** Where it is opened: a running job whose ports 8080 to 8082 are exposed. */
export interface HeldOpenInit {
  /** Of the gateway. */
  url: string
  id: string
  /** The cookie that a link to a port gives, whole. */
  cookieOf(link: string): Promise<string>
}

/** Resolves once the other side has ended a connection; it is not left waiting for more than the test's own time. */
async function closed(socket: WebSocket): Promise<number> {
  const [code] = await once(socket, 'close')
  return code as number
}

/** Everything that a key or a session can hold open, each with what resolves when it is over. */
export async function openAll(
  { url: gateway, id, cookieOf }: HeldOpenInit,
  key: string,
  cookie: string | null,
): Promise<Record<string, Promise<unknown>>> {
  const base = `${gateway}/api/plugin-core/jobs/${id}`
  const who = cookie === null ? { Authorization: `Bearer ${key}` } : { Cookie: cookie, Origin: gateway }
  const post = async (path: string, body: object) => {
    const headers = { ...who, 'Content-Type': 'application/json' }
    const answer = await fetch(`${base}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return ((await answer.json()) as { data: { url: string } }).data.url
  }
  const socket = async (url: string, headers: Record<string, string> = who) => {
    const opened = new WebSocket(url.replace('http', 'ws'), { headers })
    await once(opened, 'open')
    opened.on('error', () => undefined)
    return opened
  }
  const shell = await socket(await post('/exec', { command: ['cat'], interactive: true }), {})
  const events = await fetch(`${base}/events?follow=true`, { headers: who })
  const channel = await socket(`${gateway}/ws`)
  const link = await post('/links', { port: 8081 })
  const portCookie = await cookieOf(link)
  const { host, port } = new URL(link)
  const page = connect({ host: '127.0.0.1', port: Number(port) })
  page.on('error', () => undefined)
  page.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nCookie: ${portCookie.split(';')[0]}\r\n`)
  page.write('Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
  assert.match(String((await once(page, 'data'))[0]), /^HTTP\/1\.1 101 /)
  page.resume()
  const all: Record<string, Promise<unknown>> = {
    shell: closed(shell),
    events: events.text().catch(() => undefined),
    channel: closed(channel),
    page: once(page, 'close'),
  }
  if (cookie === null) {
    all.tunnel = closed(await socket(`${base}/tunnel/8082`))
    const inTurn = await socket(`${base}/tunnel/ahead`)
    inTurn.send('8082')
    inTurn.send(Buffer.from('.'))
    assert.equal(String((await once(inTurn, 'message'))[0]), '.')
    all.tunnels = closed(inTurn)
    all.command = post('/exec', { command: ['sleep', '61'], timeout: 60 }).catch(() => undefined)
    const slow = await fetch(`${base}/proxy/8080/cgi-bin/slow`, { headers: who })
    all.request = slow.text().catch(() => undefined)
  }
  return all
}

/** Which of them are over, at the moment. */
export function watch(all: Record<string, Promise<unknown>>): () => string[] {
  const over = new Set<string>()
  for (const [name, promise] of Object.entries(all)) void promise.then(() => over.add(name))
  return () => Object.keys(all).filter((name) => !over.has(name))
}
