/** A gateway and agents as processes on the real engine, with everything that a test of faults does to them. */

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import type { JobSubmission } from '../../../protocol/job-spec.ts'
import { removeContainer } from '../../../provider-agent/engine/removal.ts'
import { dropNetwork } from '../../../provider-agent/networks/network.ts'
import { ensureEngine } from '../../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../../scripts/image.ts'
import {
  type Launch,
  type LocalNetwork,
  type ManagedProcess,
  startLocalNetwork,
  startProgram,
} from '../../../scripts/local-network.ts'
import { FAULTY_PROGRAM_VARIABLE } from '../../../scripts/testing/programs.ts'
import { lookAgainMs } from '../../support/until.ts'
import { type ApiJob, type FaultApi, type LiveLog, openFaultApi } from './api.ts'
import type { Befallen } from './befallen.ts'
import { check, type Expected, type Violation } from './checker.ts'
import { type EngineEvent, recordEngine } from './engine-events.ts'
import type { Fault } from './fault-points.ts'
import type { OwnEngine } from './own-engine.ts'

const faulty = process.env[FAULTY_PROGRAM_VARIABLE]
/** Lets a process be ended at an exact point of its work. */
const FAULTY: Launch =
  faulty === undefined ? { nodeFlags: ['--import', join(import.meta.dirname, 'fault-points.ts')] } : { program: faulty }

export interface FaultMarketInit {
  agents: { name: string; flags?: string[]; engine?: OwnEngine }[]
  /** Further flags of the gateway. @default [] */
  gatewayFlags?: string[]
  /** Times of leases, in ms. @default the program's own */
  times?: { heartbeatMs: number; lostAfterMs: number }
  /** @default the processes are started as they are, on loopback */
  launch?: (name: string) => Launch
  /** Longest that a job or a tidying may take, in ms: a test's bound, never its measure. @default 300_000 */
  patienceMs?: number
}

export interface FaultMarket {
  readonly docker: Docker
  readonly socketPath: string
  readonly network: LocalNetwork
  readonly api: FaultApi
  readonly gateway: ManagedProcess
  readonly agents: FaultAgent[]
  /** A job that counts to `lines`, a line every `everyMs`; without network, which makes it quick. */
  count(lines: number, everyMs: number, changes?: Partial<JobSubmission>): Counting
  /** Submits it, whatever becomes of the gateway meanwhile. @param live whether its output is read as it comes */
  submit(job: Counting, live?: boolean): Promise<string>
  /** Resolves with the first answer that is as asked for. @throws when patience ends */
  when(id: string, is: (job: ApiJob) => boolean): Promise<ApiJob>
  ended(id: string): Promise<ApiJob>
  /** Lines that its live reader was given so far. */
  linesRead(id: string): number
  /** What the engine did with this market's containers. */
  engineEvents(): Promise<EngineEvent[]>
  /** A `cortex run` in this market, ended with it. Its job is not counted among those submitted. */
  client(name: string, args: string[], how?: Launch): ManagedProcess
  /** Waits until all jobs have ended and everything is put away, stops the processes, and answers what does not hold. */
  check(further?: { requesters?: string[]; expected?: Expected[]; befallen?: Befallen[] }): Promise<Violation[]>
  [Symbol.asyncDispose](): Promise<void>
}

export interface Counting {
  lines: number
  job: JobSubmission
}

export interface FaultAgent {
  readonly id: string
  readonly name: string
  readonly process: ManagedProcess
  /** Where identity and journal are. */
  readonly folder: string
  /** Where its containers are. */
  readonly docker: Docker
  /** Its engine where nobody else uses it. */
  readonly engine: OwnEngine | null
}

const PATIENCE_MS = 300_000
/** How soon it is looked again, in ms. */
const LOOK_MS = 150
/** What Node says of an error that nobody caught, to its last line. */
const CRASH = /^file:.*?^Node\.js v\S+$/ms

export function arm(process: ManagedProcess, fault: Fault): void {
  process.tell(fault)
}

