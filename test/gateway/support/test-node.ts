import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { systemClock } from '../../../node/clock.ts'
import type { ProviderView } from '../../../node/directory/index.ts'
import type { ClientNode } from '../../../node/index.ts'
import { silentLogger } from '../../../node/logger.ts'
import { ExtensionRefusedError, type Quoted, type Requester, type Waiting } from '../../../node/market/index.ts'
import { cancelled } from '../../../node/market/leases/apply-report.ts'
import { createTally } from '../../../node/market/tally.ts'
import { PeerUnreachableError } from '../../../node/network/index.ts'
import { createReach } from '../../../node/reach/reach.ts'
import { openDatabase } from '../../../node/store/database.ts'
import { JobStateError, type JobStore } from '../../../node/store/index.ts'
import { openJobStore } from '../../../node/store/job-store.ts'
import type { Lease } from '../../../node/store/records.ts'
import { createSecretBox } from '../../../node/store/secret-box.ts'
import type { StoredLine } from '../../../node/store/stored-lines.ts'
import { createUploads } from '../../../node/uploads/uploads.ts'
import { createVolumes } from '../../../node/volumes/volumes.ts'
import { splitSecrets } from '../../../protocol/job-spec.ts'
import { isTerminal } from '../../../protocol/lifecycle.ts'
import { GIB } from '../../../protocol/units.ts'
import { sampleLease } from '../../support/sample-lease.ts'

export const PROVIDER = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
/** A cent an hour, in nano-dollars. */
const CENT_PER_HOUR = 10_000_000n

export function providerView(fields: Partial<ProviderView> = {}): ProviderView {
  const capacity = { cpuMillis: 4000, memoryBytes: 8 * GIB, storageBytes: 100 * GIB, gpu: 0 }
  return {
    provider: PROVIDER,
    name: 'attic',
    incarnation: 1,
    sequence: 1,
    intervalMs: 15_000,
    total: capacity,
    free: { ...capacity, cpuMillis: 1000 },
    prices: {
      cpuPerCoreHour: CENT_PER_HOUR,
      memoryPerGbHour: 0n,
      storagePerGbHour: 0n,
      gpuPerHour: 0n,
      networkPerGb: 0n,
      minimumPerJob: 0n,
      volumePerGbHour: 0n,
    },
    region: 'eu',
    labels: {},
    capabilities: ['extend'],
    version: '0.1.0',
    architecture: 'amd64',
    addresses: [],
    uptimeSeconds: 60,
    pausedReason: '',
    impaired: false,
    jobsCompleted: 2,
    jobsFailed: 1,
    gpus: [],
    measured: null,
    hardware: null,
    platforms: ['linux/amd64'],
    emulatedPlatforms: [],
    isolations: [{ isolation: 'container', factorMillis: 1_000 }],
    status: 'online',
    firstSeenMs: 1_700_000_000_000,
    lastSeenMs: 1_700_000_060_000,
    latencyMs: 12,
    ...fields,
  }
}

export interface TestNode {
  node: ClientNode
  store: JobStore
  providers: ProviderView[]
  /** What the market says, to be changed by tests. */
  market: { quoted: Quoted; waiting: Waiting | null; askedAgain: string[] }
  /** Has the directory say that something about a provider changed. */
  tellDirectory(provider: ProviderView): void
  /** Moves a job along as a provider would. */
  play: ReturnType<typeof createPlayer>
  close(): Promise<void>
}

