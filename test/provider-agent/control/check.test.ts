import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ProviderView } from '../../../node/directory/index.ts'
import { jobSubmissionSchema, resourcesOf } from '../../../protocol/job-spec.ts'
import { quote } from '../../../protocol/quote.ts'
import { GIB } from '../../../protocol/units.ts'
import { checkSelf, type Facts, TYPICAL_JOB } from '../../../provider-agent/control/check.ts'
import type { Finding } from '../../../provider-agent/control/finding.ts'
import { PLAIN_WALL } from '../../../provider-agent/isolation/walls.ts'
import { DEFAULT_PRICES } from '../../../provider-agent/prices/default-prices.ts'
import { TWO_GPUS } from '../../support/gpus.ts'

const ROOM = { cpuMillis: 4_000, memoryBytes: 8 * GIB, storageBytes: 100 * GIB, gpu: 0 }
const OWN = quote(TYPICAL_JOB, DEFAULT_PRICES)

/** Somebody who asks for a share of the usual price. */
function rival(percent: bigint, more: Partial<ProviderView> = {}): ProviderView {
  const prices = Object.fromEntries(
    Object.entries(DEFAULT_PRICES).map(([name, price]) => [name, (price * percent) / 100n]),
  ) as unknown as ProviderView['prices']
  return {
    provider: `rival-${percent}`,
    status: 'online',
    pausedReason: '',
    impaired: false,
    free: ROOM,
    prices,
    ...more,
  } as ProviderView
}

const FACTS: Facts = {
  peerId: 'me',
  addresses: ['/ip4/192.0.2.1/tcp/1'],
  peers: 3,
  providers: [],
  refusal: null,
  terms: OWN,
  paused: null,
  draining: false,
  capabilities: ['network-isolation'],
  gpus: [],
  unsoldGpus: [],
  announceProblem: null,
  isolations: [{ ...PLAIN_WALL, problem: null }],
  shared: { limits: { inotifyInstances: 128, terminals: 4096 }, connectionsAreCounted: true },
  yielding: { weight: 10, inSwarm: false, problem: null },
  bandwidth: { rate: null, problem: null },
}

const GVISOR = { isolation: 'gvisor', runtime: 'runsc', factorMillis: 1_200 } as const

