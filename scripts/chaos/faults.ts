/** The faults that chaos chooses from. Each is over, and mended, when its promise resolves. */

import { setTimeout as delay } from 'node:timers/promises'
import { arm, type FaultMarket } from '../../test/faults/support/fault-market.ts'
import type { Namespaces } from '../../test/faults/support/namespaces.ts'
import type { Seeded } from '../../test/faults/support/seeded.ts'
import { AGENT_STAGES, REQUESTER_STAGES } from '../../test/faults/support/stages.ts'
import type { ManagedProcess } from '../local-network.ts'

export interface ChaosFault {
  /** What is counted. */
  kind: string
  /** Whom it befalls: one fault at a time each. */
  target: string
  run(): Promise<void>
}

/** How long a process may take to come by the point where it is to die, in ms; then it is killed where it is. */
const POINT_PATIENCE_MS = 5_000

/** All choices are made here, at once, so that they follow from the seed alone. */
export function chooseFault(market: FaultMarket, namespaces: Namespaces | null, random: Seeded): ChaosFault {
  const targets = ['gateway', ...market.agents.map(({ name }) => name)]
  const target = random.pick(targets)
  const ms = 200 + random.below(random.below(4) === 0 ? 20_000 : 4_000)
  const process = target === 'gateway' ? market.gateway : market.agents.find(({ name }) => name === target)?.process
  if (process === undefined) throw new Error(`No ${target}`)
  const stages = target === 'gateway' ? REQUESTER_STAGES : AGENT_STAGES
  const fault = { point: random.pick(Object.values(stages).flat()), after: random.below(10) }
  const kinds: [string, () => Promise<void>][] = [
    ['kill', async () => await killed(process, ms)],
    ['kill-at-point', async () => await killedAt(process, fault, ms)],
    ['stop', async () => await stopped(process, ms)],
    ['pause', async () => await paused(process, ms)],
  ]
  if (namespaces !== null) {
    kinds.push([
      'cut',
      async () => await cut((up) => (target === 'gateway' ? namespaces.routing(up) : namespaces.link(target, up)), ms),
    ])
  }
  const [kind, run] = random.pick(kinds)
  return { kind: `${kind} ${target === 'gateway' ? 'gateway' : 'agent'}`, target, run }
}

async function killed(process: ManagedProcess, ms: number): Promise<void> {
  await process.end('SIGKILL')
  await delay(ms)
  process.restart()
}

async function killedAt(process: ManagedProcess, fault: { point: string; after: number }, ms: number): Promise<void> {
  arm(process, fault)
  const late = new AbortController()
  await Promise.race([process.ended(), delay(POINT_PATIENCE_MS, undefined, { signal: late.signal })])
  late.abort()
  await killed(process, ms)
}

async function stopped(process: ManagedProcess, ms: number): Promise<void> {
  await process.end()
  await delay(ms)
  process.restart()
}

async function paused({ pid }: ManagedProcess, ms: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await delay(ms)
  process.kill(pid, 'SIGCONT')
}

async function cut(link: (up: boolean) => Promise<void>, ms: number): Promise<void> {
  await link(false)
  await delay(ms)
  await link(true)
}
