import { createHash } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { leftUntil, momentAfter } from '../../moment.ts'
import { IdempotencyConflictError } from '../index.ts'
import type { IdempotencyRecord, Tables } from '../tables.ts'
import { type Operation, put } from '../writer.ts'

/** How long an Idempotency-Key is remembered, in ms: 24 hours. */
const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000

/** What came with a request: the key, and the digest of its body. */
export interface Idempotency {
  key: string
  digest: string
}

/** Under which name a key of an owner is kept. */
export function idempotencyName(owner: string, { key }: Idempotency): string {
  return createHash('sha256').update(`${owner}\0${key}`).digest('hex')
}

/** The job that the key stands for; undefined where it stands for none any more. @throws {IdempotencyConflictError} */
export async function jobOfKey(
  { tables, clock }: { tables: Tables; clock: Clock },
  name: string,
  { digest }: Idempotency,
): Promise<string | undefined> {
  const known = await tables.idempotency.get(name)
  if (known === undefined || leftOfKey(clock, known) <= 0) return undefined
  if (known.digest !== digest) throw new IdempotencyConflictError()
  return known.jobId
}

/** Remembers for a day that the key stands for this job. */
export function rememberKey(
  { tables, clock }: { tables: Tables; clock: Clock },
  name: string,
  { digest }: Idempotency,
  jobId: string,
): Operation {
  const expires = momentAfter(clock, IDEMPOTENCY_MS)
  return put(tables.idempotency, name, { jobId, digest, expiresAtMs: expires.wallMs, expires })
}

/** Ms for which an Idempotency-Key is still remembered. */
export function leftOfKey(clock: Clock, { expiresAtMs, expires }: IdempotencyRecord): number {
  return leftUntil(clock, expires ?? { wallMs: expiresAtMs, sinceBoot: null })
}
