/**
 * `node scripts/image-proof.ts --size 350Mi`: an image that no registry has is sent with its job, then again, and then with its
 * smaller layer changed; how many bytes went over each time is counted. The last line is one JSON object; the exit code is 1
 * where more went than the provider lacked.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type Docker from 'dockerode'
import { benchNetwork } from '../bench/support/network.ts'
import { parseBytes } from '../protocol/units.ts'
import { createCounter } from './data-proof/counter.ts'
import { cortex, createPeaks } from './data-proof/watched.ts'

const NAME = 'cortex/image-proof'
/** Of the layer that changes, in bytes. */
const SMALL_BYTES = 8 * 2 ** 20
/** Configuration, frames and what the base image has, in bytes. */
const BESIDE_BYTES = 4 * 2 ** 20

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { size: { type: 'string', default: '350Mi' } } })
  const bytes = parseBytes(values.size)
  if (bytes === null) throw new Error('Give --size an amount, e.g. 350Mi')
  const peaks = createPeaks()
  try {
    await using net = await benchNetwork(1, ['--storage', '8Gi', '--cache-room', '4Gi', '--image-room', '1Gi'])
    net.processes.forEach(({ name, pid }) => void peaks.watch(name, () => pid))
    await using _images = await makeImages(net.docker, net.image, bytes)
    const send = async (tag: string) => await sendWith(net, peaks, tag)
    const times = { first: await send('one'), second: await send('one'), changed: await send('two') }
    const most = { first: bytes + SMALL_BYTES + BESIDE_BYTES, second: 0, changed: SMALL_BYTES + BESIDE_BYTES }
    const problems = (['first', 'second', 'changed'] as const).flatMap((time) =>
      times[time].sent > most[time] ? [`${times[time].sent} bytes were sent: ${time}`] : [],
    )
    for (const problem of problems) process.stderr.write(`does not hold: ${problem}\n`)
    const holds = problems.length === 0
    process.stdout.write(`${JSON.stringify({ bytes, ...times, residentMiB: peaks.all(), holds })}\n`)
    return holds
  } finally {
    peaks.stop()
  }
}

/** Two that share a large layer of random bytes. */
async function makeImages(docker: Docker, base: string, bytes: number): Promise<AsyncDisposable> {
  const made: string[] = []
  const add = async (from: string, path: string, size: number, tag: string): Promise<string> => {
    const command = ['sh', '-c', `head -c ${size} /dev/urandom > ${path}`]
    const container = await docker.createContainer({ Image: from, Cmd: command, HostConfig: { NetworkMode: 'none' } })
    await container.start()
    await container.wait()
    await container.commit({ repo: NAME, tag })
    await container.remove()
    made.unshift(`${NAME}:${tag}`)
    return `${NAME}:${tag}`
  }
  const large = await add(base, '/large', bytes, 'base')
  for (const tag of ['one', 'two']) await add(large, '/small', SMALL_BYTES, tag)
  return {
    async [Symbol.asyncDispose]() {
      for (const image of made) await docker.getImage(image).remove({ force: true })
    },
  }
}

async function sendWith(
  net: Awaited<ReturnType<typeof benchNetwork>>,
  peaks: ReturnType<typeof createPeaks>,
  tag: string,
) {
  const env = { CORTEX_GATEWAY: net.url, CORTEX_KEY: net.key, DOCKER_HOST: net.dockerHost }
  const counter = createCounter(net)
  await counter.begin()
  const begun = performance.now()
  const flags = ['--send-image', '--memory', '64Mi', '--storage', '64Mi']
  const id = await cortex(peaks, ['job', 'submit', ...flags, `${NAME}:${tag}`, '--', 'ls', '-l', '/small'], env)
  for (;;) {
    const { status, error } = await net.api.job(id)
    if (status === 'completed') break
    if (error !== null) throw new Error(`The job ${status}: ${error.message}`)
    await delay(200)
  }
  const seconds = Math.round((performance.now() - begun) / 1000)
  const sent = await counter.end()
  process.stderr.write(`${tag}: ${sent} bytes sent, ${seconds} s\n`)
  return { seconds, sent }
}

process.exitCode = (await main()) ? 0 : 1
