/**
 * A file of random bytes on its way: as a job's input from the gateway into the container, as its output back to the
 * gateway, and through `cortex job cp` both ways, against one bare libp2p stream and against `scp`, each in its turn in one
 * run. Every way ends with a program that has the file, or a file that is there.
 */

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CortexClient } from '../gateway/client/index.ts'
import type { BenchResult } from './run.ts'
import { startBare } from './support/bare.ts'
import { benchNetwork } from './support/network.ts'
import { startOwnSshd } from './support/own-sshd.ts'
import { median, round } from './support/statistics.ts'

const run = promisify(execFile)
const PROGRAM = join(import.meta.dirname, '../bin/cortex.ts')
const MIB = 2 ** 20
const GOAL = 0.5
const UNTIL_DONE = 'until [ -e /done ]; do sleep 0.1; done'
const SIZE = { cpu: 500, memory: '64Mi', storage: '4Gi', duration: 600, network: 'none' }

type Ways = Record<'upload' | 'in' | 'out' | 'outLink' | 'copyIn' | 'copyOut' | 'bare' | 'scp', number[]>

/** @param args how many MiB the file has, and how many times. @default 256, 3 */
export async function bench(args: string[]): Promise<BenchResult> {
  const [bytes, rounds] = [Number(args[0] ?? 256) * MIB, Number(args[1] ?? 3)]
  await using setup = await benchNetwork(1, ['--storage', '16Gi', '--cache-room', '8Gi'])
  await using ssh = await startOwnSshd(join(setup.folder, 'sshd'))
  using bare = await startBare()
  const ways: Ways = { upload: [], in: [], out: [], outLink: [], copyIn: [], copyOut: [], bare: [], scp: [] }
  const file = join(setup.folder, 'file')
  const timed = async (way: keyof Ways, task: () => Promise<unknown>): Promise<void> => {
    const begun = performance.now()
    await task()
    ways[way].push(bytes / 1e6 / ((performance.now() - begun) / 1000))
  }
  for (let i = 0; i < rounds; i += 1) {
    // Another one each time: what a provider has is not sent again.
    await writeRandom(file, bytes)
    await asJobs(setup, { file, bytes }, ways, timed)
    ways.bare.push(bytes / 1e6 / (await bare.seconds(bytes)))
    await timed('scp', async () => await ssh.send(file, `${file}.scp`))
    process.stdout.write(
      `${Object.entries(ways)
        .map(([way, all]) => `${way} ${round(all.at(-1) ?? 0)}`)
        .join(', ')} MB/s\n`,
    )
  }
  return resultOf(ways, bytes / MIB)
}

function resultOf(ways: Ways, megabytes: number): BenchResult {
  const speed = Object.fromEntries(Object.entries(ways).map(([way, all]) => [way, round(median(all))]))
  const against = (baseline: number[]) =>
    Object.fromEntries(
      (['in', 'out', 'copyIn', 'copyOut'] as const).map((way) => [way, round(median(ways[way]) / median(baseline), 3)]),
    )
  const [ofBare, ofScp] = [against(ways.bare), against(ways.scp)]
  const ratio = Math.min(...Object.values(ofBare))
  return { name: 'transfer', ratio, goal: GOAL, megabytes, megabytesPerSecond: speed, ofBare, ofScp }
}

async function asJobs(
  { api, url, key, image, folder }: Awaited<ReturnType<typeof benchNetwork>>,
  { file, bytes }: { file: string; bytes: number },
  ways: Ways,
  timed: (way: keyof Ways, task: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const client = new CortexClient({ baseUrl: url, apiKey: key })
  const per = (ms: number): number => bytes / 1e6 / (ms / 1000)
  let digest = ''
  await timed('upload', async () => {
    const source = (offset: number) => createReadStream(file, { start: offset })
    digest = (await client.uploads.create(source, { name: 'file' })).digest ?? ''
  })
  const { id } = await api.submit({
    ...{ image, ...SIZE, command: ['sh', '-c', UNTIL_DONE] },
    ...{ inputs: [{ path: '/in', from: { upload: digest } }], outputs: '/out' },
  })
  const at = await eventTimes(api, id, 'started')
  ways.in.push(per((at.get('started') ?? Number.NaN) - (at.get('scheduled') ?? Number.NaN)))
  const copy = async (from: string, to: string) =>
    await run(process.execPath, [PROGRAM, 'job', 'cp', '--gateway', url, '--key', key, from, to])
  await timed('copyIn', async () => await copy(file, `${id}:/out`))
  await timed('copyOut', async () => await copy(`${id}:/out`, join(folder, 'copied')))
  await rm(join(folder, 'copied'))
  await client.jobs.files.write(id, '/done', 'x')
  const begun = performance.now()
  const seen = await eventTimes(api, id, 'completed')
  // Answered once all of it is here.
  const output = await fetch(`${url}/api/plugin-core/jobs/${id}/output`, {
    headers: { Authorization: `Bearer ${key}` },
  })
  if (!output.ok) throw new Error(`The output did not come: ${await output.text()}`)
  await output.body?.cancel()
  ways.out.push(per(performance.now() - begun))
  ways.outLink.push(per(performance.now() - (seen.get('completed') ?? Number.NaN)))
}

/** When each kind of event was heard of, in ms, until the last of interest. */
async function eventTimes(
  api: Awaited<ReturnType<typeof benchNetwork>>['api'],
  id: string,
  last: string,
): Promise<Map<string, number>> {
  const at = new Map<string, number>()
  await Promise.race([
    api.events(id, ({ type }) => void (at.has(type) || at.set(type, performance.now()))),
    (async () => {
      while (!at.has(last)) await delay(10)
    })(),
  ])
  return at
}

async function writeRandom(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'w')
  for (let left = bytes; left > 0; left -= MIB) await file.write(randomBytes(Math.min(left, MIB)))
}