/** A client node with a real job store, and a requester that only does what a test says. */
export async function openTestNode(): Promise<TestNode> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
  const store = await openJobStore({
    database: await openDatabase(folder),
    secretBox: createSecretBox('key'),
    clock: systemClock,
  })
  const providers = [providerView()]
  const market: TestNode['market'] = { quoted: QUOTED, waiting: null, askedAgain: [] }
  const uploads = createUploads(
    { store, clock: systemClock, logger: silentLogger, refusal: async () => null },
    { folder: join(folder, 'uploads') },
  )
  await uploads.start()
  const privateKey = await generateKeyPair('Ed25519')
  const listeners = new Set<(provider: ProviderView) => void>()
  const directory: ClientNode['directory'] = {
    list: () => providers,
    get: (id) => providers.find((one) => one.provider === id),
    onChange(callback) {
      listeners.add(callback)
      return () => listeners.delete(callback)
    },
  }
  const network = {
    open: async (): Promise<never> => {
      throw new PeerUnreachableError('Nobody is there')
    },
  } as unknown as ClientNode['network']
  const node: ClientNode = {
    market: { name: 'test', isPrivate: false },
    store,
    requester: scriptedRequester(store, market),
    directory,
    volumes: createVolumes({
      ...{ network, networkName: 'test', privateKey, directory, store, clock: systemClock },
      logger: silentLogger,
    }),
    network: {
      peerId: 'requester',
      peers: () => [PROVIDER],
      addresses: () => ['/ip4/127.0.0.1/tcp/13100/p2p/requester', '/ip4/192.0.2.1/tcp/13100/p2p/requester'],
      counters: () => ({
        peers: 1,
        relayed: 0,
        listeners: { announcements: 1, requests: 1 },
        published: 2,
        delivered: 3,
        heard: { announcements: 2, requests: 1 },
        refused: { TOO_LARGE: 4 },
      }),
      traffic: () => [{ peer: PROVIDER, receivedBytes: 3_000, sentBytes: 500 }],
    } as unknown as ClientNode['network'],
    reach: unreachable(store),
    uploads,
    outputs: { open: async () => null, forget: async () => undefined },
    stop: async () => {},
  }
  return {
    node,
    store,
    providers,
    market,
    play: createPlayer(store),
    tellDirectory(provider) {
      for (const listener of listeners) listener(provider)
    },
    async close() {
      await uploads.stop()
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Containers whose providers are all out of reach. */
function unreachable(store: JobStore): ClientNode['reach'] {
  const open = async (): Promise<never> => {
    throw new PeerUnreachableError('Nobody is there')
  }
  return createReach({ network: { open } as unknown as ClientNode['network'], store, clock: systemClock })
}

const QUOTED: Quoted = {
  nearest: null,
  helps: [],
  quotes: [
    {
      ...{ provider: PROVIDER, name: 'attic', pricePerHour: CENT_PER_HOUR, minimumCharge: 20_000_000n },
      ...{ pricePerGb: 0n, volumePerGbHour: 0n, gpu: null, platform: 'linux/amd64', emulated: false },
      ...{ isolation: 'container', missingBytes: 67_108_864, waitMs: 6_400, score: 1, reason: 'the cheapest' },
    },
    {
      ...{ provider: 'other', name: 'cellar', pricePerHour: null, minimumCharge: null, pricePerGb: null },
      ...{ volumePerGbHour: null, gpu: null, platform: null, emulated: false, isolation: null, missingBytes: null },
      ...{ waitMs: null, score: null, reason: 'has 100m CPU free' },
    },
  ],
}

function scriptedRequester(store: JobStore, market: TestNode['market']): Requester {
  return {
    submit: async ({ spec, hold = false, ...job }) => await store.create({ ...job, ...splitSecrets(spec), held: hold }),
    async release(id) {
      const { job } = await store.change(id, (draft) => {
        if (draft.job.state.status === 'pending') draft.refine('pending', { held: false })
      })
      return job
    },
    async cancel(id) {
      const { job } = await store.change(id, (draft) => {
        const { state } = draft.job
        if (isTerminal(state.status)) throw new JobStateError(state.status, ['pending', 'scheduled', 'running'])
        draft.patch({ cancelRequestedAtMs: 1 })
        if (state.status === 'pending' && state.held === true) cancelled(draft, null, draft.nowMs)
      })
      return job
    },
    async extend(id, seconds) {
      const { job } = await store.change(id, (draft) => {
        if (draft.job.state.status !== 'running') throw new ExtensionRefusedError('The provider does not extend')
        draft.patch({ durationSeconds: draft.job.durationSeconds + seconds })
      })
      return job
    },
    resolveImage: async () => null,
    waiting: () => market.waiting,
    askAgain: ({ id }) => void market.askedAgain.push(id),
    quote: async () => market.quoted,
    counters: () => ({ jobs: 0 }),
    seen: () => null,
    tally: createTally().totals,
  }
}

function testLease(fields: Partial<Lease> = {}): Lease {
  return sampleLease({ provider: PROVIDER, pricePerHour: String(CENT_PER_HOUR), ...fields })
}

function createPlayer(store: JobStore) {
  let lines = 0
  return {
    async schedule(id: string, lease: Partial<Lease> = {}): Promise<void> {
      await store.change(id, (draft) => {
        const to = { status: 'scheduled', lease: testLease(lease), scheduledAtMs: 1_700_000_000_100 } as const
        draft.transition({ expect: ['pending'], to, by: 'provider', event: 'scheduled' })
      })
    },
    async start(id: string, lease: Partial<Lease> = {}): Promise<void> {
      await this.schedule(id, lease)
      await store.change(id, (draft) => {
        const times = { scheduledAtMs: 1_700_000_000_100, startedAtMs: 1_700_000_000_200 }
        const to = { status: 'running', lease: testLease(lease), ...times } as const
        draft.transition({ expect: ['scheduled'], to, by: 'provider', event: 'started' })
      })
    },
    async log(id: string, ...texts: string[]): Promise<void> {
      await this.output(id, ...texts.map((line) => ({ line, partial: false })))
    },
    /** Lines that are not just text. */
    async output(id: string, ...written: Pick<StoredLine, 'line' | 'base64' | 'partial'>[]): Promise<void> {
      await store.change(id, (draft) => {
        const first = draft.job.logs.lines - draft.job.logs.offset + 1
        draft.logs(
          first,
          written.map((line) => {
            lines += 1
            return { ...line, timestampMs: 1_700_000_000_000 + lines * 1000, stream: 'stdout' }
          }),
        )
      })
    },
    /** A sample of its use: so many millicores. */
    async sample(id: string, timestampMs: number, cpuMillis: number): Promise<void> {
      const nothing = { memoryBytes: 0, rxBytes: 0, txBytes: 0, storageBytes: null }
      await store.change(id, (draft) => draft.metric({ timestampMs, cpuMillis, ...nothing }))
    },
    /** Its provider is lost, and it waits for another. */
    async lose(id: string): Promise<void> {
      await store.change(id, (draft) => {
        const to = { status: 'pending' as const, award: null, waitOutMs: 0, excluded: [], lost: null }
        draft.transition({ expect: ['scheduled', 'running'], to, by: 'requester', event: 'lost' })
        draft.patch({ attempt: draft.job.attempt + 1 })
      })
    },
    async fail(id: string, exitCode: number | null): Promise<void> {
      await store.change(id, (draft) => {
        const times = { scheduledAtMs: 1_700_000_000_100, startedAtMs: 1_700_000_000_200, endedAtMs: 1_700_000_036_200 }
        const failure = { code: 'NON_ZERO_EXIT', message: 'It failed.', remedy: '', details: {} } as const
        const to = { status: 'failed', lease: testLease(), exitCode, failure, ...times } as const
        draft.transition({ expect: ['running'], to, by: 'provider', event: 'failed' })
      })
    },
    async complete(id: string, lease: Partial<Lease> = {}, logProblem?: string): Promise<void> {
      await store.change(id, (draft) => {
        if (logProblem !== undefined) draft.patch({ logProblem })
        const times = { scheduledAtMs: 1_700_000_000_100, startedAtMs: 1_700_000_000_200, endedAtMs: 1_700_000_036_200 }
        const to = { status: 'completed', lease: testLease(lease), exitCode: 0, ...times } as const
        draft.transition({ expect: ['running'], to, by: 'provider', event: 'completed' })
      })
    },
  }
}