export async function startFaultMarket(init: FaultMarketInit): Promise<FaultMarket> {
  await using stack = new AsyncDisposableStack()
  const engine = await ensureEngine()
  stack.defer(engine.stop)
  const docker = new Docker({ socketPath: engine.socketPath })
  const image = await ensureBusyboxImage(docker)
  const dockers = new Set(init.agents.map((agent) => agent.engine?.docker ?? docker))
  const recorders = [...dockers].map(recordEngine)
  stack.defer(async () => void (await Promise.all(recorders.map(async ({ stop }) => await stop()))))
  const name = `faults-${process.pid}-${Date.now().toString(36)}`
  const { heartbeatMs, lostAfterMs } = init.times ?? {}
  const common = [
    ...['--network', name],
    ...(heartbeatMs === undefined ? [] : ['--heartbeat-ms', String(heartbeatMs)]),
    ...(lostAfterMs === undefined ? [] : ['--lost-after-ms', String(lostAfterMs)]),
  ]
  // Sandboxes are tried where a test asks for them: each start would make them anew.
  const machine = ['--cpu', '4000', '--memory', '2Gi', '--storage', '4Gi', '--sandboxes', '0', ...common]
  const network = await startLocalNetwork({
    dockerHost: `unix://${engine.socketPath}`,
    agents: init.agents.map(({ name, flags = [], engine: own }) => {
      // Of two, the last counts.
      const dockerHost = own === undefined ? [] : ['--docker-host', own.host]
      return { name, flags: [...machine, ...dockerHost, ...flags] }
    }),
    gatewayFlags: ['--rate-limit', '0', ...common, ...(init.gatewayFlags ?? [])],
    launch: (name) => ({ ...FAULTY, ...init.launch?.(name) }),
  })
  stack.defer(async () => {
    for (const { pid, running } of network.processes) if (running) process.kill(pid, 'SIGCONT')
    await network.stop()
  })
  const api = openFaultApi(network.url, network.key)
  const [gateway, ...agentProcesses] = network.processes
  if (gateway === undefined) throw new Error('No gateway')
  const known = await online(api, agentProcesses)
  const agents = init.agents.map(({ name, engine: own = null }, i): FaultAgent => {
    const id = known.find((provider) => provider.name === name)?.id
    const process = agentProcesses[i]
    if (id === undefined || process === undefined) throw new Error(`No agent ${name}`)
    return {
      id,
      name,
      process,
      folder: join(network.folder, name, 'agent'),
      docker: own?.docker ?? docker,
      engine: own,
    }
  })
  const submitted = new Map<string, { lines: number; live: LiveLog[]; askedMs: number; tookMs?: number }>()
  stack.defer(async () => {
    for (const { live } of submitted.values()) for (const { close } of live) close()
    await removeLeft(agents)
  })
  let keys = 0
  const resources = stack.move()

  async function engineEvents(): Promise<EngineEvent[]> {
    const events = (await Promise.all(recorders.map(async (each) => await each.events()))).flat()
    return events.filter(({ owner }) => agents.some(({ id }) => id === owner)).sort((a, b) => a.atMs - b.atMs)
  }

  const market: FaultMarket = {
    ...{ docker, socketPath: engine.socketPath, network, api, gateway, agents, engineEvents },

    count(lines, everyMs, changes = {}) {
      const script = `i=1; while [ $i -le ${lines} ]; do echo line $i; i=$((i+1)); usleep ${everyMs * 1000}; done`
      // A machine that starts its peers slowly keeps jobs waiting that are meant for one.
      const small = {
        cpu: 50,
        memory: '16Mi',
        storage: '16Mi',
        duration: 300,
        stopGraceSeconds: 1,
        queueTimeout: 3_600,
      }
      const job = { image, command: ['sh', '-c'], args: [script], network: 'none' as const, ...small, ...changes }
      return { lines, job }
    },
    async submit({ lines, job }, live = false) {
      keys += 1
      const askedMs = performance.now()
      const { id } = await api.submit(job, `${name}-${keys}`)
      submitted.set(id, { lines, live: live ? [api.followLog(id)] : [], askedMs })
      return id
    },
    async when(id, is) {
      let last: ApiJob | undefined
      await eventually(async () => {
        last = await api.job(id)
        return is(last) ? true : `${id} is ${JSON.stringify({ ...last, config: undefined })}`
      }, init.patienceMs)
      return last as ApiJob
    },
    async ended(id) {
      const job = await market.when(id, ({ status }) => ['completed', 'failed', 'cancelled'].includes(status))
      const known = submitted.get(id)
      if (known !== undefined) known.tookMs ??= performance.now() - known.askedMs
      return job
    },

    linesRead: (id) => submitted.get(id)?.live[0]?.ids.length ?? 0,

    client(clientName, args, how = {}) {
      const listen = `/ip4/${how.host ?? '127.0.0.1'}/tcp/0`
      const folder = ['--data', network.folder, '--listen', listen, '--no-mdns']
      const peer = ['--bootstrap', network.peer]
      const started = startProgram(
        clientName,
        join(network.folder, `${clientName}.log`),
        ['run', ...folder, ...peer, ...common, ...args],
        { ...FAULTY, ...how },
      )
      resources.defer(async () => void (await started.end('SIGKILL')))
      return started
    },

    async check({ requesters = [], expected = [], befallen = [] } = {}) {
      const jobs: Expected[] = []
      const violations: Violation[] = []
      for (const [id, { lines, live }] of submitted) {
        try {
          await market.ended(id)
          await Promise.all(live.map(({ ended }) => ended))
        } catch (error) {
          violations.push({ rule: 'every job ends', of: id, text: String(error) })
        }
        const { tookMs } = submitted.get(id) ?? {}
        jobs.push({ id, lines, liveIds: live.map(({ ids }) => ids), ...(tookMs === undefined ? {} : { tookMs }) })
      }
      const leftOver = async (of: string, ask: () => Promise<true | string>): Promise<void> => {
        const report = (error: Error) => void violations.push({ rule: 'nothing left over', of, text: error.message })
        await eventually(ask, init.patienceMs).catch(report)
      }
      for (const { name: of, running, output } of network.processes) {
        const crash = CRASH.exec(output())?.[0] ?? (running ? undefined : output().slice(-1_000))
        if (crash !== undefined) violations.push({ rule: 'no process ends by itself', of, text: crash })
      }
      await leftOver('engine and capacity', async () => await untidy(api, agents))
      for (const job of jobs) job.api = await api.job(job.id)
      await Promise.all(
        network.processes.map(async ({ name: of, end, output }) => {
          if (await end()) return
          violations.push({ rule: 'a process stops when it is asked to', of, text: output().slice(-1_000) })
        }),
      )
      for (const { name, engine: own } of agents)
        if (own !== null) await leftOver(`engine of ${name}`, async () => await anythingOn(own.docker))
      const stores = [join(network.folder, 'gateway'), ...requesters]
      const providers = new Map(agents.map(({ id, folder }) => [id, folder]))
      const all = [...jobs, ...expected]
      return [
        ...violations,
        ...(await check({ expected: all, requesters: stores, providers, engine: await engineEvents(), befallen })),
      ]
    },
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  }
  return market
}

