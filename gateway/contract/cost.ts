import type { z } from 'zod'
import type { jobSchema } from './jobs.ts'

type Job = z.output<typeof jobSchema>

type Costed = { [N in 'cost' | 'startedAt' | 'endedAt' | 'duration' | 'config']?: Job[N] | undefined }

/** What a job costs at a moment: metered by the second while it runs, at the price that its projection tells. */
export function costNow({ cost, startedAt, endedAt, duration, config }: Costed, nowMs: number): number {
  if (cost === undefined) return 0
  if (cost.final !== undefined) return cost.final
  if (!startedAt || endedAt || !duration) return cost.current
  const elapsed = Math.min(duration, Math.max(0, (nowMs - Date.parse(startedAt)) / 1000))
  return Math.max(cost.current, (cost.projected / (duration + Number(config?.stopGraceSeconds ?? 0))) * elapsed)
}

/** Seconds until its duration is over; null where it does not run. */
export function secondsLeft({ startedAt, endedAt, duration }: Costed, nowMs: number): number | null {
  if (!startedAt || endedAt || duration === undefined) return null
  return Math.max(0, duration - (nowMs - Date.parse(startedAt)) / 1000)
}
