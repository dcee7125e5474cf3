/** Bodies of batches on real sockets, as they arrive: what is refused, breaks off, or never ends. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { createGateway, type Gateway } from '../../../gateway/index.ts'
import { silentLogger } from '../../../node/logger.ts'
import { until } from '../../support/until.ts'
import { openRaw, type Raw, requestText } from '../support/raw.ts'
import { openTestNode, type TestNode } from '../support/test-node.ts'
import { BATCH } from './support/send-form.ts'

const MIB = 1024 * 1024
let folder: string
let test: TestNode
let gateway: Gateway
let raws: Raw[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
  await mkdir(join(folder, 'batch-files'))
  await writeFile(join(folder, 'batch-files', 'left.csv'), 'a\n')
  test = await openTestNode()
  gateway = createGateway({ node: test.node, logger: silentLogger }, { folder, port: 0 })
  await gateway.start()
})
afterEach(() => {
  for (const { socket } of raws) socket.destroy()
  raws = []
})
after(async () => {
  await gateway.stop()
  await test.close()
  await rm(folder, { recursive: true })
})

const kept = async (): Promise<string[]> => await readdir(join(folder, 'batch-files'))
const isEmpty = async (): Promise<boolean> => (await kept()).length === 0
const FILE = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
const field = (name: string, value: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

/** @param bytes how long the body is said to be @default as long as it is */
async function send(
  body: string,
  bytes = body.length,
  path = BATCH,
  key = gateway.adminKey().text,
  type = 'multipart/form-data; boundary=b',
): Promise<Raw> {
  const headers = {
    Authorization: `Bearer ${key}`,
    'Content-Type': type,
    'Content-Length': String(bytes),
  }
  const raw = await openRaw(gateway.url(), requestText('POST', path, headers, body))
  raws.push(raw)
  return raw
}

describe('the body of a batch', () => {
  it('that an earlier run left is gone', async () => {
    assert.deepEqual(await kept(), [])
  })

  const rows = 'x\n'.repeat(150_000)
  const REFUSED: [what: string, body: string, status: number][] = [
    ['an unknown field', field('zzz', 'x') + FILE + rows, 400],
    ['base twice', field('base', '{}') + field('base', '{}') + FILE + rows, 400],
    ['a base that is too large', field('base', 'x'.repeat(MIB + 1)) + FILE + rows, 413],
    ['a file of another name', FILE.replace('"file"', '"other"') + rows, 400],
    ['two files', `${FILE}${rows}\r\n${FILE}${rows}`, 400],
    ['a wrong field after the file', `${FILE}${rows}\r\n${field('zzz', 'x')}${FILE}${rows}`, 400],
  ]
  for (const [what, body, status] of REFUSED) {
    it(`with ${what} before a large file is refused while it arrives, and leaves nothing`, async () => {
      // It never ends: what waited for that would wait for minutes.
      const raw = await send(body, 20 * MIB)
      assert.match(await raw.answered(), new RegExp(`^HTTP/1.1 ${status} `))
      await until(isEmpty)
    })
  }

  it('ends with the key of whoever sends it', async () => {
    const auth = `${gateway.url()}/api/auth/keys`
    const headers = { Authorization: `Bearer ${gateway.adminKey().text}`, 'Content-Type': 'application/json' }
    for (const [type, body, path] of [
      ['multipart/form-data; boundary=b', FILE + rows, BATCH],
      ['application/json', `{"jobs":[${' '.repeat(1000)}`, BATCH],
    ] as const) {
      const made = await fetch(auth, { method: 'POST', headers, body: JSON.stringify({ name: 'x' }) })
      const { data } = (await made.json()) as { data: { id: string; key: string } }
      const raw = await send(body, 20 * MIB, path, data.key, type)
      await until(async () => !(await isEmpty()))
      await fetch(`${auth}/${data.id}`, { method: 'DELETE', headers })
      assert.match(await raw.answered(), /^HTTP\/1.1 401 /, type)
      await until(isEmpty)
    }
  })

  it('is forgotten with the connection that it came over', async () => {
    const raw = await send(field('base', '{}') + FILE + rows, 20 * MIB)
    await until(async () => (await kept()).length === 1)
    raw.socket.destroy()
    await until(isEmpty)
  })

  it('counts with all others of its key, and makes room when it ends', async () => {
    const part = field('base', '{}') + FILE + 'x'.repeat(25 * MIB)
    const open = [await send(part, 31 * MIB), await send(part, 31 * MIB), await send(part, 31 * MIB)]
    const refused = await Promise.race(open.map(async (one) => await one.answered()))
    assert.match(refused, /^HTTP\/1.1 429 .*with this key/s)
    for (const { socket } of open) socket.destroy()
    await until(isEmpty)
    const small = await send(
      `${field('base', '{"image":"a"}')}${FILE}cpu\n100\r\n--b--\r\n`,
      undefined,
      `${BATCH}?dryRun=true`,
    )
    assert.match(await small.answered(), /^HTTP\/1.1 200 /)
  })

  it('ends with the gateway', async () => {
    const raw = await send(field('base', '{}') + FILE + rows, 20 * MIB)
    await until(async () => (await kept()).length === 1)
    await gateway.stop()
    await raw.ended()
    assert.deepEqual(await kept(), [])
  })
})
