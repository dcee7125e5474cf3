import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../free-port.ts'
import { answers, type ManagedProcess, startProgram } from '../local-network.ts'
import { run } from '../packaging/files.ts'
import type { Version } from './former.ts'

/** Longest that anything may take that is waited for, in ms: a guard against hangs. */
const PATIENCE_MS = 120_000

/** What an answer of the API has of use here. */
export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers of versions that this one does not know are looked into as JSON
  body: any
}

/** A gateway of one version and an agent of another, on loopback and on one engine. */
export interface Pair {
  gateway: ManagedProcess
  agent: ManagedProcess
  /** An image that the engine has. */
  image: string
  /** Asks the API, whatever the answer. */
  ask(method: string, path: string, body?: object): Promise<Answer>
  /** Asks again until the answer is as wanted. @throws Error with the last answer where it never is */
  until(path: string, wanted: (answer: Answer) => boolean): Promise<Answer>
  stop(): Promise<void>
}

interface PairInit {
  gateway: Version
  agent: Version
  dockerHost: string
  image: string
  /** An empty one, for the data of both. */
  folder: string
}

/** Starts both, and waits until the gateway has heard of the agent. */
export async function startPair({ gateway, agent, dockerHost, image, folder }: PairInit): Promise<Pair> {
  const [port, peerPort] = [await freePort(), await freePort()]
  const peer = `/ip4/127.0.0.1/tcp/${peerPort}`
  const common = [
    ['--log-level', 'info'],
    ['--no-mdns'],
    ['--bootstrap', peer],
    ['--network', `neighbours-${process.pid}`],
  ]
  const start = async (version: Version, part: 'gateway' | 'agent', flags: string[][]): Promise<ManagedProcess> => {
    const help = await run(process.execPath, [version.program, part, '--help'])
    // What a version has no flag for, it does not do either.
    const known = [...flags, ...common].filter(([flag = '']) => help.includes(`${flag} `) || help.includes(`${flag}\n`))
    const log = join(folder, `${part}.log`)
    return startProgram(part, log, [part, ...known.flat()], { program: version.program })
  }
  const processes: ManagedProcess[] = []
  const stop = async (): Promise<void> => void (await Promise.all(processes.map(({ end }) => end())))
  try {
    const served = [
      ['--data', folder],
      ['--port', String(port)],
      ['--listen', peer],
      ['--rate-limit', '0'],
    ]
    const serving = await start(gateway, 'gateway', served)
    processes.push(serving)
    const url = `http://127.0.0.1:${port}`
    await answers(`${url}/api/health`, processes)
    const machine = [
      ['--cpu', '500'],
      ['--memory', '512Mi'],
      ['--storage', '1Gi'],
      ['--price-cpu', '0.01'],
      ['--stop-jobs'],
    ]
    const own = [['--no-benchmark'], ['--allow-local-image', 'cortex/*'], ['--docker-host', dockerHost]]
    const data = [
      ['--data', join(folder, 'agent')],
      ['--name', 'neighbour'],
      ['--listen', '/ip4/127.0.0.1/tcp/0'],
    ]
    const selling = await start(agent, 'agent', [...data, ...machine, ...own])
    processes.push(selling)
    const key = (await readFile(join(folder, 'gateway/admin.key'), 'utf8')).trim()
    const pair = { gateway: serving, agent: selling, image, stop, ...asking(url, key, processes) }
    await pair.until('/providers', ({ body }) => body.data?.some((one: { status: string }) => one.status === 'online'))
    return pair
  } catch (error) {
    await stop()
    throw error
  }
}

function asking(url: string, key: string, processes: ManagedProcess[]): Pick<Pair, 'ask' | 'until'> {
  async function ask(method: string, path: string, body?: object): Promise<Answer> {
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(`${url}/api/plugin-core${path}`, { method, headers, ...text })
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, body: isJson ? await response.json() : await response.text() }
  }
  async function until(path: string, wanted: (answer: Answer) => boolean): Promise<Answer> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const answer = await ask('GET', path)
      if (wanted(answer)) return answer
      const gone = processes.find(({ running }) => !running)
      if (gone !== undefined) throw new Error(`${gone.name} has ended:\n${gone.output().slice(-2_000)}`)
      if (performance.now() > deadline) throw new Error(`${path} never was as wanted: ${JSON.stringify(answer)}`)
      await delay(200)
    }
  }
  return { ask, until }
}
