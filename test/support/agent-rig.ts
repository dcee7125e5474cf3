/** A provider agent on a fake engine, a simulated clock and a network in memory, with a requester beside it. */

import { tmpdir } from 'node:os'
import { MemoryLevel } from 'memory-level'
import { type Logger, silentLogger } from '../../node/logger.ts'
import type { Database } from '../../node/store/database.ts'
import type { Bid } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { type Agent, type AgentComponents, createAgent } from '../../provider-agent/agent.ts'
import type { AgentInit } from '../../provider-agent/options.ts'
import { createFakeEngine, type FakeContainer, type FakeEngine } from './fake-engine.ts'
import { createMemoryHub, type MemoryPeer } from './memory-network.ts'
import { createSimClock } from './sim-clock.ts'
import { type Asked, createTestRequester, type Follow, type FollowInit, MARKET } from './test-requester.ts'
import { until } from './until.ts'

const PROVIDER_SEED = 1
const REQUESTER_SEED = 2

export interface RigInit extends Partial<AgentInit> {
  logger?: Logger
  engine?: { cpuMillis: number; memoryBytes: number }
  components?: Partial<AgentComponents>
  /** What the engine can. @default see {@link createFakeEngine} */
  offers?: FakeEngine['offers']
  /** See {@link createSimClock}. */
  bootId?: string | null
}

export type AgentRig = Awaited<ReturnType<typeof createAgentRig>>

/** An accepted job and its stream. */
export interface Running {
  asked: Asked
  bid: Bid
  name: string
  follow: Follow
}

export async function createAgentRig(init: RigInit = {}) {
  const { logger = silentLogger, components = {}, engine: machine, offers = {}, bootId, ...agentInit } = init
  const clock = createSimClock(bootId === undefined ? {} : { bootId })
  const hub = createMemoryHub({ clock })
  const engine = createFakeEngine({ clock })
  if (machine !== undefined) engine.machine = machine
  engine.offers = offers
  const requester = createTestRequester({ peer: await hub.join(REQUESTER_SEED), clock })
  /** What is written survives the agent; what a killed agent still writes does not count. */
  const disk = new MemoryLevel<string, string>()
  let provider: MemoryPeer
  let agent: Agent
  let kill: () => void = () => undefined

  async function boot(): Promise<void> {
    provider = await hub.join(PROVIDER_SEED)
    let alive = true
    const peer = provider
    kill = () => {
      alive = false
      peer.leave()
    }
    agent = createAgent(
      {
        engine: mortal(engine, () => alive),
        network: mortal(peer.network, () => alive),
        privateKey: peer.privateKey,
        clock,
        logger,
        inspect: async (info) => ({ ...info, freeStorageBytes: 100 * 2 ** 30, gpus: [] }),
        freeBytes: async () => 100 * 2 ** 30,
        // The real one waits for a real disk, which a simulated clock does not.
        diskProblem: async () => null,
        openDatabase: async () => mortal(disk, () => alive) as unknown as Database,
        ...components,
      },
      { marketName: MARKET, dataFolder: tmpdir(), ownerShare: 0, ...agentInit },
    )
    await agent.start()
  }

  await boot()
  return {
    clock,
    hub,
    engine,
    requester,
    get agent() {
      return agent
    },
    get provider() {
      return provider.network.peerId
    },
    get network() {
      return provider.network
    },
    /** Everything in its journal, as text. */
    async written(): Promise<string> {
      const entries = await disk.iterator<string, Uint8Array>({ valueEncoding: 'view' }).all()
      return entries.map(([key, value]) => `${key} ${Buffer.from(value).toString('latin1')}`).join('\n')
    },
    /** Ends the agent as kill -9 does, and leaves engine and disk. */
    crash: () => kill(),
    boot,
    async restart() {
      kill()
      await boot()
    },
    async stop() {
      await agent.stop()
      provider.leave()
    },

    /** Asks, awards and attaches. */
    async run(submission: Partial<JobSubmission> = {}, how: FollowInit = {}): Promise<Running> {
      const asked = await requester.ask(submission)
      const answer = await asked.answer()
      if (answer.bid === null) throw new Error(`Declined: ${answer.decline.code} ${answer.decline.message}`)
      const reply = await requester.award(asked, answer.bid)
      if (!reply.accepted) throw new Error(`Refused: ${reply.code} ${reply.message}`)
      const follow = await requester.follow(provider.network.peerId, asked.jobId, 1, 0, how)
      return { asked, bid: answer.bid, name: `cortex-${asked.jobId}-1`, follow }
    },

    /** Resolves when the engine runs the container. */
    async container(name: string): Promise<FakeContainer> {
      await until(() => engine.containers.get(name)?.state === 'running')
      return engine.containers.get(name) as FakeContainer
    },

    /** Acknowledges the end, and resolves when the provider has let go of the lease. */
    async settle({ follow }: Pick<Running, 'follow'>): Promise<void> {
      await follow.report('ended')
      await follow.ack(follow.reports.at(-1)?.sequence ?? 0n)
      await until(() => agent.status().leases.length === 0)
    },
  }
}

/** The same object while its process lives; afterwards its methods never answer and change nothing. */
function mortal<T extends object>(target: T, isAlive: () => boolean): T {
  return new Proxy(target, {
    get(object, property) {
      const value = Reflect.get(object, property, object)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (!isAlive()) return new Promise(() => undefined)
        if (property === 'close') return Promise.resolve()
        return value.apply(object, args)
      }
    },
  })
}
