/** What is in a volume that stays, through the gateway: while a job has it, while none does, and while its provider is away. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { extract, pack } from 'tar-stream'
import { CortexClient } from '../../gateway/client/index.ts'
import { systemClock } from '../../node/clock.ts'
import { silentLogger } from '../../node/logger.ts'
import { createLibp2pNetwork } from '../../node/network/libp2p-network.ts'
import { createVolumeFiles } from '../../node/volumes/volume-files.ts'
import { closeAll } from '../support/close-all.ts'
import { until } from '../support/until.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'
import { startCortex } from './support/program.ts'

const MIB = 2 ** 20
const LEAVES = `cd /data && mkdir deep && printf 'hello world' > 'a b' && printf deep > deep/file && chown 7:8 deep
ln -s /etc out && ln -s 'a b' in && mkfifo pipe`

describe('what is in a volume that stays', () => {
  let market: TestMarket
  let seller: Seller
  let api: Api
  let client: CortexClient
  let id: string
  let here: string
  before(async () => {
    market = await openMarket()
    seller = await market.addSeller()
    api = await openApi(market)
    client = new CortexClient({ baseUrl: api.url, apiKey: api.key })
    here = join(market.folder, 'here')
    await mkdir(here)
    const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi', keep: 3_600 }]
    const job = await api.run(market.job(LEAVES, { volumes }))
    assert.equal(job.status, 'completed', JSON.stringify(job.error))
    id = job.results.volumes[0].id
  })
  after(async () => {
    await closeAll(
      async () => {
        const kept = await Array.fromAsync(client.volumes.all({ status: 'kept' }))
        for (const { id: each } of kept) await client.volumes.delete(each)
      },
      async () => await market?.close(),
    )
  })

  async function ask(method: string, query: string, init: RequestInit & { key?: string; volume?: string } = {}) {
    const { key = api.key, volume = id, headers, ...rest } = init
    return await fetch(`${api.url}/api/plugin-core/volumes/${volume}/content?${query}`, {
      ...{ method, headers: { Authorization: `Bearer ${key}`, ...(headers as Record<string, string>) } },
      ...rest,
    })
  }

  async function cli(...args: string[]) {
    const [name = '', ...rest] = args
    const door = ['--gateway', api.url, '--key', api.key]
    return await startCortex(['volume', name, ...door, ...rest]).ended
  }

  /** What a job sees of it. */
  async function see(script: string): Promise<string[]> {
    const { id: job } = await api.run(market.job(script, { volumes: [{ volume: id, mountPath: '/data' }] }))
    const lines: string[] = []
    for await (const { line } of client.jobs.logs(job, { follow: true })) lines.push(line)
    return lines
  }

  async function namesOf(tar: ReadableStream<Uint8Array>): Promise<string[]> {
    const names: string[] = []
    const entries = extract()
    Readable.fromWeb(tar as never).pipe(entries as never)
    for await (const entry of entries) {
      names.push(entry.header.name)
      entry.resume()
    }
    return names.toSorted()
  }

  test('a file is sent whole and in part, a folder as a tar or a list, and HEAD says which', async () => {
    const file = await ask('GET', 'path=/a%20b')
    assert.deepEqual([file.status, file.headers.get('content-security-policy')], [200, 'sandbox'])
    assert.equal(await file.text(), 'hello world')
    const part = await ask('GET', 'path=/a%20b', { headers: { Range: 'bytes=6-8' } })
    assert.deepEqual([part.status, await part.text(), part.headers.get('content-range')], [206, 'wor', 'bytes 6-8/11'])
    assert.equal((await ask('GET', 'path=/a%20b', { headers: { Range: 'bytes=11-' } })).status, 416)
    const head = await ask('HEAD', 'path=/a%20b')
    assert.deepEqual([head.headers.get('content-length'), head.headers.get('x-file-type')], ['11', 'file'])
    assert.equal((await ask('HEAD', '')).headers.get('x-file-type'), 'folder')
    const whole = await ask('GET', '')
    assert.equal(whole.headers.get('content-type'), 'application/x-tar')
    assert.deepEqual(await namesOf(whole.body as ReadableStream<Uint8Array>), [
      ...['volume/', 'volume/a b', 'volume/deep/', 'volume/deep/file', 'volume/in', 'volume/out', 'volume/pipe'],
    ])
    const { entries } = await client.volumes.files.list(id, '/')
    assert.deepEqual(
      entries?.map(({ name, type }) => `${name} ${type}`),
      ['a b file', 'deep folder', 'in link', 'out link', 'pipe pipe'],
    )
    assert.equal(await text(await client.volumes.files.read(id, '/in')), 'hello world')
  })

  test('what is written is there for the next job, and belongs to whom its folder belongs', async () => {
    const written = await client.volumes.files.write(id, '/deep/new/one', 'text', { mode: 0o640 })
    assert.deepEqual(written, { path: '/deep/new/one', files: 1, bytes: 4, leftOut: [] })
    const tar = pack()
    tar.entry({ name: 'sub/two' }, 'two')
    tar.entry({ name: '/absolute' }, 'x')
    tar.entry({ name: '../climbing' }, 'x')
    tar.entry({ name: 'device', type: 'character-device' })
    tar.finalize()
    const unpacked = await client.volumes.files.writeTar(id, '/deep', await buffer(tar))
    assert.deepEqual(
      unpacked.leftOut.map(({ path }) => path),
      ['/absolute', '../climbing', 'device'],
    )
    assert.deepEqual(await see(`cd /data/deep; stat -c '%n %u %g %a' new/one sub/two; find . -type f | wc -l`), [
      ...['new/one 7 8 640', 'sub/two 7 8 644', '3'],
    ])
  })

  test('no way leads out of it, and nothing is removed', async () => {
    for (const path of ['/out', '/out/hosts', '/out/new/file']) {
      assert.equal((await ask('GET', `path=${path}`)).status, 400, path)
      assert.equal((await ask('PUT', `path=${path}`, { body: 'x' })).status, 400, path)
    }
    for (const path of ['data', '%00', '/pipe&as=zip'])
      assert.equal((await ask('GET', `path=${path}`)).status, 400, path)
    assert.equal((await ask('GET', 'path=/no')).status, 404)
    assert.equal((await ask('GET', 'path=/../../etc/hosts')).status, 404)
    assert.equal((await ask('DELETE', 'path=/deep')).status, 404)
    assert.equal((await ask('PUT', 'path=/deep', { body: 'x' })).status, 400)
  })

  test('not a byte is written beyond its size, whether it comes as a file, as a tar, or as many at once', async () => {
    const before = await see('find /data | wc -l')
    const large = await ask('PUT', 'path=/large', { body: new Uint8Array(9 * MIB) })
    assert.equal(large.status, 413, await large.text())
    const tar = pack()
    for (let at = 0; at < 2_100; at += 1) tar.entry({ name: `many/${at}` }, 'x')
    tar.finalize()
    const many = await ask('PUT', '', { headers: { 'Content-Type': 'application/x-tar' }, body: await buffer(tar) })
    const { error } = (await many.json()) as { error: { code: string; message: string } }
    assert.deepEqual([many.status, error.code], [413, 'PAYLOAD_TOO_LARGE'])
    assert.match(error.message, /no room for it: .* of 8Mi are free/)
    const both = await Promise.all(
      [0, 1].map(async (at) => await ask('PUT', `path=/half${at}`, { body: new Uint8Array(5 * MIB) })),
    )
    assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 413])
    assert.deepEqual(await see('rm /data/half*; find /data | wc -l'), before)
  })

  test('so it is while a job has it', async () => {
    const job = await api.submit(
      market.job('until [ -e /data/go ]; do sleep 0.1; done; cat /data/go; echo out > /data/said; sleep 600', {
        volumes: [{ volume: id, mountPath: '/data' }],
        duration: 3_600,
      }),
    )
    await market.when(job, ({ state }) => state.status === 'running')
    await client.volumes.files.write(id, '/go', 'gone\n')
    await market.when(job, ({ logs }) => logs.lines > 0)
    for await (const { line } of client.jobs.logs(job, { follow: true })) {
      assert.equal(line, 'gone')
      break
    }
    for (;;) {
      const said = await client.volumes.files.read(id, '/said').catch(() => null)
      if (said !== null && (await text(said)) === 'out\n') break
    }
    assert.equal((await client.volumes.get(id)).inUse, true)
    await client.jobs.cancel(job)
    await market.ended(job)
  })

  test('who may not is told nothing', async () => {
    const { key: other } = await client.keys.create({ name: 'k', owner: 'else', permissions: ['jobs:*'] })
    const { key: reader } = await client.keys.create({ name: 'r', permissions: ['jobs:read'] })
    for (const [key, status] of [
      [other, 404],
      [reader, 403],
    ] as const) {
      for (const [method, body] of [['GET'], ['HEAD'], ['PUT', 'x']] as const) {
        const asked = await ask(method, 'path=/a%20b', { key, ...(body === undefined ? {} : { body }) })
        assert.equal(asked.status, status, method)
      }
    }
  })

  test('another peer that knows its id is told of no volume', async () => {
    const network = createLibp2pNetwork(
      { privateKey: await generateKeyPair('Ed25519'), logger: silentLogger },
      { network: market.network, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: market.bootstrap },
    )
    await network.start()
    try {
      const at = { provider: seller.id, addresses: seller.network.addresses() }
      const files = createVolumeFiles({ network, clock: systemClock }, () => at)
      const { signal } = new AbortController()
      await assert.rejects(files.look(id, '/', {}, signal), { code: 'UNKNOWN_VOLUME' })
      await assert.rejects(files.read(id, '/a b', {}, signal), { code: 'UNKNOWN_VOLUME' })
      await assert.rejects(files.write(id, '/x', {}, Readable.from(['x']), signal), { code: 'UNKNOWN_VOLUME' })
    } finally {
      await network.stop()
    }
  })

  test('one that is deleted while it is read is read to its end, and gone then', async () => {
    const volumes = [{ name: 'large', mountPath: '/data', size: '64Mi', keep: 3_600 }]
    const script = 'dd if=/dev/urandom of=/data/large bs=1M count=48 2>/dev/null; sha256sum </data/large'
    const { id: job, results } = await api.run(market.job(script, { volumes, storage: '96Mi' }))
    const large = results.volumes[0].id
    const reader = (await client.volumes.files.read(large, '/large')).getReader()
    const hash = createHash('sha256').update((await reader.read()).value ?? assert.fail('nothing was read'))
    assert.equal((await client.volumes.delete(large)).status, 'deleting')
    await assert.rejects(client.volumes.files.read(large, '/large'), { code: 'RESOURCE_NOT_FOUND' })
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) hash.update(piece.value)
    for await (const { line } of client.jobs.logs(job, { follow: true })) {
      assert.equal(line.slice(0, 64), hash.digest('hex'))
      break
    }
    await until(async () => (await client.volumes.get(large)).status === 'deleted')
  })

  test('download and upload: a folder, a file, a tar', async () => {
    const down = await cli('download', id, join(here, 'got'))
    assert.equal(down.code, 0, down.stderr)
    assert.match(down.stderr, /left out: volume\/out links out of the folder\nleft out: volume\/pipe is a pipe/)
    assert.equal(await readFile(join(here, 'got/deep/file'), 'utf8'), 'deep')
    assert.match((await cli('download', id, join(here, 'got'))).stderr, /nothing is written over/)
    const one = await cli('download', `${id}:/a b`, here)
    assert.equal(one.code, 0, one.stderr)
    assert.equal(await readFile(join(here, 'a b'), 'utf8'), 'hello world')
    assert.match((await cli('download', `${id}:/deep`, '-')).stdout.toString(), /^deep\//)
    const missing = await cli('download', `${id}:/no/such`, join(here, 'x'))
    assert.deepEqual([missing.code, /nothing at \/no\/such/.test(missing.stderr)], [1, true])

    const tree = join(here, 'tree')
    await mkdir(join(tree, 'sub'), { recursive: true })
    await writeFile(join(tree, 'sub/file'), 'up')
    await symlink('sub/file', join(tree, 'link'))
    const up = await cli('upload', tree, `${id}:/in-tree`)
    assert.equal(up.code, 0, up.stderr)
    const file = await cli('upload', join(tree, 'sub/file'), `${id}:/in-tree`)
    assert.equal(file.code, 0, file.stderr)
    assert.deepEqual(await see('cd /data/in-tree; find . | sort; cat link file'), [
      ...['.', './file', './link', './sub', './sub/file', 'upup'],
    ])
    assert.match((await cli('upload', tree, 'no-volume')).stderr, /named by its id/)
  })

  test('nothing is left on the engine, also where the agent went in the midst of it', async () => {
    const made = async () => {
      const filters = { label: [`org.cortex-node.files=${seller.id}`] }
      return (await market.docker.listContainers({ all: true, filters })).length
    }
    await until(async () => (await made()) === 0)
    await market.docker.createContainer({
      ...{ Image: market.image, Labels: { 'org.cortex-node.files': seller.id } },
      HostConfig: { Mounts: [{ Type: 'volume', Source: await volumeOnEngine(), Target: '/v' }] },
    } as never)
    await seller.restart()
    assert.equal(await text(await client.volumes.files.read(id, '/a b')), 'hello world')
    await until(async () => (await made()) === 0)
  })

  test('that its provider is away is said, with its name', async () => {
    await seller.agent.stop()
    await seller.network.stop()
    const { provider } = await client.volumes.get(id)
    for (const [method, body] of [['GET'], ['PUT', 'x']] as const) {
      const away = await ask(method, 'path=/x', body === undefined ? {} : { body })
      const { error } = (await away.json()) as { error: { code: string; message: string } }
      assert.deepEqual([away.status, error.code], [503, 'PROVIDER_UNAVAILABLE'])
      assert.ok(error.message.includes(provider), error.message)
    }
    await seller.restart()
  })

  async function volumeOnEngine(): Promise<string> {
    const { Volumes: all } = await market.docker.listVolumes()
    return all.find(({ Name: name }) => name.startsWith(`cortex-${id}-`))?.Name ?? assert.fail('no volume')
  }
})
