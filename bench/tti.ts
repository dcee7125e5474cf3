/**
 * From asking for a machine to work in to the output of a first command in it (`client.sandboxes.create`, then `exec`),
 * through a gateway and one agent, against the same with dockerode alone: a container that waits, started on the default
 * bridge, and a command in it. Alternating in one run.
 */

import type Docker from 'dockerode'
import { CortexClient } from '../gateway/client/index.ts'
import { sandboxFields } from '../gateway/client/waiting.ts'
import type { BenchResult } from './run.ts'
import { benchNetwork } from './support/network.ts'
import { settled } from './support/settled.ts'
import { median, quantile, round } from './support/statistics.ts'

const WARM_UP = 2
/** What the agent keeps ready. */
const SANDBOXES = 1
const COMMAND = ['echo', 'ready']

export async function bench(args: string[]): Promise<BenchResult> {
  const pairs = Number(args[0] ?? 100)
  await using setup = await benchNetwork(1, ['--memory', '4Gi', '--storage', '8Gi', '--sandboxes', String(SANDBOXES)])
  const { docker, image } = setup
  const client = new CortexClient({ baseUrl: setup.url, apiKey: setup.key })
  const owners = (await setup.api.providers()).map(({ id }) => id)
  const [ours, raw, created]: [number[], number[], number[]] = [[], [], []]
  for (let i = -WARM_UP; i < pairs; i += 1) {
    await settled(docker, owners, SANDBOXES)
    const begin = performance.now()
    const box = await client.sandboxes.create({ image, cpu: 1000, memory: '64Mi', storage: '64Mi', ttl: 60 })
    const createdMs = performance.now() - begin
    assertReady((await box.exec(COMMAND)).stdout)
    const oursMs = performance.now() - begin
    await box.stop()
    await settled(docker, owners, SANDBOXES)
    const rawMs = await rawFirstOutput(docker, image)
    if (i < 0) continue
    ours.push(oursMs)
    created.push(createdMs)
    raw.push(rawMs)
  }
  return {
    ...{ name: 'tti', ratio: round(median(ours) / median(raw), 3), pairs },
    ...{ oursP50Ms: round(median(ours)), oursP99Ms: round(quantile(ours, 0.99)), createdP50Ms: round(median(created)) },
    ...{ rawP50Ms: round(median(raw)), rawP99Ms: round(quantile(raw, 0.99)), goalP50Ms: 300, goalP99Ms: 1000 },
  }
}

/** As `docker run -d` and `docker exec` do it, in ms. */
async function rawFirstOutput(docker: Docker, image: string): Promise<number> {
  const begin = performance.now()
  const limits = { NanoCpus: 1_000_000_000, Memory: 64 * 2 ** 20, MemorySwap: 64 * 2 ** 20 }
  const container = await docker.createContainer({ Image: image, Cmd: sandboxFields().command, HostConfig: limits })
  try {
    await container.start()
    const exec = await container.exec({ Cmd: COMMAND, AttachStdout: true, AttachStderr: true })
    const stream = await exec.start({})
    let said = ''
    for await (const chunk of stream) said += String(chunk)
    assertReady(said)
    return performance.now() - begin
  } finally {
    await container.remove({ force: true })
  }
}

function assertReady(said: string): void {
  if (!said.includes('ready')) throw new Error(`The command wrote ${JSON.stringify(said)}`)
}
