import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { CliError } from '../../node/commands/cli-error.ts'
import { say } from '../../node/commands/print.ts'
import { failureSentences } from '../../protocol/failures.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import type { CortexClient, Job, JobStatus } from '../client/index.ts'
import { carry } from './carry.ts'
import { cannotListen, type ForwardRule, type Listener, type Way } from './forward-listener.ts'
import { listenUdp } from './forward-udp.ts'
import { createTunnelLines, type TunnelLine } from './tunnel-lines.ts'
import { tunnelSocket } from './tunnel-socket.ts'

/** Ports of a job that are open on this machine. */
export interface Forwarding {
  /** What is reached where, for people or as JSON. */
  lines(json: boolean): string[]
  /** Rejects when the job has ended. */
  ended: Promise<never>
  close(): Promise<void>
}

/**
 * Listens here, and carries each connection through the gateway to the job's port. While the job waits for a provider, the
 * first or the next, connections are refused.
 *
 * @throws {CliError} before anything listens, where the job has ended or exposes no such port
 */
export async function forwardPorts(client: CortexClient, id: string, rules: ForwardRule[]): Promise<Forwarding> {
  const job = await client.jobs.get(id)
  if (isTerminal(job.status)) throw new CliError(`The job is ${job.status}: ports are reached while it runs`, 1)
  checkPorts(job, rules)
  const over = new AbortController()
  const listeners: Listener[] = []
  const state = { status: job.status }
  const open = (to: Pick<ForwardRule, 'port' | 'protocol'>): WebSocket => client.jobs.openTunnel(id, to, tunnelSocket)
  const lines = createTunnelLines({
    inTurn: () => client.jobs.openTunnels(id, tunnelSocket),
    alone: (port) => open({ port, protocol: 'TCP' }),
  })
  const close = async (): Promise<void> => {
    over.abort()
    lines.close()
    await Promise.all(listeners.map(async (listener) => await listener.close()))
  }
  try {
    for (const rule of rules) {
      const isOpen = (): boolean => state.status === 'running'
      const listener =
        rule.protocol === 'UDP'
          ? await listenUdp(rule, { open: () => open(rule), isOpen })
          : await listenTcp(rule, { open: async () => await lines.take(rule.port), isOpen })
      listeners.push(listener)
    }
  } catch (error) {
    await close()
    throw error
  }
  if (state.status !== 'running') say(waiting(state.status))
  return {
    ended: untilEnded(client, job, state, over.signal),
    lines: (json) =>
      listeners.map(({ rule, localPort }) => {
        const { host, port, protocol } = rule
        if (json) return JSON.stringify({ host, localPort, port, protocol })
        return `${host}:${localPort} -> ${port}${protocol === 'UDP' ? '/udp' : ''}`
      }),
    close,
  }
}

/** What a job declares of its ports, as its `config` tells it. */
type Declared = { port: number; protocol?: string; expose?: boolean }

/** @throws {CliError} */
function checkPorts({ config }: Pick<Job, 'config'>, rules: ForwardRule[]): void {
  const ports = (Array.isArray(config.ports) ? (config.ports as Declared[]) : []).filter(
    ({ expose }) => expose !== false,
  )
  const nameOf = ({ port, protocol = 'TCP' }: Declared): string => `${port}${protocol === 'UDP' ? '/udp' : ''}`
  const named = new Set(ports.map(nameOf))
  const wrong = rules.find((rule) => !named.has(nameOf(rule)))
  if (wrong === undefined) return
  const known = named.size === 0 ? '; it exposes none' : `, but ${[...named].join(', ')}`
  throw new CliError(
    `The job exposes no port ${nameOf(wrong)}${known}: 'cortex job submit --port ${nameOf(wrong)}' would`,
    1,
  )
}

/** Follows the job: what it has become is in `state`, so that nobody is led to a provider that is gone. */
async function untilEnded(
  client: CortexClient,
  { id, events = [] }: Job,
  state: { status: JobStatus },
  signal: AbortSignal,
): Promise<never> {
  try {
    for await (const { type } of client.jobs.events(id, { follow: true, after: events.at(-1)?.seq, signal })) {
      const status = BECOMES[type]
      if (status === undefined || status === state.status) continue
      const before = state.status
      state.status = status
      if (status === 'running') say('the job runs')
      else if (before === 'running') say(waiting(status))
    }
  } catch (error) {
    if (!signal.aborted) throw error
    return await new Promise(() => undefined) // closed: nobody waits any more
  }
  const { status, error } = await client.jobs.get(id)
  throw new CliError(`The job is ${status}${error === null ? '' : `: ${failureSentences(error)}`}`, 1)
}

/** What a job is after an event of it, until it ends. */
const BECOMES: Readonly<Record<string, JobStatus>> = {
  scheduled: 'scheduled',
  started: 'running',
  lost: 'pending',
  regained: 'running',
}

function waiting(status: JobStatus): string {
  return `the job is ${status}: connections are refused until it runs`
}

async function listenTcp(rule: ForwardRule, { open, isOpen }: Way<Promise<TunnelLine>>): Promise<Listener> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    if (!isOpen()) {
      socket.resetAndDestroy()
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    carry(socket, open())
  })
  server.listen(rule.localPort, rule.host)
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw cannotListen(rule, error)
  })
  return {
    rule,
    localPort: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
