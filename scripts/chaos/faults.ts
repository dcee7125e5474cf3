/** The faults that chaos chooses from. Each is over, and mended, when its promise resolves. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Disturbance } from '../../test/faults/support/befallen.ts'
import { arm, type FaultAgent } from '../../test/faults/support/fault-market.ts'
import type { OwnEngine } from '../../test/faults/support/own-engine.ts'
import type { Seeded } from '../../test/faults/support/seeded.ts'
import { AGENT_STAGES, REQUESTER_STAGES } from '../../test/faults/support/stages.ts'
import type { ManagedProcess } from '../local-network.ts'
import type { ClientSlot } from './clients.ts'
import { endContainer, OWNERS_ACTS } from './owners-acts.ts'
import { aheadBy, type World } from './world.ts'

export interface ChaosFault {
  /** What is counted. */
  kind: string
  /** Whom it befalls: one fault at a time each. */
  target: string
  /** Whether it befell anybody. */
  run(): Promise<boolean>
}

/** How long a process may take to come by the point where it is to die, in ms; then it is killed where it is. */
const POINT_PATIENCE_MS = 5_000

type Kind = [kind: string, run: () => Promise<boolean>]

/** All choices are made here, at once, so that they follow from the seed alone. */
export function chooseFault(world: World, clients: ClientSlot[], random: Seeded): ChaosFault {
  const { market } = world
  const ms = howLong(random)
  const agent = random.pick(market.agents)
  const client = random.pick(clients)
  const draw = { ms, aheadSeconds: aheadBy(random), nth: random.below(1_000), act: random.pick(OWNERS_ACTS) }
  const stages = { gateway: pointOf(REQUESTER_STAGES, random), agent: pointOf(AGENT_STAGES, random) }
  const { engine } = agent
  /** How often each is chosen: where the gateway is away, nothing else has much to do. */
  const whom: [times: number, what: string, target: string, kinds: Kind[]][] = [
    [1, 'gateway', 'gateway', ofProcess(world, 'gateway', market.gateway, null, stages.gateway, draw)],
    [3, 'agent', agent.name, ofProcess(world, agent.name, agent.process, agent.id, stages.agent, draw)],
    [1, 'client', client.name, ofClient(world, client, draw)],
    [2, 'container', 'containers', [[draw.act[0], async () => await endContainer(world, draw.act, draw.nth)]]],
    [2, 'engine', `engine of ${agent.name}`, engine === null ? [] : ofEngine(world, agent, engine, ms)],
  ]
  const [, what, target, kinds] = random.pick(
    whom.flatMap((each) => Array.from({ length: each[3].length === 0 ? 0 : each[0] }, () => each)),
  )
  const [kind, run] = random.pick(kinds)
  return { kind: `${kind} ${what}`, target, run }
}

/** Mostly some seconds, sometimes up to a minute. In ms. */
function howLong(random: Seeded): number {
  const most = random.pick([4_000, 4_000, 4_000, 4_000, 20_000, 20_000, 20_000, 60_000])
  return 200 + random.below(most)
}

function pointOf(stages: Record<string, string[]>, random: Seeded): { point: string; after: number } {
  return { point: random.pick(Object.values(stages).flat()), after: random.below(10) }
}

interface Draw {
  ms: number
  aheadSeconds: number
}

function ofProcess(
  world: World,
  name: string,
  process: ManagedProcess,
  provider: string | null,
  point: { point: string; after: number },
  { ms, aheadSeconds }: Draw,
): Kind[] {
  const { namespaces } = world
  const what = provider === null ? 'requester' : 'agent'
  const during = async (fault: () => Promise<void>) => await noted(world, { what, provider }, fault)
  const kinds: Kind[] = [
    ['kill', async () => await during(async () => await ended(process, 'SIGKILL', ms))],
    ['kill-at-point', async () => await during(async () => await killedAt(process, point, ms))],
    ['stop', async () => await during(async () => await ended(process, 'SIGTERM', ms))],
    ['pause', async () => await during(async () => await paused(process.pid, ms))],
    ...ofClock(world, name, aheadSeconds),
  ]
  if (namespaces !== null) {
    const link = async (up: boolean): Promise<void> =>
      await (provider === null ? namespaces.routing(up) : namespaces.link(name, up))
    kinds.push(['cut', async () => await noted(world, { what: 'link', provider }, async () => await cut(link, ms))])
  }
  return kinds
}

function ofClient(world: World, client: ClientSlot, { ms, aheadSeconds }: Draw): Kind[] {
  const during = async (fault: () => Promise<boolean>) =>
    await noted(world, { what: 'requester', provider: null }, fault)
  return [
    ['kill', async () => await during(async () => await client.end('SIGKILL', ms))],
    ['stop', async () => await during(async () => await client.end('SIGTERM', ms))],
    ['pause', async () => await during(async () => await client.pause(ms))],
    ...ofClock(world, client.name, aheadSeconds),
  ]
}

function ofClock({ clocks }: World, name: string, aheadSeconds: number): Kind[] {
  const clock = clocks.get(name)
  if (clock === undefined) return []
  const set = async (): Promise<boolean> => {
    clock.set(aheadSeconds)
    return true
  }
  return [['set clock of', set]]
}

function ofEngine(world: World, agent: FaultAgent, engine: OwnEngine, ms: number): Kind[] {
  const end = async (signal: 'SIGKILL' | 'SIGTERM') =>
    await noted(world, { what: 'engine', provider: agent.id }, async () => {
      await engine.end(signal)
      await delay(ms)
      await engine.start()
    })
  return [
    ['kill', async () => await end('SIGKILL')],
    ['stop', async () => await end('SIGTERM')],
  ]
}

/** Has the checker know of it, from before its beginning until after its end. */
async function noted(
  { befallen }: World,
  which: Pick<Disturbance, 'what' | 'provider'>,
  fault: () => Promise<unknown>,
): Promise<boolean> {
  const note: Disturbance = { ...which, fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY }
  befallen.push(note)
  try {
    return (await fault()) !== false
  } finally {
    note.toMs = Date.now()
  }
}

async function ended(process: ManagedProcess, signal: 'SIGKILL' | 'SIGTERM', ms: number): Promise<void> {
  await process.end(signal)
  await delay(ms)
  process.restart()
}

async function killedAt(process: ManagedProcess, fault: { point: string; after: number }, ms: number): Promise<void> {
  arm(process, fault)
  const late = new AbortController()
  await Promise.race([process.ended(), delay(POINT_PATIENCE_MS, undefined, { signal: late.signal })])
  late.abort()
  await ended(process, 'SIGKILL', ms)
}

async function paused(pid: number, ms: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await delay(ms)
  process.kill(pid, 'SIGCONT')
}

async function cut(link: (up: boolean) => Promise<void>, ms: number): Promise<void> {
  await link(false)
  await delay(ms)
  await link(true)
}
