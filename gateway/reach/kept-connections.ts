import { Agent, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ClientNode } from '../../node/index.ts'
import { streamOf } from '../../node/network/channel-stream.ts'
import type { Channel } from '../../node/network/index.ts'
import { ReachError } from '../../node/reach/index.ts'
import type { JobRecord } from '../../node/store/index.ts'
import { type Revocation, revokedError } from '../auth/index.ts'
import type { Principal } from '../http/principal.ts'

/**
 * How long a connection that carries no request is kept, in ms: below the 5 s after which Node's own servers close theirs,
 * and others by their default.
 */
const IDLE_MS = 4_000

/** The same where the next request could not be repeated if the container closed it in that moment, in ms. */
const SURE_MS = 1_000

/** Idle connections to one port on behalf of one key; a container takes 256 in all, and some servers fewer. */
const MAX_IDLE = 16

/** Idle connections of this gateway. */
const MAX_ALL_IDLE = 256

/** Answers before the answer (`100 Continue`, `103 Early Hints`) to one request. */
const MAX_INFORMATION = 32

/** A connection could not be had; the cause says why. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError'
}

/** Connections to the ports of jobs that carry one HTTP request after the other; see {@link createKeptConnections}. */
export interface KeptConnections {
  /** Those to a port on behalf of somebody; a request over one of them ends with the key or session behind it. */
  to(job: Pick<JobRecord, 'id' | 'state'>, port: number, principal: Principal): PortConnections
  /** One of its own to a port of a job, as `Reach.tunnel` opens it; those that carry nothing make room for it. */
  tunnel(jobId: string, to: { port: number; protocol: 'TCP' | 'UDP' }, signal: AbortSignal): Promise<Channel>
  /** The same as `Reach.tunnelAtOnce` does, where none carries nothing: none could make room. */
  tunnelAtOnce: KeptConnections['tunnel']
  /** How many are kept that carry no request. */
  idle(): number
}

/** Connections to one port, on behalf of one key or session, while one lease lasts. */
export interface PortConnections {
  /** For `http.request`. It fails with {@link NotConnectedError} where there is no way to the port. */
  agent: Agent
  /** To be told of each request before anything of it is answered: what is said at the wrong moment ends its connection. */
  guard(request: ClientRequest): void
  /**
   * Closes connections that carry no request: all, or those that the container may be closing in this moment.
   * @returns how many
   */
  refresh(which: 'all' | 'unsure'): number
}

/** A connection of a pool. */
interface Kept {
  /** Null while it carries a request, or is made. */
  idle: { sinceMs: number; timer: NodeJS.Timeout } | null
  /** How long the container keeps it, in ms. */
  keptMs: number
  isGuarded: boolean
}

interface Pool extends PortConnections {
  jobId: string
  owner: string
  /** Its connections that carry no request, and how to close them. */
  idle(): { sinceMs: number; close(): void }[]
}

/** What {@link createKeptConnections} works with. */
export interface KeptComponents {
  node: { reach: Pick<ClientNode['reach'], 'tunnel' | 'tunnelAtOnce'> }
  revocation: Revocation
}

/** All that a gateway keeps. */
interface Pools {
  byName: Map<string, Pool>
  /** Connections that carry no request. */
  idle: number
}

/**
 * Keeps connections to containers’ ports over tunnels, so that a request needs none of its own. None is ever shared: one
 * that was opened for a key or session, a lease and a port carries requests of these alone. A container that says
 * anything that was not asked for loses the connection.
 */
export function createKeptConnections(components: KeptComponents): KeptConnections {
  const all: Pools = { byName: new Map(), idle: 0 }
  return {
    to({ id, state }, port, principal) {
      const lease = state.status === 'running' ? `${state.lease.provider} ${state.lease.fence}` : 'none'
      const { keyId, via, session } = principal
      const name = JSON.stringify([id, lease, port, via, keyId, session?.id, session?.expiresAtMs])
      return all.byName.get(name) ?? createPool(components, all, { name, jobId: id, port, principal })
    },
    tunnel: async (jobId, to, signal) => await openTunnel(components.node, all, jobId, to, signal),
    async tunnelAtOnce(jobId, to, signal) {
      const mayMakeRoom = [...all.byName.values()].some((pool) => pool.jobId === jobId && pool.idle().length > 0)
      if (mayMakeRoom) return await openTunnel(components.node, all, jobId, to, signal)
      return await components.node.reach.tunnelAtOnce(jobId, to, signal)
    },
    idle: () => all.idle,
  }
}

