/**
 * A process that throws all hostile inputs at a target, again and again and several at once, until it is told to stop. Its
 * argument is the target as {@link describeTarget} wrote it; it says `begun`, and at its end a {@link Tally}.
 */

import PQueue from 'p-queue'
import { networkApi } from '../../faults/support/network-api.ts'
import { allInputs } from './all-inputs.ts'
import type { AttackTarget, Tenant } from './inputs.ts'

export interface Tally {
  tried: number
  held: number
  /** Name of each input that did not hold → why, the last time. */
  failed: Record<string, string>
}

const AT_ONCE = 6
/**
 * How often it looks at a job that it waits for, in ms. A key may ask 300 times a minute, to which the target does not hold
 * it: six that look once a second keep about to that, and waiting is no attack.
 */
const LOOK_MS = 1_000
const TENANTS = ['admin', 'alice', 'bob', 'reader'] as const

/** As text for a process's arguments. */
export function describeTarget(target: AttackTarget): string {
  const { url, peer, agentPeer, agentId, network, dockerHost, image, endedJob } = target
  const keys = Object.fromEntries(TENANTS.map((name) => [name, target[name].key]))
  return JSON.stringify({ url, peer, agentPeer, agentId, network, dockerHost, image, endedJob, keys })
}

function readTarget(text: string): AttackTarget {
  const { keys, ...rest } = JSON.parse(text) as Omit<AttackTarget, (typeof TENANTS)[number]> & {
    keys: Record<(typeof TENANTS)[number], string>
  }
  const tenant = (key: string): Tenant => ({ key, api: networkApi({ url: rest.url, key }, { lookMs: LOOK_MS }) })
  const { admin, alice, bob, reader } = keys
  return { ...rest, admin: tenant(admin), alice: tenant(alice), bob: tenant(bob), reader: tenant(reader) }
}

if (import.meta.main) {
  const target = readTarget(process.argv[2] ?? '')
  const inputs = (await allInputs()).flatMap((area) => area.inputs)
  const tally: Tally = { tried: 0, held: 0, failed: {} }
  const stop = new AbortController()
  process.once('message', () => stop.abort())
  process.send?.('begun')
  while (!stop.signal.aborted) {
    const queue = new PQueue({ concurrency: AT_ONCE })
    for (const { name, attempt } of inputs.toSorted(() => Math.random() - 0.5)) {
      void queue.add(async () => {
        if (stop.signal.aborted) return
        tally.tried += 1
        try {
          await attempt(target)
          tally.held += 1
        } catch (error) {
          tally.failed[name] = String(error).slice(0, 500)
        }
      })
    }
    await queue.onIdle()
  }
  process.send?.(tally, () => process.exit())
}