/** Asks until the answer is true; else its text is what the error says. */
export async function eventually(ask: () => Promise<true | string>, patienceMs = PATIENCE_MS): Promise<void> {
  const startedMs = performance.now()
  for (;;) {
    const answer = await ask()
    if (answer === true) return
    const waitedMs = performance.now() - startedMs
    if (waitedMs > patienceMs) throw new Error(answer)
    await delay(lookAgainMs(waitedMs, LOOK_MS))
  }
}

/** All of them; else the error says what is heard of each, and what those say themselves that are missing. */
async function online(api: FaultApi, agents: readonly ManagedProcess[]) {
  let known: Awaited<ReturnType<FaultApi['providers']>> = []
  await eventually(async () => {
    const heard = await api.providers()
    known = heard.filter(({ status }) => status === 'online')
    if (known.length >= agents.length) return true
    const missing = agents.filter(({ name }) => !known.some((one) => name === `agent ${one.name}`))
    const said = missing.map(
      ({ name, running, output }) => `${name} (${running ? 'runs' : 'ended'}): ${output().slice(-2_000)}`,
    )
    return `${known.length} of ${agents.length} agents are online, of ${JSON.stringify(heard)}; ${said.join('\n')}`
  })
  return known
}

/** What the engine or the agents still hold, though no job is under way. */
async function untidy(api: FaultApi, agents: FaultAgent[]): Promise<true | string> {
  const left: string[] = []
  for (const { id, name, process, docker } of agents) {
    // Where its agent is gone for good, nobody can tidy.
    if (!process.running) continue
    const filters = { label: [`org.cortex-node.owner=${id}`] }
    for (const { Names } of await docker.listContainers({ all: true, filters })) left.push(Names.join())
    for (const { Name } of await docker.listNetworks({ filters })) left.push(`network ${Name}`)
    for (const { Name } of (await docker.listVolumes({ filters })).Volumes) left.push(`volume ${Name}`)
    const view = (await api.providers()).find((provider) => provider.id === id)
    if (view?.status !== 'online') left.push(`${name} is ${view?.status}`)
    else if (JSON.stringify(view.capacity.free) !== JSON.stringify(view.capacity.total)) {
      left.push(`${name} has ${JSON.stringify(view.capacity.free)} free of ${JSON.stringify(view.capacity.total)}`)
    }
  }
  return left.length === 0 ? true : left.join(', ')
}

/** What is on an engine that nobody else uses, when its agent has stopped. */
async function anythingOn(docker: Docker): Promise<true | string> {
  const containers = (await docker.listContainers({ all: true })).map(
    ({ Names, Status }) => `${Names.join()} (${Status})`,
  )
  const networks = (await docker.listNetworks()).filter(({ Name }) => !['bridge', 'host', 'none'].includes(Name))
  const volumes = (await docker.listVolumes()).Volumes.map(({ Name }) => `volume ${Name}`)
  const left = [...containers, ...networks.map(({ Name }) => `network ${Name}`), ...volumes]
  return left.length === 0 ? true : left.join(', ')
}

/** What a failed test leaves, and containers of agents that were killed for good. */
async function removeLeft(agents: FaultAgent[]): Promise<void> {
  for (const { id, docker, engine } of agents) {
    if (engine !== null) continue // goes as a whole
    for (const label of [`org.cortex-node.owner=${id}`, `org.cortex-node.sandbox=${id}`]) {
      const filters = { label: [label] }
      for (const { Id } of await docker.listContainers({ all: true, filters }))
        await removeContainer(docker.getContainer(Id), {})
      for (const { Id } of await docker.listNetworks({ filters })) await dropNetwork(docker, Id, {})
    }
  }
}