/** Those to one port on behalf of somebody; it is among the others while it has any. */
function createPool(
  { node, revocation }: KeptComponents,
  all: Pools,
  { name, jobId, port, principal }: { name: string; jobId: string; port: number; principal: Principal },
): Pool {
  const over = new AbortController()
  const sockets = new Map<Duplex, Kept>()
  let opening = 0
  let release: (() => void) | null = null

  const begin = (): void => {
    opening += 1
    if (release !== null) return
    all.byName.set(name, pool)
    release = revocation.watch(principal, () => {
      over.abort(revokedError())
      for (const socket of sockets.keys()) socket.destroy(over.signal.reason)
    })
  }
  const endIfEmpty = (): void => {
    if (sockets.size > 0 || opening > 0) return
    release?.()
    release = null
    if (all.byName.get(name) === pool) all.byName.delete(name)
  }

  const wake = (kept: Kept): void => {
    if (kept.idle === null) return
    clearTimeout(kept.idle.timer)
    kept.idle = null
    all.idle -= 1
  }

  const open = async (): Promise<Duplex> => {
    const channel = await openTunnel(node, all, jobId, { port, protocol: 'TCP' }, over.signal)
    const socket = asSocket(streamOf(channel))
    const kept: Kept = { idle: null, keptMs: IDLE_MS, isGuarded: false }
    sockets.set(socket, kept)
    socket.on('error', () => undefined) // whoever reads the answer hears of it
    socket.once('end', () => kept.idle !== null && socket.destroy())
    socket.once('close', () => {
      wake(kept)
      sockets.delete(socket)
      endIfEmpty()
    })
    if (over.signal.aborted) socket.destroy(over.signal.reason)
    return socket
  }

  const agent = Object.assign(new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE, scheduling: 'lifo' }), {
    createConnection(_options: object, done: (error: Error | null, socket: Duplex) => void): undefined {
      begin()
      open()
        .finally(() => {
          opening -= 1
        })
        .then(
          (socket) => done(null, socket),
          (cause: unknown) => {
            endIfEmpty()
            done(new NotConnectedError('There is no way to the port', { cause }), null as never)
          },
        )
    },
    keepSocketAlive(socket: Duplex): boolean {
      const kept = sockets.get(socket)
      if (kept === undefined || kept.keptMs <= 0 || socket.readableLength > 0 || socket.readableEnded) return false
      if (all.idle >= MAX_ALL_IDLE) dropOldest(all)
      all.idle += 1
      kept.idle = { sinceMs: performance.now(), timer: setTimeout(() => socket.destroy(), kept.keptMs).unref() }
      socket.resume()
      return true
    },
    reuseSocket(socket: Duplex, request: ClientRequest): void {
      const kept = sockets.get(socket)
      if (kept !== undefined) wake(kept)
      Agent.prototype.reuseSocket.call(agent, socket, request)
    },
  })

  const pool: Pool = {
    jobId,
    owner: principal.owner,
    agent,
    idle: () => idleOf(sockets, wake),
    guard(request) {
      let informed = 0
      let socket: Duplex | null = null
      request.once('socket', (given) => {
        socket = given
        const kept = sockets.get(given)
        if (kept === undefined || kept.isGuarded) return
        kept.isGuarded = true
        // First of all that listen: once the parser has gone, nothing is to come.
        given.prependListener('data', () => given.listenerCount('data') === 1 && given.destroy())
      })
      request.on('information', () => {
        informed += 1
        if (informed > MAX_INFORMATION) request.destroy(new Error('it only says that it will answer'))
      })
      request.once('response', (response) => {
        const kept = socket === null ? undefined : sockets.get(socket)
        if (kept !== undefined) kept.keptMs = keptMsOf(response)
        // It answered what it has not read: what is still sent is no request to it, or half of one.
        response.once('end', () => request.writableFinished || socket?.destroy())
      })
    },
    refresh(which) {
      const beforeMs = which === 'all' ? Number.POSITIVE_INFINITY : performance.now() - SURE_MS
      const closed = [...sockets].filter(([, kept]) => kept.idle !== null && kept.idle.sinceMs < beforeMs)
      for (const [socket] of closed) socket.destroy()
      return closed.length
    },
  }
  return pool
}

/** Where a container takes no more, those that carry nothing make room. */
async function openTunnel(
  { reach }: KeptComponents['node'],
  all: Pools,
  ...[jobId, to, signal]: Parameters<KeptConnections['tunnel']>
): Promise<Channel> {
  try {
    return await reach.tunnel(jobId, to, signal)
  } catch (error) {
    if (!(error instanceof ReachError && error.code === 'TOO_MANY' && dropIdle(all, jobId))) throw error
    return await reach.tunnel(jobId, to, signal)
  }
}

/** Makes room in this gateway, at the cost of whoever has most of it. */
function dropOldest({ byName }: Pools): void {
  const byOwner = new Map<string, { sinceMs: number; close(): void }[]>()
  for (const pool of byName.values()) {
    byOwner.set(pool.owner, [...(byOwner.get(pool.owner) ?? []), ...pool.idle()])
  }
  const [most = []] = [...byOwner.values()].sort((one, other) => other.length - one.length)
  const [oldest] = most.sort((one, other) => one.sinceMs - other.sinceMs)
  oldest?.close()
}

/** Makes room in a container. */
function dropIdle({ byName }: Pools, jobId: string): boolean {
  let closed = 0
  for (const pool of byName.values()) if (pool.jobId === jobId) closed += pool.refresh('all')
  return closed > 0
}

function idleOf(sockets: Map<Duplex, Kept>, wake: (kept: Kept) => void): ReturnType<Pool['idle']> {
  return [...sockets].flatMap(([socket, kept]) => {
    if (kept.idle === null) return []
    const close = (): void => {
      // It is none of them from now on, and not only once it has closed.
      wake(kept)
      socket.destroy()
    }
    return [{ sinceMs: kept.idle.sinceMs, close }]
  })
}

/** How long a container keeps a connection after an answer, in ms: a second less than it says, if it says so. */
function keptMsOf({ headers }: IncomingMessage): number {
  const [, seconds] = /(?:^|[\s,;])timeout=(\d{1,9})/i.exec(String(headers['keep-alive'] ?? '')) ?? []
  return seconds === undefined ? IDLE_MS : Math.min(IDLE_MS, Number(seconds) * 1000 - 1_000)
}

/** With what `http.Agent` and its requests want of a socket beside a stream's. */
function asSocket(stream: Duplex): Duplex {
  const nothing = (): Duplex => stream
  return Object.assign(stream, {
    ...{ ref: nothing, unref: nothing, setKeepAlive: nothing, setNoDelay: nothing, setTimeout: nothing },
    destroySoon: () => void stream.end(() => stream.destroy()),
  })
}
