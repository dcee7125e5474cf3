import { setTimeout as delay } from 'node:timers/promises'
import type { RunningTarget } from '../../test/attack/support/target.ts'

/** Where the time of a job went, in ms; together they are all of it. */
export interface Stages {
  /** Until the gateway had answered the submission. */
  submitted: number
  /** From the submission's record until a provider had taken the award. */
  awarded: number
  /** Until the provider said that the container runs: image, container, start. */
  started: number
  /** Until it said that it had ended. */
  ended: number
  /** Until who had asked for it knew. */
  told: number
}

export interface HonestJobs {
  jobs: number
  /** Those that did not complete. */
  lost: number
  medianMs: number
  /** The median of each. */
  stages: Stages
}

const PAUSE_MS = 500
const SPEC = { command: ['true'], network: 'none', cpu: 100, memory: '16Mi', storage: '16Mi' }

/** Jobs of an owner of their own, one after the other, while more are wanted and until there are enough. */
export async function runHonestJobs(
  { admin: { api }, image }: RunningTarget,
  isWanted: () => boolean,
  least: number,
): Promise<HonestJobs> {
  const took: number[] = []
  const stages: Stages[] = []
  let lost = 0
  while (isWanted() || took.length < least) {
    const beganMs = performance.now()
    const id = await api.submit({ image, ...SPEC })
    const submitted = performance.now() - beganMs
    const { status, events } = await api.ended(id)
    const tookMs = performance.now() - beganMs
    if (status === 'completed') stages.push(stagesOf(submitted, tookMs, events))
    else lost += 1
    took.push(tookMs)
    await delay(PAUSE_MS)
  }
  const of = (stage: keyof Stages): number => median(stages.map((one) => one[stage]))
  return {
    ...{ jobs: took.length, lost, medianMs: median(took) },
    stages: {
      ...{ submitted: of('submitted'), awarded: of('awarded'), started: of('started') },
      ...{ ended: of('ended'), told: of('told') },
    },
  }
}

/** By the events of the job, whose times are the gateway's. */
function stagesOf(submitted: number, tookMs: number, events: { type: string; timestamp: string }[]): Stages {
  const at = (type: string): number => Date.parse(events.findLast((event) => event.type === type)?.timestamp ?? '')
  const [created, scheduled, started, completed] = ['created', 'scheduled', 'started', 'completed'].map(at) as [
    number,
    number,
    number,
    number,
  ]
  const [awarded, toStart, toEnd] = [scheduled - created, started - scheduled, completed - started]
  return { submitted, awarded, started: toStart, ended: toEnd, told: tookMs - awarded - toStart - toEnd }
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)
}
