/**
 * No GPU was at hand: what the tools say is taken from NVIDIA's manual of `nvidia-smi` and Docker's API reference, and
 * what the engine is asked for is looked at where it would receive it.
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext, test } from 'node:test'
import { parseGpus } from '../../../provider-agent/engine/find-gpus.ts'
import { freeGpus, gpuClaims, gpuRequests } from '../../../provider-agent/engine/gpus.ts'
import type { ContainerSpec, Gpu, GpuClaim } from '../../../provider-agent/engine/index.ts'
import { fakeEngine, json } from './fake-server.ts'

const GIB = 2 ** 30
const A100 = 'GPU-5d4d5a1f-6a4e-0d4b-7a0c-2f1a0e6b9c11'
const T4 = 'GPU-c9f3a8e2-11aa-4b1e-9d7e-8f00aa00bb22'
const GPUS: Gpu[] = [
  { index: 0, uuid: A100, model: 'NVIDIA A100-SXM4-40GB', memoryBytes: 40 * GIB },
  { index: 1, uuid: T4, model: 'Tesla T4', memoryBytes: 15 * GIB },
]

describe('what nvidia-smi lists', () => {
  const cases: [what: string, output: string, gpus: Gpu[]][] = [
    ['two models', `0, ${A100}, NVIDIA A100-SXM4-40GB, 40960\n1, ${T4}, Tesla T4, 15360\n`, GPUS],
    ['lines of Windows', `0, ${A100}, NVIDIA A100-SXM4-40GB, 40960\r\n`, GPUS.slice(0, 1)],
    ['nothing', '', []],
    ['no device', 'No devices were found\n', []],
    [
      'no driver',
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n\n",
      [],
    ],
    [
      'one that fell off the bus',
      `0, ${A100}, [Unknown Error], [Unknown Error]\n1, ${T4}, Tesla T4, 15360\n`,
      [GPUS[1] as Gpu],
    ],
    ['one that shares memory with the CPU', `0, ${A100}, NVIDIA Tegra NVIDIA GB10, [N/A]\n`, []],
    ['a field that the driver does not have', `0, ${A100}, Tesla K80, [Not Supported]\n`, []],
    [
      'a quote in a name',
      `0, ${A100}, NVIDIA "A100", 1\n`,
      [{ ...(GPUS[0] as Gpu), model: 'NVIDIA "A100"', memoryBytes: 2 ** 20 }],
    ],
  ]
  for (const [what, output, gpus] of cases) it(what, () => assert.deepEqual(parseGpus(output), gpus))
})

describe('who has which GPU', () => {
  const cases: [what: string, claims: GpuClaim[], free: string[]][] = [
    ['nobody', [], [A100, T4]],
    ['all of them', [{ first: null }], []],
    ['the first', [{ first: 1 }], [T4]],
    ['more than there are', [{ first: 9 }], []],
    ['one by its uuid', [{ ids: [T4] }], [A100]],
    ['one by its place', [{ ids: ['0'] }], [T4]],
    ['one by its CDI name', [{ ids: ['nvidia.com/gpu=1'] }], [A100]],
    ['all by the CDI name', [{ ids: ['nvidia.com/gpu=all'] }], []],
    ['two containers the same', [{ ids: [A100] }, { first: 1 }], [T4]],
  ]
  for (const [what, claims, free] of cases) {
    it(what, () => {
      assert.deepEqual(
        freeGpus(GPUS, claims).map(({ uuid }) => uuid),
        free,
      )
    })
  }

  it('is read from what containers were made with', () => {
    const gpu = { Capabilities: [['gpu']] }
    assert.deepEqual(gpuClaims(null), [])
    assert.deepEqual(gpuClaims([{ Driver: '', Count: -1, ...gpu }]), [{ first: null }])
    assert.deepEqual(gpuClaims([{ Driver: 'nvidia', Count: 2, ...gpu }]), [{ first: 2 }])
    assert.deepEqual(gpuClaims([{ Driver: '', Count: 0, DeviceIDs: [T4], ...gpu }]), [{ ids: [T4] }])
    assert.deepEqual(gpuClaims([{ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=0'] }]), [{ ids: ['nvidia.com/gpu=0'] }])
    assert.deepEqual(gpuClaims([{ Driver: 'cdi', DeviceIDs: ['vendor.com/net=eth0'] }]), [])
  })

  it('is asked for by the name that the engine knows', () => {
    const cdi = (devices: string[]) => gpuRequests(2, GPUS, { kind: 'cdi', devices })[0]?.DeviceIDs
    assert.deepEqual(cdi(['nvidia.com/gpu=0', 'nvidia.com/gpu=1']), ['nvidia.com/gpu=0', 'nvidia.com/gpu=1'])
    assert.deepEqual(cdi([`nvidia.com/gpu=${A100}`]), [`nvidia.com/gpu=${A100}`, 'nvidia.com/gpu=1'])
    const tooFew = { code: 'RESOURCE_LIMIT_EXCEEDED', details: { resource: 'gpu' } }
    assert.throws(() => gpuRequests(3, GPUS, { kind: 'nvidia' }), tooFew)
    assert.throws(() => gpuRequests(1, GPUS, null), tooFew)
  })
})

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

/** An engine with two GPUs that remembers what its containers were made with. */
async function gpuEngine(t: TestContext) {
  const made: { Id: string; Names: string[]; State: string; requests: unknown }[] = []
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
        json({ HostConfig: { DeviceRequests: found?.requests } })(response)
      },
      'POST /containers/create': (response, body) => {
        const name = new URL(response.req.url ?? '', 'http://x').searchParams.get('name')
        const { HostConfig: config } = JSON.parse(body)
        made.push({ Id: `c${made.length}`, Names: [`/${name}`], State: 'created', requests: config.DeviceRequests })
        json({ Id: 'x' }, 201)(response)
      },
    },
    GPUS,
  )
  return { engine, made }
}

test('two containers made at once get a GPU each, and a third none', async (t) => {
  const { engine, made } = await gpuEngine(t)
  await Promise.all([engine.create(spec), engine.create({ ...spec, name: 'job-2' })])
  assert.deepEqual(
    made.map(({ requests }) => requests),
    [
      [{ Driver: '', DeviceIDs: [A100], Capabilities: [['gpu']] }],
      [{ Driver: '', DeviceIDs: [T4], Capabilities: [['gpu']] }],
    ],
  )
  const none = { code: 'RESOURCE_LIMIT_EXCEEDED', details: { resource: 'gpu' } }
  await assert.rejects(engine.create({ ...spec, name: 'job-3' }), none)
  const [first] = made
  if (first !== undefined) first.State = 'exited'
  await engine.create({ ...spec, name: 'job-3' })
  assert.deepEqual(made[2]?.requests, made[0]?.requests, 'one that has ended needs none')
})

test('a container without GPUs asks for none, and for no list of them', async (t) => {
  const { engine, requests } = await fakeEngine(t, { 'POST /containers/create': json({ Id: '1' }, 201) }, GPUS)
  await engine.create({ ...spec, gpu: 0 })
  assert.equal('DeviceRequests' in JSON.parse(requests.at(-1)?.body ?? '').HostConfig, false)
  assert.equal(
    requests.some(({ path }) => path.startsWith('GET /containers')),
    false,
  )
})
