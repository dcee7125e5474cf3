/** No GPU was at hand: what the engine is asked for is looked at where it would receive it. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it, type TestContext, test } from 'node:test'
import type { ContainerSpec, GpuClaim } from '../../../provider-agent/engine/index.ts'
import type { Gpu } from '../../../provider-agent/gpus/gpu.ts'
import { freeGpus, gpuClaims, gpuGrant, kindOf } from '../../../provider-agent/gpus/gpus.ts'
import { A100, aGpu, anAmdGpu, T4, TWO_GPUS } from '../../support/gpus.ts'
import { fakeEngine, json } from '../engine/fake-server.ts'

const RUNTIME = { nvidia: true, cdi: [] }
const MIG = aGpu({
  uuid: 'MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f',
  part: { card: A100, place: 0 },
  migProfile: '3g.20gb',
})
const AMD = [anAmdGpu(0, 'renderD128'), anAmdGpu(1, 'renderD129')]

describe('who has which GPU', () => {
  const cases: [what: string, claims: GpuClaim[], free: string[]][] = [
    ['nobody', [], [A100, T4]],
    ['all of them', [{ vendor: 'nvidia', first: null }], []],
    ['the first', [{ vendor: 'nvidia', first: 1 }], [T4]],
    ['more than there are', [{ vendor: 'nvidia', first: 9 }], []],
    ['one by its uuid', [{ vendor: 'nvidia', ids: [T4] }], [A100]],
    ['one by its place', [{ vendor: 'nvidia', ids: ['0'] }], [T4]],
    ['one by its CDI name', [{ vendor: 'nvidia', ids: ['nvidia.com/gpu=1'] }], [A100]],
    ['all by the CDI name', [{ vendor: 'nvidia', ids: ['nvidia.com/gpu=all'] }], []],
    [
      'two containers the same',
      [
        { vendor: 'nvidia', ids: [A100] },
        { vendor: 'nvidia', first: 1 },
      ],
      [T4],
    ],
    [
      'those of another maker',
      [{ vendor: 'amd', ids: ['amd.com/gpu=all'] }, { devices: ['/dev/dri/renderD128'] }],
      [A100, T4],
    ],
  ]
  for (const [what, claims, free] of cases) it(what, () => assert.deepEqual(uuids(freeGpus(TWO_GPUS, claims)), free))

  const parts: [what: string, claims: GpuClaim[], free: boolean][] = [
    ['a part by its uuid', [{ vendor: 'nvidia', ids: [MIG.uuid] }], false],
    ['a part by its place', [{ vendor: 'nvidia', ids: ['0:0'] }], false],
    ['another part', [{ vendor: 'nvidia', ids: ['0:1'] }], true],
    ['the whole card', [{ vendor: 'nvidia', ids: [A100] }], false],
    ['the first card', [{ vendor: 'nvidia', first: 1 }], false],
  ]
  for (const [what, claims, free] of parts) it(what, () => assert.equal(freeGpus([MIG], claims).length === 1, free))

  const files: [what: string, claims: GpuClaim[], free: number[]][] = [
    ['one by its file', [{ devices: ['/dev/dri/renderD128'] }], [1]],
    ['all by their folder', [{ devices: ['/dev/dri'] }], []],
    ['what all of them share', [{ devices: ['/dev/kfd'] }], [0, 1]],
    ['one by its CDI name', [{ vendor: 'amd', ids: ['amd.com/gpu=1'] }], [0]],
    ['one by its address', [{ vendor: 'amd', ids: ['amd.com/gpu=0000:00:00.0'] }], [1]],
  ]
  for (const [what, claims, free] of files) {
    it(`of AMD’s: ${what}`, () =>
      assert.deepEqual(
        freeGpus(AMD, claims).map(({ index }) => index),
        free,
      ))
  }

  it('is read from what containers were made with', () => {
    const gpu = { Capabilities: [['gpu']] }
    const claims = (host: object, Env: string[] = []) => gpuClaims({ HostConfig: host, Config: { Env } })
    const requests = (...DeviceRequests: object[]) => claims({ DeviceRequests })
    assert.deepEqual(claims({ DeviceRequests: null, Devices: null }), [])
    assert.deepEqual(requests({ Driver: '', Count: -1, ...gpu }), [{ vendor: 'nvidia', first: null }])
    assert.deepEqual(requests({ Driver: 'nvidia', Count: 2, ...gpu }), [{ vendor: 'nvidia', first: 2 }])
    assert.deepEqual(requests({ Driver: '', Count: 0, DeviceIDs: [T4], ...gpu }), [{ vendor: 'nvidia', ids: [T4] }])
    assert.deepEqual(requests({ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=0', 'amd.com/gpu=1'] }), [
      { vendor: 'nvidia', ids: ['nvidia.com/gpu=0'] },
      { vendor: 'amd', ids: ['amd.com/gpu=1'] },
    ])
    assert.deepEqual(requests({ Driver: 'cdi', DeviceIDs: ['vendor.com/net=eth0'] }), [])
    const paths = ['/dev/kfd', '/dev/dri/renderD128', '/dev/fuse'].map((PathOnHost) => ({ PathOnHost }))
    assert.deepEqual(claims({ Devices: paths }), [{ devices: ['/dev/dri/renderD128'] }])
    assert.deepEqual(claims({ Devices: [{ PathOnHost: '/dev/dri/' }] }), [{ devices: ['/dev/dri'] }])
    const all = ['NVIDIA_VISIBLE_DEVICES=all']
    assert.deepEqual(claims({ Runtime: 'nvidia' }, all), [{ vendor: 'nvidia', ids: ['all'] }])
    assert.deepEqual(claims({ Runtime: 'runc' }, all), [], 'nobody heeds it')
    assert.deepEqual(claims({ Runtime: 'nvidia' }, [...all, 'NVIDIA_VISIBLE_DEVICES=void']), [])
  })
})

describe('what the engine is asked for', () => {
  it('is what docker run asks for, whole cards and parts', async () => {
    // As Docker's own command sent it: test/provider-agent/gpus/fixtures/docker-run.json says how it was recorded.
    const recorded: { flag: string; DeviceRequests: object[] }[] = JSON.parse(
      await readFile(new URL('fixtures/docker-run.json', import.meta.url), 'utf8'),
    ).requests
    const given: Gpu[][] = [[aGpu()], TWO_GPUS, [MIG]]
    assert.equal(recorded.length, given.length)
    for (const [place, { flag, DeviceRequests }] of recorded.entries()) {
      const gpus = given[place] ?? []
      assert.deepEqual(gpuGrant(gpus.length, gpus, RUNTIME).host, { DeviceRequests }, flag)
    }
  })

  it('is the name that it knows where it has CDI', () => {
    const cdi = (...names: string[]) => gpuGrant(2, TWO_GPUS, { nvidia: false, cdi: names }).host.DeviceRequests
    const byPlace = ['nvidia.com/gpu=0', 'nvidia.com/gpu=1']
    assert.deepEqual(cdi(...byPlace), [{ Driver: 'cdi', DeviceIDs: byPlace }])
    const byUuid = [`nvidia.com/gpu=${A100}`, 'nvidia.com/gpu=1']
    assert.deepEqual(cdi(...byPlace, byUuid[0] ?? ''), [{ Driver: 'cdi', DeviceIDs: byUuid }])
    const part = gpuGrant(1, [MIG], { nvidia: false, cdi: ['nvidia.com/gpu=0', 'nvidia.com/gpu=0:0'] })
    assert.deepEqual(part.host.DeviceRequests, [{ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=0:0'] }])
  })

  it('is files of the card where its maker has no runtime', () => {
    const file = (path: string) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rwm' })
    const Devices = ['/dev/kfd', '/dev/dri/renderD128', '/dev/dri/renderD129'].map(file)
    // Places are another tool's counting: no name of AMD's says for sure which card it is.
    for (const cdi of [[], ['amd.com/gpu=0', 'amd.com/gpu=1']]) {
      assert.deepEqual(gpuGrant(2, AMD, { nvidia: false, cdi }).host, { Devices, GroupAdd: ['44', '109'] })
    }
    const named = gpuGrant(1, AMD, { nvidia: false, cdi: ['amd.com/gpu=0000:00:00.0'] }).host
    assert.deepEqual(named, { DeviceRequests: [{ Driver: 'cdi', DeviceIDs: ['amd.com/gpu=0000:00:00.0'] }] })
    const intel = aGpu({ vendor: 'intel', uuid: 'intel-0000:4d:00.0', devices: ['/dev/dri/renderD130'] })
    assert.deepEqual(gpuGrant(1, [intel], RUNTIME).host, { Devices: [file('/dev/dri/renderD130')] })
  })

  it('leaves the last word on NVIDIA’s runtime to nobody else', () => {
    const word = (count: number, gpus: Gpu[], nvidia = true) => gpuGrant(count, gpus, { nvidia, cdi: [] }).env
    assert.deepEqual(word(0, []), { NVIDIA_VISIBLE_DEVICES: 'void' })
    assert.deepEqual(word(1, AMD), { NVIDIA_VISIBLE_DEVICES: 'void' })
    assert.deepEqual(word(2, TWO_GPUS), { NVIDIA_VISIBLE_DEVICES: `${A100},${T4}` })
    assert.deepEqual(word(0, [], false), {})
  })

  it('is nothing where too few are free, or it cannot give them', () => {
    const tooFew = { code: 'RESOURCE_LIMIT_EXCEEDED', details: { reason: 'not-as-offered', resource: 'gpu' } }
    assert.throws(() => gpuGrant(3, TWO_GPUS, RUNTIME), tooFew)
    assert.throws(() => gpuGrant(1, TWO_GPUS, { nvidia: false, cdi: [] }), tooFew)
    assert.throws(() => gpuGrant(1, TWO_GPUS, null), tooFew)
  })
})

function uuids(gpus: Gpu[]): string[] {
  return gpus.map(({ uuid }) => uuid)
}

const spec: ContainerSpec = {
  name: 'job-1',
  image: 'busybox',
  command: [],
  args: [],
  env: {},
  cpuMillis: 100,
  memoryBytes: 1_000,
  storageBytes: 1_000,
  gpu: 1,
  labels: {},
  owner: 'me',
  network: 'none',
}

interface MadeHost {
  DeviceRequests?: { DeviceIDs: string[] }[]
  Devices?: { PathOnHost: string }[]
}

/** An engine with two GPUs that remembers what its containers were made with. */
async function gpuEngine(t: TestContext, gpus: Gpu[] = TWO_GPUS) {
  const made: { Id: string; Names: string[]; State: string; config: MadeHost }[] = []
  const { engine } = await fakeEngine(
    t,
    {
      'GET /info': json({
        Architecture: 'x86_64',
        Runtimes: { nvidia: { path: '/usr/bin/nvidia-container-runtime' } },
      }),
      'GET /containers/json': (response) => json(made)(response),
      'GET /containers/': (response) => {
        const [, id] = /\/containers\/(\w+)\/json/.exec(response.req.url ?? '') ?? []
        const found = made.find(({ Id }) => Id === id)
        json({ HostConfig: found?.config })(response)
      },
      'POST /containers/create': (response, body) => {
        const name = new URL(response.req.url ?? '', 'http://x').searchParams.get('name')
        const { HostConfig: config } = JSON.parse(body)
        made.push({ Id: `c${made.length}`, Names: [`/${name}`], State: 'created', config })
        json({ Id: 'x' }, 201)(response)
      },
    },
    gpus,
  )
  return { engine, made }
}

