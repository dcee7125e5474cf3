import { shownBytes } from '../../protocol/units.ts'

interface Missing {
  missingBytes?: number | null
  waitMs?: number | null
}

/** What of a job's bytes is missing at a provider, and how long the job would wait for it; a dash where nobody says. */
export function missingText({ missingBytes = null, waitMs = null }: Missing): string {
  const wait = waitMs === null || waitMs < 1_000 ? '' : `${Math.round(waitMs / 1_000)} s`
  if (missingBytes === null) return wait === '' ? '-' : wait
  const what = missingBytes === 0 ? 'nothing' : shownBytes(missingBytes)
  return wait === '' ? what : `${what}, ${wait}`
}
