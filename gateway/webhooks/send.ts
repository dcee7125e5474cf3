import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Clock } from '../../node/clock.ts'
import { publicLookup, type Resolve, resolvePublic } from './address-check.ts'

/** How long an endpoint may take to answer, in ms. */
export const TIMEOUT_MS = 10_000

/** What became of one attempt. */
export interface Outcome {
  /** Whether it answered 2xx. A redirect is not followed, and counts as a failure. */
  delivered: boolean
  statusCode: number | null
  durationMs: number
  /** Why it was not delivered; null where it was. */
  error: string | null
}

/** One attempt: never rejects, what went wrong is in its outcome. */
export type Send = (url: string, body: string, headers: Record<string, string>) => Promise<Outcome>

/** Posts to endpoints, each on a connection of its own. */
export function createSender(
  { clock, resolve }: { clock: Clock; resolve: Resolve },
  init: { allowPrivate: boolean; timeoutMs?: number },
): Send {
  const { allowPrivate, timeoutMs = TIMEOUT_MS } = init

  async function post(url: URL, body: string, headers: Record<string, string>, signal: AbortSignal): Promise<number> {
    // A literal address is connected to without a lookup.
    if (!allowPrivate) await resolvePublic(url.hostname, resolve)
    const { promise, resolve: done, reject } = Promise.withResolvers<number>()
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest
    const options = {
      method: 'POST',
      headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
      signal,
      agent: false as const,
      ...(allowPrivate ? {} : { lookup: publicLookup(resolve) }),
    }
    const sent = request(url, options, (response) => {
      done(response.statusCode ?? 0)
      response.destroy() // Only the status counts; nobody reads what an endpoint has to say.
    })
    sent.once('error', reject)
    sent.end(body)
    return await promise
  }

  return async (url, body, headers) => {
    const startedMs = clock.monotonicMs()
    const limit = new AbortController()
    clock.sleep(timeoutMs, limit.signal).then(
      () => limit.abort(new Error(`no answer within ${timeoutMs / 1000} s`)),
      () => {}, // answered in time
    )
    const outcome = (delivered: boolean, statusCode: number | null, error: string | null): Outcome => ({
      delivered,
      statusCode,
      durationMs: Math.round(clock.monotonicMs() - startedMs),
      error,
    })
    try {
      const status = await post(new URL(url), body, headers, limit.signal)
      const delivered = status >= 200 && status < 300
      return outcome(delivered, status, delivered ? null : `answered ${status}`)
    } catch (error) {
      const cause = limit.signal.aborted ? limit.signal.reason : error
      return outcome(false, null, cause instanceof Error ? cause.message : String(cause))
    } finally {
      limit.abort()
    }
  }
}
