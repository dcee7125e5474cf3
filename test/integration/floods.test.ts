/** Commands whose output never ends, as processes: how each ends whose reader goes, that is interrupted, or has no room. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { CortexClient } from '../../gateway/client/index.ts'
import { PROGRAM } from '../../scripts/testing/programs.ts'
import { until } from '../support/until.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

/** How a command ended: its exit code or the signal, and what it said on stderr. */
interface End {
  code: number | null
  signal: NodeJS.Signals | null
  said: string
}

type Way = 'its reader goes' | 'it is interrupted' | 'it has no room'

/** @param words what is asked of `cortex` */
async function flood(words: string[], way: Way): Promise<End> {
  const full = way === 'it has no room' ? openSync('/dev/full', 'w') : null
  try {
    const child: ChildProcess = spawn(process.execPath, [PROGRAM, ...words], {
      stdio: ['ignore', full ?? 'pipe', 'pipe'],
    })
    assert.ok(child.stderr)
    const said = text(child.stderr)
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    const { stdout } = child
    if (stdout !== null) {
      // As `| head -1` does, and as somebody at a terminal who has seen enough.
      await Promise.race([once(stdout, 'data'), ended])
      if (way === 'its reader goes') stdout.destroy()
      else child.kill('SIGINT')
      stdout.resume()
    }
    const [code, signal] = await ended
    return { code, signal, said: await said }
  } finally {
    if (full !== null) closeSync(full)
  }
}

describe('a command whose output never ends', () => {
  let market: TestMarket
  let api: Api
  let client: CortexClient
  /** A job that floods its own output, and one that is quiet and takes commands. */
  let loud: string
  let quiet: string

  before(async () => {
    market = await openMarket()
    await market.addSeller()
    api = await openApi(market)
    client = new CortexClient({ baseUrl: api.url, apiKey: api.key })
    ;[loud = '', quiet = ''] = await Promise.all([
      api.submit(market.job('while :; do seq 1000; sleep 0.5; done', { duration: 3_600 })),
      api.submit(market.job('sleep 3600', { duration: 3_600 })),
    ])
    for (const id of [loud, quiet]) await market.when(id, ({ state }) => state.status === 'running')
  })
  after(async () => await market?.close())

  const commands: Record<string, () => string[]> = {
    run: () => {
      const bootstrap = market.bootstrap.flatMap((address) => ['--bootstrap', address])
      const where = ['--data', join(market.folder, 'client'), '--network', market.network, '--no-mdns', ...bootstrap]
      const small = ['--cpu', '100', '--memory', '16Mi', '--storage', '16Mi']
      return ['run', ...where, '--listen', '/ip4/127.0.0.1/tcp/0', ...small, market.image, '--', 'yes']
    },
    'job logs': () => ['job', 'logs', '-f', '--gateway', api.url, '--key', api.key, loud],
    'job exec': () => ['job', 'exec', '--gateway', api.url, '--key', api.key, quiet, '--', 'yes'],
  }

  const noRoom = /^cortex: cannot write the output \(ENOSPC\): make room where it goes$/m
  const ends: [command: string, way: Way, end: Omit<End, 'said'>, said: RegExp][] = [
    // What it asked for is cancelled, and that is said.
    ['run', 'its reader goes', { code: 130, signal: null }, /cancelled, \d+ s for \$/],
    ['run', 'it is interrupted', { code: 130, signal: null }, /cancelled, \d+ s for \$/],
    ['run', 'it has no room', { code: 130, signal: null }, noRoom],
    ['job logs', 'its reader goes', { code: 141, signal: null }, /^$/],
    ['job logs', 'it is interrupted', { code: null, signal: 'SIGINT' }, /^$/],
    ['job logs', 'it has no room', { code: 1, signal: null }, noRoom],
    ['job exec', 'its reader goes', { code: 141, signal: null }, /^$/],
    ['job exec', 'it is interrupted', { code: null, signal: 'SIGINT' }, /^$/],
    ['job exec', 'it has no room', { code: 1, signal: null }, noRoom],
  ]
  for (const [command, way, end, words] of ends) {
    it(`${command} ends where ${way}`, async () => {
      const { said, ...ended } = await flood(commands[command]?.() ?? [], way)
      assert.deepEqual(ended, end, said)
      assert.match(said, words)
      assert.doesNotMatch(said, /EPIPE|^ {4}at /m)
      // Nothing goes on for nobody: neither the job of `run` nor the command of `exec`.
      await until(() => market.sellers.every(({ agent }) => agent.status().leases.length === 2))
      await until(async () => {
        const { processes } = await client.jobs.container(quiet)
        return processes.every((one) => one.command !== 'yes')
      })
    })
  }
})
