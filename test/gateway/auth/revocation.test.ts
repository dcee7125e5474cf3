/** What is under way in a key's name when that key is revoked: bodies that arrive, and files that are sent. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { it } from 'node:test'
import { Hono } from 'hono'
import { createRevocation } from '../../../gateway/auth/revocation.ts'
import { createAnswers } from '../../../gateway/events/answers.ts'
import type { GatewayEnv } from '../../../gateway/http/context.ts'
import { createGateway } from '../../../gateway/index.ts'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { openRaw, requestText } from '../support/raw.ts'
import { openTestNode } from '../support/test-node.ts'

it('a body whose key is revoked while it arrives does nothing', async (test) => {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-held-'))
  const { node, close } = await openTestNode()
  const gateway = createGateway({ node, logger: silentLogger }, { folder, port: 0 })
  await gateway.start()
  test.after(async () => {
    await gateway.stop()
    await close()
    await rm(folder, { recursive: true })
  })
  const keys = `${gateway.url()}/api/auth/keys`
  const admin = { Authorization: `Bearer ${gateway.adminKey().text}`, 'Content-Type': 'application/json' }
  const made = await fetch(keys, { method: 'POST', headers: admin, body: JSON.stringify({ name: 'x' }) })
  const { data: key } = (await made.json()) as { data: { id: string; key: string } }
  const body = JSON.stringify({ image: 'busybox' })
  const headers = {
    ...{ Authorization: `Bearer ${key.key}`, 'Content-Type': 'application/json', Expect: '100-continue' },
    'Content-Length': String(body.length),
  }
  const raw = await openRaw(gateway.url(), requestText('POST', '/api/plugin-core/jobs', headers))
  test.after(() => raw.socket.destroy())
  // From here on the gateway has taken the request, in the name of its key, and waits for the body.
  while (!raw.text().startsWith('HTTP/1.1 100 ')) await once(raw.socket, 'data')
  await fetch(`${keys}/${key.id}`, { method: 'DELETE', headers: admin })
  raw.send(body)
  while (!/\r\nHTTP\/1\.1 \d{3} /.test(raw.text())) await once(raw.socket, 'data')
  assert.match(raw.text(), /\r\nHTTP\/1\.1 401 /)
  assert.deepEqual((await node.store.listIds({ limit: 10 })).ids, [])
})

it('a file that is sent ends with its key, and is let go of', async () => {
  let isThere = true
  const keys = { get: () => (isThere ? ({} as never) : undefined) }
  const revocation = createRevocation({
    keys,
    sessions: { isOver: () => false },
    streams: { review() {} },
    clock: systemClock,
  })
  const answers = createAnswers({ revocation, streams: {} as never, shares: {} as never, readShares: {} as never })
  const file = Readable.from(
    (async function* endless() {
      for (;;) yield Buffer.from('more')
    })(),
  )
  const app = new Hono<GatewayEnv>().get('/', (c) => {
    c.set('principal', { keyId: 'key_1', owner: 'a', grants: [], via: 'key' })
    return answers.file(c as never, file, {})
  })
  const { body } = await app.request('/')
  assert.ok(body)
  const read = text(body as never)
  revocation.enforce()
  assert.equal(file.destroyed, false)
  isThere = false
  revocation.enforce()
  await assert.rejects(read, { code: 'UNAUTHORIZED' })
  assert.equal(file.destroyed, true)
})
