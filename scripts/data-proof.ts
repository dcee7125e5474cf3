/**
 * `node scripts/data-proof.ts --files 50000 --size 1Gi --kills 10 --seed 1`: a folder goes from the command through a gateway
 * to a provider, is copied by a job, and comes back; then it is compared entry by entry. Beside that it is counted how many
 * bytes went over, the second time as well, how much memory each process took, and what was sent again where gateway and
 * agent were killed in the midst of it. The last line is one JSON object; the exit code is 1 where something does not hold.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { benchNetwork } from '../bench/support/network.ts'
import { parseBytes } from '../protocol/units.ts'
import { seeded } from '../test/faults/support/seeded.ts'
import { type Counter, createCounter } from './data-proof/counter.ts'
import { linesOf, makeTree } from './data-proof/tree.ts'
import { cortex, createPeaks, type Peaks } from './data-proof/watched.ts'
import type { ManagedProcess } from './local-network.ts'

const MAX_RESIDENT_MIB = 300
/** What is on its way when one end dies, and what the other one holds to be written: all of it may be sent again. */
const MAX_RESENT_PER_KILL = 8 * 2 ** 20
/** Small, so that a machine at work has room for it, too. */
const SIZE = ['--cpu', '500m', '--memory', '128Mi']
const COPY = 'mkdir /out && cp -a /data/. /out/'

type Net = Awaited<ReturnType<typeof benchNetwork>>

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      files: { type: 'string', default: '50000' },
      size: { type: 'string', default: '1Gi' },
      kills: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
    },
  })
  const [files, bytes, kills] = [Number(values.files), parseBytes(values.size), Number(values.kills)]
  if (!(files > 0) || bytes === null || !(kills >= 0)) throw new Error('Give --files, --size and --kills as amounts')
  const folder = await mkdtemp(join(tmpdir(), 'cortex-data-proof-'))
  const peaks = createPeaks()
  try {
    const source = join(folder, 'source')
    await makeTree(source, files, bytes)
    say(`made ${files} files of ${values.size} in all`)
    const wanted = await linesOf(source)
    const storage = String(Math.ceil(bytes * 1.5) + files * 8_192 + 2 ** 28)
    await using net = await benchNetwork(1, ['--storage', String(3 * Number(storage)), '--cache-room', storage])
    const [gateway, agent] = bothOf(net)
    peaks.watch('gateway', () => gateway.pid)
    peaks.watch('agent', () => agent.pid)
    const trip = { net, peaks, source, storage }
    const first = await goThrough(trip, join(folder, 'first'), wanted)
    say(`there and back in ${first.seconds} s, ${first.sent} bytes sent`)
    const second = await goThrough(trip, join(folder, 'second'), wanted)
    say(`once more in ${second.seconds} s, ${second.sent} bytes sent`)
    await rm(join(folder, 'second'), { recursive: true })
    // Other bytes, so that they have to be sent.
    const other = join(folder, 'other')
    await makeTree(other, files + 1, bytes)
    const killed = await goThrough(
      { ...trip, source: other, kills, seed: Number(values.seed) },
      join(folder, 'killed'),
      await linesOf(other),
    )
    const resent = Math.max(0, killed.sent - first.sent)
    say(`with ${killed.kills} kills in ${killed.seconds} s, ${resent} bytes sent again`)
    const residentMiB = peaks.all()
    const problems = [
      ...(second.sent > 0 ? [`${second.sent} bytes were sent the second time`] : []),
      ...(resent > kills * MAX_RESENT_PER_KILL ? [`${resent} bytes were sent again`] : []),
      ...Object.entries(residentMiB).flatMap(([name, mib]) =>
        mib > MAX_RESIDENT_MIB ? [`${name} took ${mib} MiB`] : [],
      ),
    ]
    for (const problem of problems) say(`does not hold: ${problem}`)
    const holds = [first, second, killed, { problems }].every((one) => one.problems.length === 0)
    process.stdout.write(`${JSON.stringify({ files, bytes, first, second, killed, resent, residentMiB, holds })}\n`)
    return holds
  } finally {
    peaks.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Trip {
  net: Net
  peaks: Peaks
  source: string
  storage: string
  /** How often gateway or agent is killed on the way. @default 0 */
  kills?: number
  seed?: number
}

/** Submits the job, and brings home what it left. */
async function goThrough({ net, peaks, source, storage, kills = 0, seed = 1 }: Trip, to: string, wanted: string[]) {
  const env = { CORTEX_GATEWAY: net.url, CORTEX_KEY: net.key }
  const begun = performance.now()
  const counter = createCounter(net)
  await counter.begin()
  const flags = ['--input', `${source}:/data`, '--output', '/out', '--storage', storage, ...SIZE]
  const id = await cortex(peaks, ['job', 'submit', ...flags, net.image, '--', 'sh', '-c', COPY], env)
  const done = await killing(net, id, { kills, seed }, counter)
  const ended = await net.api.job(id)
  const problems = ended.status === 'completed' ? [] : [`the job ${ended.status}: ${ended.error?.message}`]
  const sent = await counter.end()
  if (problems.length === 0) {
    await outputHere(net, id)
    await cortex(peaks, ['job', 'output', id, '-o', to], env)
    const found = await linesOf(join(to, 'out'))
    const different = wanted.filter((line, i) => found[i] !== line)
    if (different.length > 0 || found.length !== wanted.length) {
      problems.push(`${different.length} of ${wanted.length} entries differ, ${found.length} came: ${different[0]}`)
    }
  }
  for (const problem of problems) say(`does not hold: ${problem}`)
  return { seconds: Math.round((performance.now() - begun) / 1000), sent, kills: done, problems }
}

/** Kills one of the two now and then until the job has ended, and its output is at the gateway. */
async function killing(net: Net, id: string, { kills, seed }: { kills: number; seed: number }, counter: Counter) {
  const random = seeded(seed)
  let done = 0
  for (;;) {
    if (done < kills) {
      await delay(500 + random.below(5_000))
      const victim = random.pick(bothOf(net))
      await counter.note()
      await victim.end('SIGKILL')
      victim.restart()
      done += 1
      say(`killed ${victim.name}`)
    }
    await answersAgain(net)
    await counter.begin()
    const { endedAt } = await net.api.job(id)
    if (endedAt !== null) return done
    await delay(500)
  }
}

function bothOf({ processes: [gateway, agent] }: Net): [ManagedProcess, ManagedProcess] {
  if (gateway === undefined || agent === undefined) throw new Error('There is no such process')
  return [gateway, agent]
}

/** Until all of it has come to the gateway: on a busy machine that takes longer than a request waits. */
async function outputHere({ url, key }: Net, id: string): Promise<void> {
  for (;;) {
    const headers = { Authorization: `Bearer ${key}` }
    const answer = await fetch(`${url}/api/plugin-core/jobs/${id}/output`, { headers })
    await answer.body?.cancel()
    if (answer.status !== 503) return
  }
}

async function answersAgain(net: Net): Promise<void> {
  while ((await fetch(`${net.url}/api/health`).catch(() => null))?.ok !== true) await delay(100)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

process.exitCode = (await main()) ? 0 : 1
