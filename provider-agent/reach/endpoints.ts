import type { Clock } from '../../node/clock.ts'
import type { ContainerAccess, Endpoint } from '../engine/access.ts'
import type { Lease } from '../lease/lease.ts'

/**
 * How long what the engine said of a container's address is believed, in ms: to ask it takes longer than all else of a
 * connection, and a container keeps its address while it runs.
 */
const BELIEVED_MS = 10_000

/** What is looked up for a lease: its container by the name that it has on the engine, and the port. */
export interface Sought {
  lease: Pick<Lease, 'id'>
  name: string
  port: number
  protocol: 'TCP' | 'UDP'
}

/** Where the ports of containers are dialled; see {@link createEndpoints}. */
export interface Endpoints {
  /** As `ContainerAccess.locate` tells it, or told it a short while ago. */
  find(sought: Sought, signal: AbortSignal): Promise<Endpoint | null>
  /** Nothing answered there: the next one asks again. */
  forget(sought: Sought): void
}

/** Remembered with the lease, so that it ends with it. */
export function createEndpoints({
  access,
  clock,
}: {
  access: Pick<ContainerAccess, 'locate'>
  clock: Clock
}): Endpoints {
  const known = new WeakMap<object, Map<string, { endpoint: Endpoint; untilMs: number }>>()
  const keyOf = ({ port, protocol }: Sought): string => `${port}/${protocol}`
  return {
    async find(sought, signal) {
      const { lease, name, port, protocol } = sought
      const kept = known.get(lease)?.get(keyOf(sought))
      if (kept !== undefined && clock.monotonicMs() < kept.untilMs) return kept.endpoint
      const endpoint = await access.locate(name, port, protocol, { signal })
      // Published on loopback a port is the engine's to give to the next container once this one has ended.
      if (endpoint === null || endpoint.host.startsWith('127.') || endpoint.host === '::1') return endpoint
      const ports = known.get(lease) ?? new Map()
      known.set(lease, ports.set(keyOf(sought), { endpoint, untilMs: clock.monotonicMs() + BELIEVED_MS }))
      return endpoint
    },
    forget(sought) {
      known.get(sought.lease)?.delete(keyOf(sought))
    },
  }
}
