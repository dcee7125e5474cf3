/**
 * What an idle agent and an idle gateway take, and how long `cortex up` takes until its provider is listed, against a bare
 * libp2p peer that listens and has gossip: a process each. Memory is the resident set, some seconds after the start.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { openApi } from '../scripts/demo/api.ts'
import { startProgram } from '../scripts/local-network.ts'
import type { BenchResult } from './run.ts'
import { benchNetwork } from './support/network.ts'
import { residentMiB } from './support/resident.ts'
import { median, round } from './support/statistics.ts'

const ROUNDS = 3
const SETTLE_MS = 5_000
const PROGRAM = join(import.meta.dirname, '..', 'bin', 'cortex.ts')
const BARE = join(import.meta.dirname, 'support', 'bare-peer.ts')

export async function bench(): Promise<BenchResult> {
  const rows: { gatewayMiB: number; agentMiB: number; bareMiB: number; upMs: number; bareUpMs: number }[] = []
  const client: { oursMs: number; nodeMs: number }[] = []
  for (let i = 0; i < ROUNDS; i += 1) {
    client.push({ oursMs: await ended([PROGRAM, '--version']), nodeMs: await ended(['-e', '0']) })
    const beganMs = performance.now()
    const bare = spawn(process.execPath, [BARE], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(createInterface(bare.stdout), 'line')
    const bareUpMs = performance.now() - beganMs
    await using setup = await benchNetwork(1, [])
    const upMs = await timeUp(setup.dockerHost)
    await delay(SETTLE_MS)
    const [gatewayMiB = 0, agentMiB = 0] = await Promise.all(setup.pids.map(residentMiB))
    rows.push({ gatewayMiB, agentMiB, bareMiB: await residentMiB(bare.pid ?? 0), upMs, bareUpMs })
    bare.kill()
    process.stdout.write(`${JSON.stringify(rows.at(-1))}\n`)
  }
  const middle = (name: keyof (typeof rows)[number]): number => median(rows.map((row) => row[name]))
  return {
    ...{ name: 'idle', ratio: round(middle('agentMiB') / middle('bareMiB'), 2) },
    gatewayRatio: round(middle('gatewayMiB') / middle('bareMiB'), 2),
    ...{ agentMiB: round(middle('agentMiB'), 0), gatewayMiB: round(middle('gatewayMiB'), 0) },
    ...{ bareMiB: round(middle('bareMiB'), 0), upMs: round(middle('upMs'), 0), bareUpMs: round(middle('bareUpMs'), 0) },
    versionMs: round(median(client.map(({ oursMs }) => oursMs)), 0),
    nodeMs: round(median(client.map(({ nodeMs }) => nodeMs)), 0),
  }
}

async function ended(args: string[]): Promise<number> {
  const beganMs = performance.now()
  await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'exit')
  return performance.now() - beganMs
}

/** From the start of `cortex up` in an empty folder until its provider is online in its own gateway, in ms. */
async function timeUp(dockerHost: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-bench-'))
  const beganMs = performance.now()
  const quiet = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--port', '0']
  const up = startProgram('up', join(folder, 'up.log'), ['up', '--data', folder, '--docker-host', dockerHost, ...quiet])
  try {
    for (;;) {
      if (!up.running) throw new Error(`cortex up ended:\n${up.output()}`)
      const [, url] = /^gateway +(\S+)/m.exec(up.output()) ?? []
      const [, key] = /^admin key +(\S+)/m.exec(up.output()) ?? []
      if (url !== undefined && key !== undefined && (await openApi(url, key).providers()).length > 0) {
        return performance.now() - beganMs
      }
      await delay(20)
    }
  } finally {
    await up.end()
    await rm(folder, { recursive: true })
  }
}
