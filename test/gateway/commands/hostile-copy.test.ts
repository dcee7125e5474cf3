/** `cortex job cp` before a gateway that means harm, as a process with a home of its own. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { pack } from 'tar-stream'
import { type Cortex, openCortex } from '../support/cortex.ts'

const ID = 'job_01k8m3q7w9x2v5n4c6b8d0f1g2'

describe('cortex job cp before a hostile gateway', { concurrency: 4 }, () => {
  let server: Server
  let url = ''
  let cortex: Cortex
  let tar: Buffer
  before(async () => {
    const out = pack()
    for (const name of ['data/good', '../escaped', 'data/../../escaped', '/tmp/cortex-cp-escaped', 'data/\x1b[31mred'])
      out.entry({ name }, 'x')
    out.entry({ name: 'data/away', type: 'symlink', linkname: '/etc' })
    out.entry({ name: 'data/away/x' }, 'x')
    out.finalize()
    tar = await buffer(out)
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
      const name = decodeURIComponent(pathname.split('/')[1] ?? '')
      if (searchParams.get('as') === 'tar') return response.end(tar)
      response.setHeader('content-type', 'application/json')
      const data = { name, type: 'folder', mode: 'no mode', entries: null, nextCursor: null, leftOut: 'no list' }
      response.end(JSON.stringify({ success: true, data }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    cortex = await openCortex({ CORTEX_KEY: 'a key' })
  })
  after(async () => {
    server?.closeAllConnections()
    server?.close()
    await cortex?.close()
  })

  /** Copies a folder that the gateway calls so; a folder of the user's own stands beside the target. */
  async function fetched(name: string) {
    const around = join(cortex.folder, `around-${Math.random().toString(36).slice(2)}`)
    await mkdir(join(around, 'own'), { recursive: true })
    await writeFile(join(around, 'own', 'mine'), 'mine')
    const gateway = `${url}/${encodeURIComponent(name)}`
    const ran = await cortex.run(['job', 'cp', `${ID}:/data`, join(around, 'here'), '--gateway', gateway])
    return { around, ran }
  }

  for (const name of ['../own', '..', '.', 'a/b', '/own']) {
    it(`moves nothing for a folder that is called ${name}`, async () => {
      const { around, ran } = await fetched(name)
      assert.equal(ran.code, 1)
      assert.deepEqual(await readdir(around), ['own'])
      assert.equal(await readFile(join(around, 'own', 'mine'), 'utf8'), 'mine')
    })
  }

  it('writes what belongs there, and names the rest as a terminal may show it', async () => {
    const { around, ran } = await fetched('data')
    assert.equal(ran.code, 0, ran.err)
    assert.deepEqual(await readdir(around), ['here', 'own'])
    assert.deepEqual((await readdir(join(around, 'here'))).toSorted(), ['\x1b[31mred', 'away', 'good'])
    assert.deepEqual(await readdir(join(around, 'here', 'away')), ['x'])
    assert.match(ran.err, /left out: \.\.\/escaped/)
    assert.match(ran.err, /left out: data\/away links out of the folder/)
    assert.equal(ran.err.includes('\x1b[31m'), false)
  })

  it('takes an answer to what it sent for no more than it is', async () => {
    const file = join(cortex.folder, 'to-send')
    await writeFile(file, 'x')
    const ran = await cortex.run(['job', 'cp', file, `${ID}:/data`, '--gateway', `${url}/data`])
    assert.equal(ran.code, 0, ran.err)
  })
})