const CASES: [what: string, facts: Partial<Facts>, finding: Partial<Finding>, text: RegExp][] = [
  ['all is well', {}, { subject: 'ready', level: 'ok' }, /answers/],
  [
    'no engine',
    { paused: 'has no container engine at the moment' },
    { subject: 'ready', level: 'problem' },
    /no container engine/,
  ],
  [
    'the last announcement could not be made',
    { announceProblem: 'WireError: gpus must be from 0 to 16' },
    { subject: 'announcing', level: 'problem' },
    /not made.*gpus must be from 0 to 16/,
  ],
  [
    'one class does not work',
    {
      isolations: [
        { ...PLAIN_WALL, problem: null },
        { ...GVISOR, problem: 'the engine has no runtime runsc' },
      ],
    },
    { subject: 'walls', level: 'note' },
    /^container; gvisor \(runsc\) is not sold: the engine has no runtime runsc; it tries again/,
  ],
  [
    'the default does not work',
    {
      isolations: [
        { ...PLAIN_WALL, problem: 'it\nfailed' },
        { ...GVISOR, problem: null },
      ],
    },
    { subject: 'walls', level: 'problem' },
    /^container is not sold: it failed; gvisor/,
  ],
  [
    'GPUs, and no class under which they are given',
    { gpus: TWO_GPUS, isolations: [{ ...GVISOR, problem: null }] },
    { subject: 'gpus', level: 'note' },
    /^sells none: jobs under gvisor are given no GPUs; --isolation container=runc/,
  ],
  ['drained', { paused: 'is drained', draining: true }, { subject: 'ready', level: 'problem' }, /cortex agent resume/],
  ['nobody there now', { peers: 0 }, { subject: 'connectivity', level: 'note' }, /--bootstrap/],
  [
    'nobody there, and no address',
    { peers: 0, addresses: [] },
    { subject: 'connectivity', level: 'problem' },
    /--bootstrap/,
  ],
  ['no address', { addresses: [] }, { subject: 'connectivity', level: 'note' }, /--listen/],
  [
    'too small',
    { refusal: { code: 'OVER_TOTAL_CAPACITY', message: 'offers 500m CPU in all, 1000m CPU asked' } },
    { subject: 'policy', level: 'problem' },
    /500m CPU in all/,
  ],
  ['the only seller', {}, { subject: 'price', level: 'ok' }, /nobody else/],
  ['the cheapest', { providers: [rival(100n), rival(150n)] }, { subject: 'price', level: 'ok' }, /none of 2 others/],
  [
    'too dear',
    { providers: [rival(50n), rival(150n)] },
    { subject: 'price', level: 'problem' },
    /1 of 2 others ask less/,
  ],
  [
    'cheaper ones that are full',
    { providers: [rival(50n, { free: { ...ROOM, cpuMillis: 500 } })] },
    { subject: 'price', level: 'ok' },
    /nobody else/,
  ],
  [
    'cheaper ones that are away',
    { providers: [rival(50n, { status: 'offline' })] },
    { subject: 'price', level: 'ok' },
    /nobody else/,
  ],
  [
    'cheaper ones that rest',
    { providers: [rival(50n, { pausedReason: 'x' })] },
    { subject: 'price', level: 'ok' },
    /nobody else/,
  ],
  [
    'itself in the directory',
    { providers: [rival(50n, { provider: 'me' })] },
    { subject: 'price', level: 'ok' },
    /nobody else/,
  ],
  [
    'quotas',
    { capabilities: ['storage-quota', 'volume-quota'] },
    { subject: 'storage', level: 'ok' },
    /holds jobs to their storage/,
  ],
  [
    'a quota for volumes missing',
    { capabilities: ['storage-quota'] },
    { subject: 'storage', level: 'note' },
    /does not offer volume-quota: use is measured/,
  ],
  ['no firewall', { capabilities: [] }, { subject: 'isolation', level: 'note' }, /needs root/],
  [
    'GPUs',
    { gpus: TWO_GPUS },
    { subject: 'gpus', level: 'ok' },
    /sells 1 NVIDIA A100-SXM4-40GB \(40 GiB\), 1 Tesla T4 \(15 GiB\)/,
  ],
  [
    'a GPU that is not well',
    { gpus: TWO_GPUS, unsoldGpus: [{ name: 'Tesla T4 (GPU-1)', reason: 'is too hot (94 C): look after its cooling' }] },
    { subject: 'gpus', level: 'note' },
    /; Tesla T4 \(GPU-1\) is too hot/,
  ],
  [
    'entry 21: what no engine bounds is named, with its figure and the remedy',
    {},
    { subject: 'shared', level: 'note' },
    /use up inotify instances \(128 .*terminals \(4096\), file locks: raise fs\.inotify\.max_user_instances.*runsc/,
  ],
  [
    'entry 21: connections that nobody counts',
    { shared: { limits: null, connectionsAreCounted: false } },
    { subject: 'shared', level: 'note' },
    /use up the connections that the machine tracks/,
  ],
  [
    'entry 21: a kernel of their own',
    { shared: { limits: null, connectionsAreCounted: true } },
    { subject: 'shared', level: 'ok' },
    /kernel of their own/,
  ],
  [
    'jobs that yield',
    {},
    { subject: 'yielding', level: 'ok' },
    /weigh 10 where any program of yours weighs 100: of the/,
  ],
  [
    'jobs that yield to containers alone',
    { yielding: { weight: 10, inSwarm: false, problem: 'no group of their own can be made for them: EACCES' } },
    { subject: 'yielding', level: 'note' },
    /weigh 10 .* against other containers alone: no group .*: EACCES; run the agent as root/,
  ],
  [
    'jobs that need not yield',
    { yielding: { weight: 100, inSwarm: false, problem: null } },
    { subject: 'yielding', level: 'ok' },
    /as much as your own programs, as --job-weight says/,
  ],
  [
    'jobs of a swarm',
    { yielding: { weight: 10, inSwarm: true, problem: null } },
    { subject: 'yielding', level: 'note' },
    /a swarm cannot weigh/,
  ],
  [
    'a bandwidth that holds',
    { bandwidth: { rate: 100e6, problem: null } },
    { subject: 'bandwidth', level: 'ok' },
    /receive and send at most 100Mbit each/,
  ],
  [
    'a bandwidth that does not hold',
    { bandwidth: { rate: 64e3, problem: 'there is no program tc' } },
    { subject: 'bandwidth', level: 'note' },
    /not held to 64kbit: there is no program tc; run the agent as root .*iproute2/,
  ],
]

describe('what an agent finds of itself', () => {
  for (const [what, facts, expected, text] of CASES) {
    it(`${what}: ${expected.subject} ${expected.level}`, () => {
      const finding = checkSelf({ ...FACTS, ...facts }).find(({ subject }) => subject === expected.subject)
      assert.equal(finding?.level, expected.level)
      assert.match(finding?.text ?? '', text)
    })
  }

  it('is asked of a job that says nothing but its image', () => {
    const spec = jobSubmissionSchema.parse({ image: 'busybox' })
    assert.deepEqual([TYPICAL_JOB.resources, TYPICAL_JOB.durationSeconds], [resourcesOf(spec), spec.duration])
  })
})
