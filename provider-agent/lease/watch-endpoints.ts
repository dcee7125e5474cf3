/** Whether a job's ports answer, looked at from outside the container as a tunnel reaches them, while it runs. */

import { connect } from 'node:net'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { EndpointState } from '../../protocol/endpoints.ts'
import type { ContainerAccess } from '../engine/access.ts'
import type { LeaseJob } from '../journal/records.ts'
import type { Lease } from './lease.ts'

type ExposedPort = NonNullable<LeaseJob['ports']>[number]

/** How long a port may take to accept a connection, in ms. */
const CONNECT_MS = 2_000
/** The first look comes so soon, in ms, and each after it half as late again, until all answer. */
const FIRST_MS = 250

/**
 * Looks until the signal aborts. A look is a connection that is closed at once, as a load balancer makes it; of UDP
 * nothing can be told without speaking the program's own protocol.
 * @param everyMs time between looks once all ports answer
 */
export async function watchEndpoints(
  components: { access: ContainerAccess; clock: Clock; logger: Logger; lease: Lease; name: string },
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger, lease } = components
  const { ports = [], network } = lease.record.job
  if (ports.length === 0 || network === 'none') return
  let waitMs = Math.min(FIRST_MS, everyMs)
  while (!signal.aborted) {
    // Aborted: the loop ends.
    await clock.sleep(waitMs, signal).catch(() => undefined)
    try {
      const states = await Promise.all(ports.map(async (port) => await look(components, port, signal)))
      if (signal.aborted) return
      lease.tellEndpoints(states)
      const isSettled = states.every(({ health }) => health !== 'silent')
      waitMs = isSettled ? everyMs : Math.min(everyMs, waitMs * 1.5)
    } catch (error) {
      // The engine is away for a moment; what was told last stands.
      if (!signal.aborted) logger.debug({ lease: lease.id, error: String(error) }, 'the ports were not looked at')
    }
  }
}

async function look(
  { access, name }: { access: ContainerAccess; name: string },
  { port, protocol }: ExposedPort,
  signal: AbortSignal,
): Promise<EndpointState> {
  const endpoint = await access.locate(name, port, protocol, { signal })
  const published = endpoint?.published ?? null
  if (endpoint === null) return { port, protocol, health: 'silent', published }
  if (protocol === 'UDP') return { port, protocol, health: 'unknown', published }
  const health = (await accepts(endpoint, signal)) ? 'answering' : 'silent'
  return { port, protocol, health, published }
}

async function accepts({ host, port }: { host: string; port: number }, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ host, port, signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]) })
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
  } finally {
    socket.destroy()
  }
}
