/**
 * Lines of one container: through the agent, the network, the store and the gateway's event stream, against dockerode
 * alone following the same container. Alternating in one run; every line is counted.
 */

import { get } from 'node:http'
import type Docker from 'dockerode'
import type { BenchResult } from './run.ts'
import { benchNetwork } from './support/network.ts'
import { median, round } from './support/statistics.ts'

const ROUNDS = 3

export async function bench(args: string[]): Promise<BenchResult> {
  const lines = Number(args[0] ?? 100_000)
  await using setup = await benchNetwork(1, ['--memory', '4Gi', '--storage', '8Gi'])
  const { docker, image, api, url, key } = setup
  const ours: number[] = []
  const raw: number[] = []
  for (let i = 0; i < ROUNDS; i += 1) {
    const job = { image, command: ['seq'], args: ['1', String(lines)], network: 'none', cpu: 1000, memory: '64Mi' }
    const beganMs = performance.now()
    const { id } = await api.submit({ ...job, storage: '64Mi', duration: 120 })
    const isLine = /^data: \{.*"line":/
    ours.push(lines / (await countedSeconds(`${url}/api/plugin-core/jobs/${id}/logs`, key, isLine, lines, beganMs)))
    raw.push(lines / (await rawSeconds(docker, image, lines)))
    process.stdout.write(`ours ${round(ours.at(-1) ?? 0, 0)}/s, dockerode ${round(raw.at(-1) ?? 0, 0)}/s\n`)
  }
  const [oursPerSecond, rawPerSecond] = [median(ours), median(raw)]
  return {
    ...{ name: 'logs', ratio: round(oursPerSecond / rawPerSecond, 3), lines },
    ...{ oursPerSecond: round(oursPerSecond, 0), rawPerSecond: round(rawPerSecond, 0) },
  }
}

/** From the submission to the last line, so that the job's start is in it as the container's is on the other side. */
async function countedSeconds(
  url: string,
  key: string,
  isLine: RegExp,
  lines: number,
  beganMs: number,
): Promise<number> {
  const headers = { Authorization: `Bearer ${key}`, Accept: 'text/event-stream' }
  return await new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      let rest = ''
      let counted = 0
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        const parts = (rest + piece).split('\n')
        rest = parts.pop() ?? ''
        for (const part of parts) if (isLine.test(part)) counted += 1
        if (counted < lines) return
        resolve((performance.now() - beganMs) / 1000)
        response.destroy()
      })
      response.once('error', reject)
      response.once('end', () => reject(new Error(`the stream ended after ${counted} of ${lines} lines`)))
    }).once('error', reject)
  })
}

async function rawSeconds(docker: Docker, image: string, lines: number): Promise<number> {
  const beganMs = performance.now()
  const container = await docker.createContainer({
    ...{ Image: image, Cmd: ['seq', '1', String(lines)], Tty: true },
    HostConfig: { NetworkMode: 'none', NanoCpus: 1e9, Memory: 64 * 2 ** 20, LogConfig: { Type: 'local', Config: {} } },
  })
  await container.start()
  const stream = await container.logs({ follow: true, stdout: true, stderr: true })
  let counted = 0
  for await (const chunk of stream) for (const byte of chunk as Buffer) if (byte === 0x0a) counted += 1
  const seconds = (performance.now() - beganMs) / 1000
  await container.remove({ force: true })
  if (counted !== lines) throw new Error(`dockerode read ${counted} of ${lines} lines`)
  return seconds
}
