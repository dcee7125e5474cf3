/** Everything that chaos does something to: a market of three machines, its clients, their engines, links and clocks. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type { Befallen } from '../../test/faults/support/befallen.ts'
import type { Violation } from '../../test/faults/support/checker.ts'
import { type FaultMarket, startFaultMarket } from '../../test/faults/support/fault-market.ts'
import { createNamespaces, type Namespaces, namespaceProblem } from '../../test/faults/support/namespaces.ts'
import { type OwnEngine, ownEngineProblem, startOwnEngine } from '../../test/faults/support/own-engine.ts'
import type { Seeded } from '../../test/faults/support/seeded.ts'
import {
  createSetClock,
  forgetSetClocks,
  type SetClock,
  setClockProblem,
} from '../../test/faults/support/set-clocks.ts'
import type { Launch } from '../local-network.ts'

const run = promisify(execFile)
const PROVIDERS = ['a', 'b', 'c']
export const CLIENTS = ['client-1', 'client-2']

/** A loss is soon one, so that a run sees many. */
const TIMES = { heartbeatMs: 2_000, lostAfterMs: 12_000 }
/** Volumes wait no longer for another attempt of their jobs, so that all are gone at the end. */
const VOLUME_RETENTION_MS = 20_000
/** What has not ended by then is a finding: a job may be lost time and again, and wait its turn each time. */
const PATIENCE_MS = 600_000
/** Two clocks differ by an hour at most. */
const MOST_AHEAD_SECONDS = 1_800

export interface World extends AsyncDisposable {
  market: FaultMarket
  namespaces: Namespaces | null
  /** By the name of the process; empty where clocks cannot be set. */
  clocks: Map<string, SetClock>
  /** How a process is started, by its name. */
  launch(name: string): Launch
  /** What happened so far, for the checker. */
  befallen: Befallen[]
}

/** Where something cannot be had here, it is said, and the faults of that kind are left out. */
export async function startWorld(random: Seeded, say: (line: string) => void): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const problems = { cut: await namespaceProblem(), engine: await ownEngineProblem(), clock: await setClockProblem() }
  if (problems.cut !== null) say(`links are not cut: ${problems.cut}`)
  if (problems.engine !== null) say(`the engine is shared with others and left alone: ${problems.engine}`)
  if (problems.clock !== null) say(`clocks are not set: ${problems.clock}`)

  const namespaces = problems.cut === null ? stack.use(await createNamespaces(PROVIDERS)) : null
  const engines = new Map<string, OwnEngine>()
  // Where its agent is, so that the agent can keep jobs from the network around it.
  const spaceOf = (name: string): string | undefined => namespaces?.agent(name).space
  if (problems.engine === null)
    for (const name of PROVIDERS) engines.set(name, stack.use(await startOwnEngine({ space: spaceOf(name) })))
  const folder = await mkdtemp(join(tmpdir(), 'cortex-clocks-'))
  stack.defer(async () => await rm(folder, { recursive: true, force: true }))
  const clocks = new Map<string, SetClock>()
  if (problems.clock === null) {
    stack.defer(forgetSetClocks)
    for (const name of ['gateway', ...PROVIDERS, ...CLIENTS])
      clocks.set(name, createSetClock(folder, name, aheadBy(random)))
  }
  const launch = (name: string): Launch => {
    const where = namespaces !== null && PROVIDERS.includes(name) ? namespaces.agent(name) : null
    const host = namespaces?.gatewayHost
    const command = [...(where?.command ?? []), ...(clocks.get(name)?.command ?? [])]
    return { ...(host === undefined ? {} : { host }), ...where, command }
  }
  const market = stack.use(
    await startFaultMarket({
      agents: PROVIDERS.map((name) => {
        const engine = engines.get(name)
        const flags = ['--volume-retention-ms', String(VOLUME_RETENTION_MS)]
        return { name, flags, ...(engine === undefined ? {} : { engine }) }
      }),
      times: TIMES,
      patienceMs: PATIENCE_MS,
      launch,
    }),
  )
  const befallen: Befallen[] = []
  const watch = setInterval(noteHolds(befallen), LOOK_MS)
  stack.defer(() => clearInterval(watch))
  const all = stack.move()
  return {
    ...{ market, namespaces, clocks, launch, befallen },
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  }
}

/** What agents that have stopped left of the rules around their jobs, where each has a network of its own. */
export async function rulesLeft({ namespaces }: World): Promise<Violation[]> {
  if (namespaces === null) return []
  const saved = PROVIDERS.flatMap((name) => ['iptables-save', 'ip6tables-save'].map((program) => ({ name, program })))
  const found = await Promise.all(
    saved.map(async ({ name, program }) => {
      const { stdout } = await run('nsenter', [`--net=/run/netns/${namespaces.agent(name).space}`, program])
      const rules = stdout.split('\n').filter((line) => line.includes('CORTEX-'))
      return rules.length === 0 ? [] : [{ rule: 'nothing left over', of: `${program} of ${name}`, text: rules.join() }]
    }),
  )
  return found.flat()
}

/** How far a clock is set ahead, in whole seconds. */
export function aheadBy(random: Seeded): number {
  return random.below(2 * MOST_AHEAD_SECONDS + 1) - MOST_AHEAD_SECONDS
}

/** How often it is looked whether the machine has time, in ms; and how late that may be. */
const LOOK_MS = 250
const LATE_MS = 500

/** Notes when this process, and so the others, did not come to run: some machines have more to do than they can. */
function noteHolds(befallen: Befallen[]): () => void {
  let lastMs = Date.now()
  return () => {
    const [fromMs, toMs] = [lastMs, Date.now()]
    if (toMs - fromMs > LOOK_MS + LATE_MS) befallen.push({ what: 'machine', provider: null, fromMs, toMs })
    lastMs = toMs
  }
}
