import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fakeEngine, json } from '../fake-server.ts'

const MIB = 2 ** 20
const started = '2026-11-25T12:00:00Z'
const container = (hostConfig: object, running = true) => ({
  State: { Running: running, StartedAt: started },
  HostConfig: hostConfig,
})
/** One core for `cpuSeconds` until `read`. */
const stats = (read: string, cpuSeconds: number) => ({
  read,
  cpu_stats: { cpu_usage: { total_usage: cpuSeconds * 1e9 } },
  memory_stats: { usage: 100 * MIB, stats: { inactive_file: 20 * MIB } },
})

test('what others hold is their limits, or else what they use, and own containers are only weighed', async (t) => {
  let used = stats('2026-11-25T12:01:40Z', 50)
  const own = { 'org.cortex-node.owner': 'me' }
  const folder = await mkdtemp(join(tmpdir(), 'cortex-kept-'))
  t.after(async () => await rm(folder, { recursive: true }))
  await writeFile(join(folder, 'data'), Buffer.alloc(100_000, 1))
  const { engine, requests } = await fakeEngine(t, {
    'GET /volumes': json({
      // What is in it counts up to what is held for it.
      Volumes: [{ Name: 'kept', Labels: { ...own, 'cortex.bytes': '50000' }, Mountpoint: folder }],
    }),
    'GET /containers/json?all': json([
      { Id: 'mine', Labels: { ...own, 'org.cortex-node.gpus': 'GPU-1,GPU-2' }, SizeRw: 3_000 },
      { Id: 'mine2', State: 'exited', Labels: { ...own, 'org.cortex-node.gpus': 'GPU-3' } },
      { Id: 'mine3', Labels: { ...own, 'org.cortex-node.gpus': '' } },
    ]),
    'GET /containers/json': json([
      { Id: 'mine', Labels: own },
      // Labelled by its image, in vain.
      { Id: 'limited', Labels: { 'org.cortex-node.owner': 'another agent', 'org.cortex-node.sandbox': 'me' } },
      { Id: 'sandbox', Labels: { 'org.cortex-node.sandbox': 'another agent' } },
      { Id: 'quota', Labels: {} },
      { Id: 'free', Labels: null },
      { Id: 'gone', Labels: {} },
      { Id: 'ended', Labels: {} },
    ]),
    'GET /containers/limited/json': json(container({ NanoCpus: 250_000_000, Memory: 64 * MIB })),
    'GET /containers/quota/json': json(
      container({
        ...{ CpuQuota: 50_000, CpuPeriod: 100_000, Memory: 32 * MIB },
        DeviceRequests: [{ Driver: '', Count: 1, Capabilities: [['gpu']] }],
      }),
    ),
    'GET /containers/free/json': json(container({ NanoCpus: 0, Memory: 0 })),
    'GET /containers/free/stats': (response) => json(used)(response),
    'GET /containers/gone/json': json({ message: 'no such container' }, 404),
    'GET /containers/ended/json': json(container({}, false)),
  })
  assert.deepEqual(await engine.survey('me'), {
    others: { cpuMillis: 250 + 500 + 500, memoryBytes: (64 + 32 + 80) * MIB, gpus: [{ vendor: 'nvidia', first: 1 }] },
    writtenBytes: 53_000,
    ownGpus: ['GPU-1', 'GPU-2'],
  })
  // Busier now: a whole core in the ten seconds since.
  used = stats('2026-11-25T12:01:50Z', 60)
  assert.equal((await engine.survey('me')).others.cpuMillis, 250 + 500 + 1_000)
  assert.equal(requests.filter(({ path }) => path.includes('/containers/mine')).length, 0)
  const asked = requests.find(({ path }) => path.includes('/volumes'))?.path ?? ''
  assert.match(decodeURIComponent(asked), /org\.cortex-node\.owner=me.*org\.cortex-node\.kept/)
})

test('an engine that breaks off is an error, and not an empty machine', async (t) => {
  const { engine } = await fakeEngine(t, {
    'GET /volumes': json({ Volumes: null }),
    'GET /containers/json?all': json([]),
    'GET /containers/json': json([{ Id: 'one', Labels: {} }]),
    'GET /containers/one/json': (response) => void response.destroy(),
  })
  await assert.rejects(engine.survey('me'), { code: 'ENGINE_UNAVAILABLE' })
})