test('two containers made at once get a GPU each, and a third none', async (t) => {
  const { engine, made } = await gpuEngine(t)
  await Promise.all([engine.create(spec), engine.create({ ...spec, name: 'job-2' })])
  assert.deepEqual(
    made.map(({ config }) => config.DeviceRequests?.[0]?.DeviceIDs),
    [[A100], [T4]],
  )
  const none = { code: 'RESOURCE_LIMIT_EXCEEDED', details: { reason: 'not-as-offered', resource: 'gpu' } }
  await assert.rejects(engine.create({ ...spec, name: 'job-3' }), none)
  const [first] = made
  if (first !== undefined) first.State = 'exited'
  await engine.create({ ...spec, name: 'job-3' })
  assert.deepEqual(made[2]?.config.DeviceRequests, made[0]?.config.DeviceRequests, 'one that has ended needs none')
})

test('a container without GPUs asks for none, and for no list of them', async (t) => {
  const { engine, requests } = await fakeEngine(t, { 'POST /containers/create': json({ Id: '1' }, 201) }, TWO_GPUS)
  await engine.create({ ...spec, gpu: 0 })
  assert.equal('DeviceRequests' in JSON.parse(requests.at(-1)?.body ?? '').HostConfig, false)
  assert.equal(
    requests.some(({ path }) => path.startsWith('GET /containers')),
    false,
  )
})

