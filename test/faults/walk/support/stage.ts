/** Where the rows of `protocol/failures.ts` are brought about: a market on the real engine, with two sellers for each row. */

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startClientNode } from '../../../../node/client-node.ts'
import { type Clock, systemClock } from '../../../../node/clock.ts'
import type { ClientNode } from '../../../../node/index.ts'
import { silentLogger } from '../../../../node/logger.ts'
import type { FollowerTimes } from '../../../../node/market/leases/lease-follower.ts'
import type { JobRecord } from '../../../../node/store/index.ts'
import { leaseOf } from '../../../../node/store/records.ts'
import { type JobSubmission, jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import { isTerminal } from '../../../../protocol/lifecycle.ts'
import { parseUsd } from '../../../../protocol/money.ts'
import type { ContainerEngine } from '../../../../provider-agent/engine/index.ts'
import { DEFAULT_PRICES } from '../../../../provider-agent/prices/default-prices.ts'
import { openMarket, type Seller, type SellerInit, type TestMarket } from '../../../integration/support/market.ts'
import { type PlainLease, sellPlainly } from '../../../integration/support/plain-lease.ts'
import { until } from '../../../support/until.ts'

/** What every seller here asks at least, in nano-dollars: much more than the time of any of these jobs costs. */
export const MINIMUM = parseUsd('0.01') ?? 0n
const PRICES = { ...DEFAULT_PRICES, minimumPerJob: MINIMUM }

/** Of whoever asks, in ms: a machine that has no time for a seller makes it none that is lost. */
const PATIENT = { lostAfterMs: 300_000 }
/** The same for jobs that nobody takes, in seconds. */
const QUEUE_TIMEOUT = 600

/** In the environment of every container here: which row it is for. */
const ROW = 'ROW'

/** Stands before the engine of a pair's first (0) or second (1) seller, for one row's containers. */
export type Fault = (engine: ContainerEngine, which: number) => Partial<ContainerEngine>

/** Two sellers that take the same jobs. */
export interface Pair {
  label: string
  sellers: Seller[]
  /** By row. */
  faults: Map<string, Fault>
}

/** One row's part of a market. */
export interface Stage {
  readonly market: TestMarket
  /** Who asks: of this row alone where it speaks against a provider in everybody's eyes, or rows could not be told apart. */
  readonly node: ClientNode
  /** Whose jobs are this row's alone: what he sees of providers nobody else does. */
  readonly owner: string
  /** The same jobs at other sellers. @default those of all rows */
  at(pair: Pair): Promise<Stage>
  fault(fault: Fault): void
  /** Has this row's jobs taken by two providers of another make, which say on a lease stream what they like. */
  strangers(lease: (line: PlainLease) => Promise<void>): Promise<void>
  job(script: string, changes?: Partial<JobSubmission>): JobSubmission
  /** @param node whom it is given. @default the row's */
  submit(submission: JobSubmission, node?: ClientNode): Promise<JobRecord>
  ended(id: string, node?: ClientNode): Promise<JobRecord>
  run(script: string, changes?: Partial<JobSubmission>): Promise<JobRecord>
  /** Does something to each attempt that runs, or has a provider at least, until the job has ended. */
  eachAttempt(id: string, status: 'scheduled' | 'running', act: (provider: string) => Promise<void>): Promise<JobRecord>
}

/** What a row brought about. */
export interface Brought {
  job: JobRecord
  node: ClientNode
}

/** How a row is brought about. */
export interface Way {
  /** In the test's title. */
  how: string
  /** Why it cannot be brought about here. @default it can */
  skip?: string | false
  /** Those of whoever asks, in ms, where nobody is to wait for the usual. */
  times?: Partial<FollowerTimes>
  bring(stage: Stage): Promise<Brought | JobRecord>
}

/** By code and reason, as in `NETWORK_ERROR provider-silent`; a code's own row by the code alone. */
export type Ways = Record<string, Way>

export interface WalkMarket {
  readonly market: TestMarket
  stage(owner: string, init: { ownNode: boolean; times?: Partial<FollowerTimes> | undefined }): Promise<Stage>
}

/** @param shared what the two sellers of all rows are, where a row does not bring others */
export async function openWalkMarket(shared: SellerInit = {}): Promise<WalkMarket> {
  const market = await openMarket({ times: PATIENT })
  try {
    const pair = await addPair(market, 'all', () => shared)
    return {
      market,
      async stage(owner, { ownNode, times = {} }) {
        const node = ownNode ? (await openNode(market, owner, { times })).node : market.node
        return await createStage({ market, node, owner }, pair)
      },
    }
  } catch (error) {
    await market.close()
    throw error
  }
}

export async function addPair(market: TestMarket, label: string, initOf: (which: number) => SellerInit): Promise<Pair> {
  const faults: Pair['faults'] = new Map()
  const add = async (which: number): Promise<Seller> => {
    const init = initOf(which)
    return await market.addSeller({
      name: `${label} ${which}`,
      ...init,
      caps: { cpuMillis: 4_000, ...init.caps },
      agent: { prices: PRICES, labels: { pair: label }, storageMs: 500, ...init.agent },
      around: (engine) => faulty(init.around?.(engine) ?? engine, which, faults),
    })
  }
  return { label, faults, sellers: await Promise.all([0, 1].map(add)) }
}

function faulty(engine: ContainerEngine, which: number, faults: Pair['faults']): ContainerEngine {
  const rows = new Map<string, string | undefined>()
  const forRow = (row = ''): ContainerEngine => ({ ...engine, ...faults.get(row)?.(engine, which) })
  return {
    ...engine,
    async create(spec, options) {
      rows.set(spec.name, spec.env[ROW])
      await forRow(spec.env[ROW]).create(spec, options)
    },
    start: async (name, options) => await forRow(rows.get(name)).start(name, options),
    remove: async (name, options) => await forRow(rows.get(name)).remove(name, options),
  }
}

export interface OwnNode {
  /** @throws while it is away */
  readonly node: ClientNode
  stop(): Promise<void>
  /** As the same, on what it has on its disk. */
  restart(): Promise<void>
}

/** A peer of its own that asks, ended with the market. */
export async function openNode(
  market: TestMarket,
  name: string,
  init: { isAlone?: true; clock?: Clock; times?: Partial<FollowerTimes>; allowRegistries?: string[] } = {},
): Promise<OwnNode> {
  const { isAlone = false, clock = systemClock, times = {}, allowRegistries = [] } = init
  const folder = name.replaceAll(' ', '-')
  const start = async (): Promise<ClientNode> =>
    await startClientNode(
      { logger: silentLogger, clock },
      {
        networkName: isAlone ? `${market.network}-${folder}` : market.network,
        ...{ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: isAlone ? [] : market.bootstrap, mdns: false },
        ...{ dataFolder: join(market.folder, folder), times: { ...PATIENT, ...times }, allowRegistries },
      },
    )
  let node: ClientNode | null = await start()
  const own: OwnNode = {
    get node() {
      if (node === null) throw new Error('It is away')
      return node
    },
    async stop() {
      await node?.stop()
      node = null
    },
    async restart() {
      node = await start()
    },
  }
  market.defer(own.stop)
  return own
}

export async function knowing(node: ClientNode, providers: { id: string }[]): Promise<void> {
  await until(() => providers.every(({ id }) => node.directory.get(id)?.status === 'online'))
}

async function createStage(who: { market: TestMarket; node: ClientNode; owner: string }, pair: Pair): Promise<Stage> {
  const { market, owner } = who
  let { label } = pair
  await knowing(who.node, pair.sellers)
  const stage: Stage = {
    ...who,
    at: async (other) => await createStage(who, other),
    fault: (fault) => void pair.faults.set(owner, fault),
    async strangers(lease) {
      label = owner
      const peers = [0, 1].map(async () => {
        const takes = ({ labels }: { labels: Record<string, string> }): boolean => labels.pair === owner
        const terms = { pricePerHour: 1_000_000n, minimumCharge: MINIMUM, pricePerGb: 0n, volumePerGbHour: 0n }
        const peer = await sellPlainly(market, { ...terms, takes, lease })
        market.defer(peer.stop)
        return peer
      })
      await knowing(who.node, await Promise.all(peers))
    },
    job: (script, changes = {}) =>
      market.job(script, {
        ...{ constraints: { labels: { pair: label } }, env: { [ROW]: owner }, maxAttempts: 2 },
        ...{ queueTimeout: QUEUE_TIMEOUT, ...changes },
      }),
    submit: async (submission, node = who.node) =>
      (await node.requester.submit({ owner, spec: jobSubmissionSchema.parse(submission) })).job,
    ended: async (id, node = who.node) => await followed(node, id, async () => undefined),
    run: async (script, changes) => await stage.ended((await stage.submit(stage.job(script, changes))).id),
    async eachAttempt(id, status, act) {
      let seen = 0
      return await followed(who.node, id, async ({ state, attempt }) => {
        const isSo = state.status === 'running' || state.status === status
        if (!isSo || attempt <= seen) return
        seen = attempt
        await act(state.lease.provider)
      })
    },
  }
  return stage
}

/** The job as it has ended; looked at again and again until then. */
async function followed(node: ClientNode, id: string, look: (job: JobRecord) => Promise<void>): Promise<JobRecord> {
  for (;;) {
    const job = await node.store.get(id)
    if (job !== undefined && isTerminal(job.state.status)) return job
    if (job !== undefined) await look(job)
    await delay(20)
  }
}

/** Every lease that a job had, from the first on. */
export function leasesOf(job: JobRecord) {
  const last = leaseOf(job)
  return [...job.pastLeases, ...(last === null ? [] : [last])]
}
