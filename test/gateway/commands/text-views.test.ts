/** What people read of one thing shows all that programs are told of it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Job, Provider } from '../../../gateway/client/index.ts'
import { jobRows } from '../../../gateway/commands/job-show.ts'
import { GPU_EXAMPLE } from '../../../gateway/contract/gpus.ts'
import { JOB_EXAMPLE, jobSchema } from '../../../gateway/contract/jobs.ts'
import { PROVIDER_EXAMPLE, providerSchema } from '../../../gateway/contract/providers.ts'
import { allRows, fieldRows } from '../../../node/commands/field-rows.ts'
import { providerRows } from '../../../node/commands/provider-table.ts'
import { jobSubmissionSchema, splitSecrets } from '../../../protocol/job-spec.ts'

type Path = (string | number)[]

/** Every value within, with the way there. */
function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, one]) => leaves(one, [...path, Array.isArray(value) ? Number(key) : key]))
}

/** The same with another value at that place. */
function changed<T>(whole: T, [key, ...rest]: Path): T {
  if (key === undefined) return other(whole) as T
  const copy = structuredClone(whole) as Record<string | number, unknown>
  copy[key] = changed(copy[key], rest)
  return copy as T
}

function other(value: unknown): unknown {
  if (typeof value === 'number') return value * 2 + 1
  if (typeof value === 'boolean') return !value
  if (typeof value !== 'string') throw new Error('Nothing to change: the sample must be full')
  if (/^\d{4}-/.test(value)) return value.replace(/^\d{4}/, '2020')
  return /^\d+[KMGT]i$/.test(value) ? `7${value}` : `${value}x`
}

function assertShowsAll<T extends object>(sample: T, rowsOf: (item: T) => [string, string][], unshown: string[]): void {
  const text = (item: T): string => JSON.stringify(rowsOf(item))
  const before = text(sample)
  const missing = leaves(sample)
    .filter((path) => text(changed(sample, path)) === before)
    .map((path) => path.join('.'))
  assert.deepEqual(missing, unshown)
}

/** Every field that a submission may have; those that shut each other out are parsed apart. */
const { stdin } = jobSubmissionSchema.parse({ image: 'busybox', stdin: { inline: 'typed' } })
const { imageFrom } = jobSubmissionSchema.parse({ image: 'a', imageFrom: { upload: `sha256:${'0'.repeat(64)}` } })
const FULL = Object.assign(
  jobSubmissionSchema.parse({
    ...{ image: 'busybox', platform: 'linux/arm64', isolation: 'gvisor', provider: 'attic', cpu: 300, memory: '32Mi' },
    ...{ storage: '2Gi', gpu: 1, duration: 60, providerStrategy: 'value', maxPrice: 1, labels: { team: 'red' } },
    gpuRequirements: {
      ...{
        vendor: 'nvidia',
        models: ['h100'],
        minVram: '80Gi',
        minCompute: '9.0',
        cuda: '>=12.4',
        interconnect: 'nvlink',
      },
    },
    constraints: {
      ...{ region: 'eu', labels: { disk: 'fast' }, minUptime: 5, capabilities: ['outputs'], minCpuScore: 900 },
      ...{ minCpuAllScore: 4000, minMemoryBandwidth: '5Gi', minDiskRead: '1Gi', minDiskWrite: '512Mi', minIops: 4000 },
    },
    ...{
      autoExtend: true,
      maxDuration: 120,
      maxAttempts: 4,
      retryOnFailure: true,
      queueTimeout: 9,
      onDisconnect: 'stop',
    },
    ...{ leaseTimeout: 90, command: ['sh'], args: ['-c'], env: { DAY: 'monday' }, secrets: { KEY: 'hidden' } },
    ...{ volumes: [{ name: 'v', mountPath: '/v', size: '1Gi' }], ports: [{ port: 80, public: true }] },
    registryCredentials: { username: 'u', password: 'p', serverAddress: 'docker.io' },
    ...{
      name: 'train',
      imagePullPolicy: 'Always',
      workdir: '/srv',
      user: 'app',
      outputs: '/out',
      stopSignal: 'SIGINT',
    },
    ...{
      stopGraceSeconds: 3,
      network: 'bridge',
      maxNetwork: '3Gi',
      shmSize: '16Mi',
      ulimits: { nofile: 99 },
      pids: 77,
    },
    ...{ init: true, tty: true, inputs: [{ path: '/etc/app.conf', from: { inline: 'retries: 3' } }] },
  }),
  { stdin, imageFrom },
)

const FAILED = {
  ...{ code: 'INTERNAL', message: 'It broke', remedy: 'Do this', fault: 'ours', details: { reason: 'r' } },
  change: { text: 'Raise memory to 1Gi', changes: { memory: '1Gi' } },
}