test('two containers made at once get an AMD card each, and an agent that was started again knows who has which', async (t) => {
  const { engine, made } = await gpuEngine(t, AMD)
  await Promise.all([engine.create(spec), engine.create({ ...spec, name: 'job-2' })])
  const nodes = () => made.map(({ config }) => config.Devices?.map(({ PathOnHost }) => PathOnHost).at(-1))
  assert.deepEqual(nodes(), ['/dev/dri/renderD128', '/dev/dri/renderD129'])
  const [first] = made
  if (first !== undefined) first.State = 'dead'
  await engine.create({ ...spec, name: 'job-3' })
  assert.equal(nodes()[2], '/dev/dri/renderD128')
})

test('a container gets a GPU of the kind that was offered, and none that is not well', async (t) => {
  const [a100 = aGpu(), t4 = aGpu()] = TWO_GPUS
  const { engine, made } = await gpuEngine(t, [{ ...a100, problem: 'is too hot' }, a100, t4].slice(1))
  await engine.create({ ...spec, gpuKind: kindOf(t4) })
  assert.deepEqual(made[0]?.config.DeviceRequests?.[0]?.DeviceIDs, [T4])
  const ill = await gpuEngine(t, [{ ...a100, problem: 'is too hot' }])
  await assert.rejects(ill.engine.create(spec), { code: 'RESOURCE_LIMIT_EXCEEDED' })
})
