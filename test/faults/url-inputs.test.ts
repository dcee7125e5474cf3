/** An agent that is killed while it fetches what a job brings from a URL. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { closeAll } from '../support/close-all.ts'
import { type FileServer, giving, sha256Of, startFileServer } from '../support/file-server.ts'
import { until } from '../support/until.ts'
import { type FaultMarket, startFaultMarket } from './support/fault-market.ts'

const BYTES = randomBytes(8 * 2 ** 20)
const HALF = 4 * 2 ** 20

async function largestPart(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  const parts = names.filter((name) => name.endsWith('.part'))
  const sizes = parts.map(async (name) => await stat(join(folder, name)).then(({ size }) => size))
  return Math.max(0, ...(await Promise.all(sizes)))
}

describe('a file from a URL, and an agent that is killed while it comes', () => {
  let market: FaultMarket
  let server: FileServer

  before(async () => {
    server = await startFileServer()
    const flags = ['--allow-input-host', server.host]
    market = await startFaultMarket({
      agents: [{ name: 'a', flags }],
      times: { heartbeatMs: 500, lostAfterMs: 120_000 },
    })
  })
  after(async () => {
    await closeAll(
      async () => await market?.[Symbol.asyncDispose](),
      async () => await server?.close(),
    )
  })

  for (const ranges of [true, false]) {
    it(`arrives as it is where the server ${ranges ? 'gives parts' : 'gives no parts'}`, async () => {
      const path = `/${ranges}`
      const bytes = Buffer.concat([Buffer.from(path), BYTES])
      // Half of it comes, and then nothing more, until the agent is another process.
      let isKilled = false
      server.on(path, (request, response) => {
        if (isKilled) return void giving(bytes, { ranges, etag: '"1"' })(request, response)
        response.writeHead(200, { 'content-length': bytes.length, etag: '"1"' })
        response.write(bytes.subarray(0, HALF))
      })
      const [agent] = market.agents
      assert.ok(agent)
      const sha256 = sha256Of(bytes)
      const job = market.count(1, 1, {
        args: [`test "$(sha256sum < /in/file)" = "${sha256}  -" && echo line 1`],
        ...{ storage: '32Mi', maxAttempts: 1 },
        inputs: [{ path: '/in/file', from: { url: server.url(path), sha256 } }],
      })
      const id = await market.submit(job)
      await until(async () => (await largestPart(join(agent.folder, 'inputs'))) >= HALF)
      await agent.process.end('SIGKILL')
      isKilled = true
      agent.process.restart()
      const ended = await market.ended(id)
      assert.equal(ended.status, 'completed', JSON.stringify(ended))
      const asked = server.asked.filter((one) => one.path === path).map(({ headers }) => headers.range ?? 'all')
      assert.match(asked.join(), /^all(,bytes=[1-9]\d*-)+$/, 'gone on from where it was')
    })
  }

  it('leaves nothing half done', async () => {
    const [agent] = market.agents
    assert.equal(await largestPart(join(agent?.folder ?? '', 'inputs')), 0)
    const filters = { label: [`org.cortex-node.owner=${agent?.id}`] }
    const { Volumes: left } = await market.docker.listVolumes({ filters } as object)
    assert.equal(left.length, 2, 'what is kept for the next job')
    for (const { Name: name } of left) await market.docker.getVolume(name).remove()
  })
})