describe('the text of a job', () => {
  it('is tried with every field that a submission may have', () => {
    assert.deepEqual(Object.keys(FULL).toSorted(), Object.keys(jobSubmissionSchema.shape).toSorted())
    const { constraints } = jobSubmissionSchema.shape
    assert.deepEqual(Object.keys(FULL.constraints).toSorted(), Object.keys(constraints.unwrap().shape).toSorted())
  })

  it('shows all that the API tells of it', async () => {
    const { spec } = splitSecrets(FULL)
    const own = Object.keys(JOB_EXAMPLE)
    const config = Object.fromEntries(Object.entries(spec).filter(([name]) => !own.includes(name)))
    const job: Job = jobSchema.parse({
      ...JOB_EXAMPLE,
      ...Object.fromEntries(Object.entries(spec).filter(([name]) => own.includes(name))),
      ...{ config, status: 'failed', gpu: 2, attempt: 2, health: 'healthy', origin: { batch: 'b' } },
      ...{ scheduledAt: JOB_EXAMPLE.createdAt, startedAt: JOB_EXAMPLE.createdAt, endedAt: JOB_EXAMPLE.createdAt },
      cost: { current: 3, projected: 4, final: 5, claimed: 6, currency: 'USD' },
      results: { exitCode: 3, outputUrl: '/o', leftOut: [{ path: 'a', reason: 'b' }], logProblem: 'lines are gone' },
      error: FAILED,
      waiting: { givesUpAt: JOB_EXAMPLE.createdAt, answered: 2, nearest: FAILED },
      hidden: { secrets: ['KEY'], registryCredentials: true },
      endpoints: [{ port: 80, protocol: 'TCP', url: '/proxy', health: 'answering', address: 'a:1' }],
      events: [{ seq: 1, type: 'created', timestamp: JOB_EXAMPLE.createdAt }],
    })
    const before = JSON.stringify(allRows(job, await jobRows(job)))
    const missing: string[] = []
    for (const path of leaves(job)) if ((await rowsOf(job, path)) === before) missing.push(path.join('.'))
    // Of a cost that is final nothing else is shown; events are shown by `job events`, and the rest of why it waits by `job why`.
    const unshown = [
      ...['cost.current', 'cost.projected', 'cost.currency', 'error.change.changes.memory'],
      ...['code', 'fault', 'details.reason', 'change.text', 'change.changes.memory'].map(
        (it) => `waiting.nearest.${it}`,
      ),
      ...['events.0.seq', 'events.0.timestamp'],
    ]
    assert.deepEqual(missing.toSorted(), unshown.toSorted())
  })

  async function rowsOf(job: Job, path: Path): Promise<string> {
    // Words of a table: any other is none.
    if (path.join('.') === 'error.fault') return 'the table’s words'
    const item = changed(job, path)
    return JSON.stringify(allRows(item, await jobRows(item)))
  }
})

describe('the text of a provider', () => {
  const gpu = {
    ...GPU_EXAMPLE,
    pricePerHour: 2,
    ...{ driver: '5', runtime: '12', compute: '9.0', interconnect: 'sxm' },
  }
  const kinds = [{ ...gpu, migProfile: '1g.10gb' }]
  const provider: Provider = providerSchema.parse({
    ...PROVIDER_EXAMPLE,
    ...{ labels: { rack: 'r' }, emulatedPlatforms: ['linux/arm64'], paused: 'is being drained' },
    capacity: {
      total: { ...PROVIDER_EXAMPLE.capacity.total, gpu: kinds },
      free: { ...PROVIDER_EXAMPLE.capacity.free, gpu: kinds },
    },
    pricing: { ...PROVIDER_EXAMPLE.pricing, network: 0.01, minimum: 0.001 },
    seen: { ...PROVIDER_EXAMPLE.measured, jobs: 3 },
  })

  it('shows all that the API tells of it', () => {
    // The kind of a free GPU is that of one of all; there is one type and one currency.
    const unshown = leaves(kinds[0])
      .map(([name]) => `capacity.free.gpu.0.${name}`)
      .filter((path) => !/count|model|memory|migProfile/.test(path))
    assertShowsAll(provider, (item) => allRows(item, providerRows(item)), ['type', ...unshown, 'pricing.currency'])
  })
})

describe('fields that have no words of their own', () => {
  it('are shown by their names, whatever they hold', () => {
    const shown = { id: [['thing', 'one'] as [string, string]] }
    const item = {
      id: 'one',
      fresh: { limits: [3, 4], off: false, none: 0, of: [{ a: 1 }] },
      empty: {},
      no: null,
      list: [],
    }
    assert.deepEqual(allRows(item, shown), [
      ['thing', 'one'],
      ['fresh.limits', '3 4'],
      ['fresh.off', 'false'],
      ['fresh.none', '0'],
      ['fresh.of', '{"a":1}'],
    ])
    assert.deepEqual(fieldRows(''), [])
  })
})
