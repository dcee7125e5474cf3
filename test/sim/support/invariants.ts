/** What must hold after every step: each job's history is legal, and nothing is promised that is not there. */

import type { JobEvent, JobRecord } from '../../../node/store/index.ts'
import { createTables, within } from '../../../node/store/tables.ts'
import { canTransition, type JobEventType, type JobStatus } from '../../../protocol/lifecycle.ts'
import { addResources, NO_RESOURCES, RESOURCE_KINDS } from '../../../protocol/units.ts'
import type { Provider } from './provider.ts'
import type { World } from './world.ts'

export interface Invariants {
  /** @throws {Error} with everything that does not hold */
  check(): Promise<void>
}

/** Where an event leads to; those that are not here lead nowhere. `lost` leads back, or is followed by `failed`. */
const LEADS_TO: Partial<Record<JobEventType, JobStatus>> = {
  scheduled: 'scheduled',
  started: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
}

interface History {
  /** The states in which the job may be, from its events alone. */
  possible: Set<JobStatus>
  events: number
  fence: number
  attempt: number
}

export function createInvariants(world: World): Invariants {
  const tables = createTables(world.requester.disk)
  const histories = new Map<string, History>()

  function replay(history: History, events: JobEvent[]): string | null {
    for (const { seq, type, data } of events) {
      if (seq !== history.events + 1) return `event ${seq} after ${history.events}`
      history.events = seq
      const from = [...history.possible]
      const to = LEADS_TO[type]
      if (type === 'created') {
        if (seq !== 1) return 'created twice'
        history.possible = new Set(['pending'])
      } else if (type === 'regained') {
        if (!from.includes('pending')) return `regained after ${from.join(' or ')}`
        history.possible = new Set(['scheduled', 'running'])
      } else if (type === 'lost') {
        const back = from.some((status) => canTransition(status, 'pending')) ? (['pending'] as const) : []
        history.possible = new Set([...from.filter((status) => canTransition(status, 'failed')), ...back])
      } else if (to !== undefined) {
        if (!from.some((status) => canTransition(status, to))) return `${type} after ${from.join(' or ')}`
        history.possible = new Set([to])
      }
      // A lease that goes on: its attempt is the job's again.
      if (type === 'regained') history.attempt = Number(data.attempt)
      if (type !== 'scheduled') continue
      if (Number(data.attempt) <= history.attempt) return `attempt ${data.attempt} was scheduled twice`
      history.attempt = Number(data.attempt)
    }
    return null
  }

  async function checkJob(job: JobRecord): Promise<string | null> {
    const known = histories.get(job.id)
    const history = known ?? { possible: new Set<JobStatus>(), events: 0, fence: 0, attempt: 0 }
    histories.set(job.id, history)
    if (job.lastEvent > history.events) {
      const after = String(history.events).padStart(16, '0')
      const events = await tables.events.values({ ...within(job.id), gt: `${job.id}!${after}` }).all()
      const problem = replay(history, events)
      if (problem !== null) return problem
    }
    if (history.events !== job.lastEvent) return `${history.events} events, ${job.lastEvent} are said to be there`
    if (!history.possible.has(job.state.status)) {
      return `${job.state.status}, but by its events ${[...history.possible].join(' or ')}`
    }
    if (job.fence < history.fence) return `fence ${job.fence} after ${history.fence}`
    history.fence = job.fence
    return null
  }

  return {
    async check() {
      const problems = [...world.violations]
      const jobs = await tables.jobs.values().all()
      for (const job of jobs) {
        const problem = await checkJob(job)
        if (problem !== null) problems.push(`${job.id}: ${problem}`)
      }
      const stored = new Set(jobs.map(({ id }) => id))
      for (const { id } of world.jobs) if (id !== null && !stored.has(id)) problems.push(`${id} is gone`)
      problems.push(...world.providers.flatMap(checkProvider))
      const peers = [world.requester.process?.peer, ...world.providers.map(({ process }) => process?.peer)]
      for (const peer of peers) {
        const refused = Object.keys(peer?.network.counters().refused ?? {})
        const penalties = refused.filter((reason) => reason.startsWith('penalty') || reason === 'peer_refused')
        if (penalties.length > 0) problems.push(`an honest peer was punished: ${penalties.join(', ')}`)
      }
      if (problems.length > 0) throw new Error(problems.join('\n'))
    },
  }
}

/** What leases hold and what is free is never more than the machine has, nor is what runs. */
function checkProvider({ index, process, machine }: Provider): string[] {
  const running = machine.runs.filter(({ endedAtMs }) => endedAtMs === null)
  const used = running.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0)
  const problems = used > machine.cpuMillis ? [`machine ${index} runs ${used} of ${machine.cpuMillis} millicores`] : []
  if (process?.started !== true) return problems
  const { leases, free, total } = process.agent.status()
  const live = leases.filter(({ outcome }) => outcome === null)
  const held = live.reduce((sum, { resources }) => addResources(sum, resources), { ...NO_RESOURCES })
  for (const kind of RESOURCE_KINDS) {
    // With its engine away a provider offers nothing, whatever it still holds.
    if (free[kind] > 0 && held[kind] + free[kind] > total[kind]) {
      problems.push(`provider ${index} has ${held[kind]} ${kind} in leases and ${free[kind]} free of ${total[kind]}`)
    }
  }
  return problems
}
