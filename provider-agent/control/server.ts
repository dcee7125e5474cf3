import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../node/clock.ts'
import { type Control, listenOnSocket } from '../../node/control/listen.ts'
import type { Directory } from '../../node/directory/index.ts'
import type { Logger } from '../../node/logger.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import { isLine, toLine } from '../../protocol/text.ts'
import type { Agent } from '../agent.ts'
import type { Bandwidth } from '../bandwidth/shaper.ts'
import { checkSelf, TYPICAL_JOB } from './check.ts'
import type { Shared } from './shared.ts'
import { checkView, earningsView, jobView, type StoppedView, stateView } from './views.ts'
import type { Yielding } from './yielding.ts'

/** What {@link startControl} works with. */
export interface ControlComponents {
  agent: Agent
  directory: Pick<Directory, 'list'>
  network: Pick<PeerNetwork, 'peerId' | 'peers' | 'addresses'>
  clock: Clock
  logger: Logger
  /** What jobs have in common with the machine. */
  shared(): Promise<Shared>
  /** How they yield to its owner's programs. */
  yielding(): Yielding
  /** What they are held to of the network. */
  bandwidth(): Bandwidth
  /** A backup, as it is made. */
  backup(withFiles: boolean): Promise<Readable>
}

/** How far back earnings may be asked for, in days. */
const MAX_DAYS = 3_650
const DAY_MS = 24 * 3_600_000

/** Of why a job is stopped, in UTF-16 code units: a line that a requester reads beside the job's state. */
const MAX_REASON_LENGTH = 200

/** What the owner asked for cannot be, in words for the owner. */
class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/**
 * Answers the owner's commands over HTTP on a unix socket: `GET /status`, `/check`, `/jobs`, `/earnings?days=N`,
 * `/backup?files=1`, `POST /drain`, `/resume`, `/stop?job=ID&reason=TEXT`.
 */
export async function startControl(components: ControlComponents, dataFolder: string): Promise<Control> {
  const { agent, directory, network, clock } = components
  const logger = components.logger.child({ part: 'control' })

  const routes: Record<string, (query: URLSearchParams) => unknown> = {
    'GET /status': () => stateView(agent.status()),
    'GET /jobs': () => agent.status().leases.map(jobView),
    'GET /check': check,
    'GET /earnings': async (query) => {
      const days = Math.min(Math.max(1, Math.trunc(Number(query.get('days') ?? 30)) || 1), MAX_DAYS)
      const sinceMs = clock.nowMs() - days * DAY_MS
      return earningsView(await agent.earnings(sinceMs), sinceMs)
    },
    'GET /backup': async (query) => await components.backup(query.get('files') === '1'),
    'POST /stop': stopJob,
    'POST /drain': async () => {
      await agent.drain()
      return stateView(agent.status())
    },
    'POST /resume': async () => {
      await agent.resume()
      return stateView(agent.status())
    },
  }

  async function check() {
    const { announceProblem, paused, draining, capabilities, gpus, unsoldGpus, isolations } = agent.status()
    const { peerId } = network
    const reach = { peerId, addresses: network.addresses(), peers: network.peers().length }
    const offer = { paused, draining, capabilities, clockOff: agent.clockOff(), ...agent.consider(TYPICAL_JOB) }
    const shared = await components.shared()
    const found = {
      announceProblem,
      gpus,
      unsoldGpus,
      isolations,
      shared,
      yielding: components.yielding(),
      bandwidth: components.bandwidth(),
    }
    return checkView(checkSelf({ ...reach, ...offer, ...found, providers: directory.list() }))
  }

  async function stopJob(query: URLSearchParams): Promise<StoppedView> {
    const jobId = query.get('job') ?? ''
    const reason = query.get('reason') ?? ''
    if (reason.length > MAX_REASON_LENGTH || !isLine(reason)) {
      throw new RefusedError(`--reason is one line of at most ${MAX_REASON_LENGTH} characters`)
    }
    const attempts = await agent.stopJob(jobId, reason)
    if (attempts.length === 0) {
      throw new RefusedError(`No job ${toLine(jobId, 80)} runs here: 'cortex agent jobs' lists those that do`)
    }
    return { jobId, attempts, reason }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent')
    const name = `${request.method} ${pathname}`
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined
    request.resume()
    if (route === undefined) return send(response, 404, { error: `There is no ${name} here` })
    try {
      const value = await route(searchParams)
      if (value instanceof Readable) await pipeline(value, response)
      else send(response, 200, value)
    } catch (error) {
      if (error instanceof RefusedError) return send(response, 400, { error: error.message })
      logger.error({ error: String(error) }, 'a command failed')
      // Whoever reads it is to see that it is not whole.
      if (response.headersSent) return void response.destroy()
      send(response, 500, { error: 'The agent could not do it; its log says why' })
    }
  }

  const server = createServer((request, response) => void answer(request, response))
  return await listenOnSocket(server, dataFolder, 'agent')
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
