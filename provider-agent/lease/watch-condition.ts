/** How a job's container does while it runs: what its image's health check says, and whether programs listen at its ports. */

import { connect } from 'node:net'
import { abortedWithin } from '../../node/abort.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { EndpointHealth, EndpointState } from '../../protocol/endpoints.ts'
import type { ContainerAccess, PortState } from '../engine/access.ts'
import type { LeaseJob } from '../journal/records.ts'
import type { Lease } from './lease.ts'

type ExposedPort = NonNullable<LeaseJob['ports']>[number]

/** How long a port may take to accept a connection, in ms. */
const CONNECT_MS = 2_000
/** The first look comes so soon, in ms, and each after it half as late again, until nothing is awaited. */
const FIRST_MS = 250

/**
 * Looks until the signal aborts, or there is nothing to look at. Nobody is spoken to where the kernel tells who listens.
 * Where it does not, a port of TCP is tried by a connection that is closed at once, until it answers once: a service takes
 * each further one for a client that broke off, and may shut out its own users for it.
 * @param everyMs time between looks once all ports answer
 */
export async function watchCondition(
  components: { access: ContainerAccess; clock: Clock; logger: Logger; lease: Lease; name: string },
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { access, clock, logger, lease, name } = components
  const { ports: exposed = [], network } = lease.record.job
  const ports = network === 'none' ? [] : exposed
  const answered = new Set<ExposedPort>()
  let waitMs = Math.min(FIRST_MS, everyMs)
  while (!signal.aborted) {
    // Aborted: the loop ends.
    await clock.sleep(waitMs, signal).catch(() => undefined)
    try {
      const state = await access.look(name, ports, { signal })
      const endpoints = await Promise.all(
        ports.map(async (port, i) => await toEndpoint(port, state.ports[i], answered, signal)),
      )
      if (signal.aborted) return
      lease.tellCondition({ endpoints, health: state.health })
      if (ports.length === 0 && state.health === null) return
      const isSettled = endpoints.every(({ health }) => health !== 'silent') && state.health !== 'starting'
      waitMs = isSettled ? everyMs : Math.min(everyMs, waitMs * 1.5)
    } catch (error) {
      // The engine is away for a moment; what was told last stands.
      if (!signal.aborted) logger.debug({ lease: lease.id, error: String(error) }, 'the container was not looked at')
    }
  }
}

async function toEndpoint(
  exposed: ExposedPort,
  { endpoint, listens }: PortState = { endpoint: null, listens: null },
  answered: Set<ExposedPort>,
  signal: AbortSignal,
): Promise<EndpointState> {
  const { port, protocol } = exposed
  const health = async (): Promise<EndpointHealth> => {
    if (endpoint === null) return 'silent'
    if (listens !== null) return listens ? 'answering' : 'silent'
    // Of UDP nothing can be told without speaking the program's own protocol.
    if (protocol === 'UDP') return 'unknown'
    if (!answered.has(exposed) && (await accepts(endpoint, signal))) answered.add(exposed)
    return answered.has(exposed) ? 'answering' : 'silent'
  }
  return { port, protocol, health: await health(), published: endpoint?.published ?? null }
}

async function accepts({ host, port }: { host: string; port: number }, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ host, port, signal: abortedWithin(CONNECT_MS, signal) })
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
  } finally {
    socket.destroy()
  }
}
