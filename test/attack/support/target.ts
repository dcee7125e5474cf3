import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { pathToFileURL } from 'node:url'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { DEFAULT_NETWORK } from '../../../protocol/topics.ts'
import { ensureEngine } from '../../../scripts/engine.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { RUNSC } from '../../../scripts/gvisor.ts'
import { ensureBusyboxImage } from '../../../scripts/image.ts'
import { type ManagedProcess, startLocalNetwork, startProgram } from '../../../scripts/local-network.ts'
import { networkApi } from '../../faults/support/network-api.ts'
import { makeCertificate } from '../../support/certificate.ts'
import { until } from '../../support/until.ts'
import type { AttackTarget, Tenant } from './inputs.ts'
import { BEGIN_ANEW, TELL, type Vitals } from './vitals.ts'

export interface RunningTarget extends AttackTarget {
  processes: WatchedProcess[]
  [Symbol.asyncDispose](): Promise<void>
}

/** The gateway, or the agent. */
export interface WatchedProcess {
  name: string
  readonly pid: number
  readonly running: boolean
  output(): string
  /** Begins to measure anew; resolves when that has begun. */
  beginAnew(): Promise<void>
  /** Since then, after at least one more measurement. */
  vitals(): Promise<Vitals>
}

/**
 * Starts what hostile inputs are thrown at.
 *
 * @param init further flags of the agent, and the runtime of its jobs
 */
export async function startTarget(
  init: { agentFlags?: string[]; runtime?: string | undefined } = {},
): Promise<RunningTarget> {
  const { agentFlags = [], runtime } = init
  const runtimeFlags = runtime === undefined ? [] : ['--runtime', runtime]
  await using stack = new AsyncDisposableStack()
  const engine = await ensureEngine()
  stack.defer(async () => await engine.stop())
  const docker = new Docker({ socketPath: engine.socketPath })
  const image = await ensureBusyboxImage(docker)
  const dockerHost = `unix://${engine.socketPath}`
  const watcher = pathToFileURL(join(import.meta.dirname, 'vitals.ts'))
  watcher.searchParams.set('watch', '')
  const nodeFlags = ['--import', watcher.href]
  const network = await startLocalNetwork({
    dockerHost,
    gatewayFlags: ['--rate-limit', '100000'],
    agents: [{ name: 'attacked', flags: ['--memory', '4Gi', '--storage', '8Gi', ...agentFlags, ...runtimeFlags] }],
    launch: () => ({ nodeFlags }),
  })
  stack.defer(async () => await network.stop())
  const secure = await startSecureGateway(network.folder, nodeFlags)
  stack.defer(async () => void (await secure.process.end()))
  const admin: Tenant = { key: network.key, api: networkApi(network) }
  const tenant = async (name: string, owner: string, permissions: string[]): Promise<Tenant> => {
    const { data, message } = await admin.api.call('POST', '/../auth/keys', { name, owner, permissions })
    if (data?.key === undefined) throw new Error(`no key for ${name}: ${message}`)
    return { key: data.key, api: networkApi({ url: network.url, key: data.key }) }
  }
  const everything = ['jobs:*', 'templates:*', 'webhooks:*', 'providers:*', 'keys:*']
  const alice = await tenant('alice', 'alice', everything)
  const bob = await tenant('bob', 'bob', everything)
  const reader = await tenant('reader', 'alice', ['jobs:read'])
  const agent = await admin.api.provider('attacked', ({ status }) => status === 'online')
  const gatewayId = /peer (\w+)/.exec(network.processes[0]?.output() ?? '')?.[1] ?? ''
  const endedJob = await alice.api.submit({ image, command: ['sh', '-c', 'echo one; echo two'] })
  await alice.api.ended(endedJob)
  const started = stack.move()
  return {
    ...{ url: network.url, admin, alice, bob, reader, dockerHost, image, endedJob, ownsKernel: runtime === RUNSC },
    peer: `${network.peer}/p2p/${gatewayId}`,
    agentPeer: agent.endpoints[0],
    agentId: agent.id,
    network: DEFAULT_NETWORK,
    securePort: secure.port,
    processes: [...network.processes, secure.process].map((process) => ({
      name: process.name,
      get pid() {
        return process.pid
      },
      get running() {
        return process.running
      },
      output: process.output,
      async beginAnew() {
        await process.ask(BEGIN_ANEW)
      },
      vitals: async () => (await process.ask(TELL)) as Vitals,
    })),
    [Symbol.asyncDispose]: async () => await started.disposeAsync(),
  }
}

/** A gateway that speaks TLS, without a provider. */
async function startSecureGateway(folder: string, nodeFlags: string[]) {
  const [own, port] = [join(folder, 'by-tls'), await freePort()]
  await mkdir(own, { mode: 0o700 })
  const { certPath, keyPath } = makeCertificate(own, 'DNS:localhost,IP:127.0.0.1')
  const where = ['gateway', '--data', own, '--port', String(port), '--listen', '/ip4/127.0.0.1/tcp/0']
  const how = [
    '--no-mdns',
    '--log-level',
    'warn',
    '--rate-limit',
    '100000',
    '--tls-cert',
    certPath,
    '--tls-key',
    keyPath,
  ]
  const process = startProgram('gateway by TLS', join(own, 'log'), [...where, ...how], { nodeFlags })
  try {
    await until(async () => await shakesHands(port, process))
  } catch (error) {
    await process.end()
    throw error
  }
  return { port, process }
}

async function shakesHands(port: number, process: ManagedProcess): Promise<boolean> {
  if (!process.running) throw new Error(`The gateway by TLS ended:\n${process.output()}`)
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  const isThere = await Promise.race([
    once(socket, 'secureConnect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return isThere
}
