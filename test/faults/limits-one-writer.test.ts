/** A second process on a data folder, as its user sees it. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ensureEngine } from '../../scripts/engine.ts'
import { type ManagedProcess, startProgram } from '../../scripts/local-network.ts'
import { closeAll } from '../support/close-all.ts'
import { until } from '../support/until.ts'

const PEER = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--log-level', 'warn']

describe('one writer', () => {
  it('refuses a second gateway, agent and `cortex up` in one line, and takes over from one that was killed', async (test) => {
    const engine = await ensureEngine()
    const root = await mkdtemp(join(tmpdir(), 'cortex-writer-'))
    const started: ManagedProcess[] = []
    // In this order: what still runs writes into the folder.
    test.after(async () => {
      await closeAll(
        async () => await Promise.all(started.map((each) => each.end('SIGKILL'))),
        async () => await rm(root, { recursive: true, force: true }),
        async () => await engine.stop(),
      )
    })
    const docker = ['--docker-host', `unix://${engine.socketPath}`]
    const kinds = [
      { name: 'gateway', part: 'gateway', args: ['gateway', '--port', '0'] },
      { name: 'agent', part: 'agent', args: ['agent', ...docker] },
      { name: 'up', part: 'gateway', args: ['up', '--port', '0', ...docker] },
    ]
    await Promise.all(
      kinds.map(async ({ name, part, args }) => {
        const data = join(root, name)
        let starts = 0
        const begin = (): ManagedProcess => {
          starts += 1
          const log = join(root, `${name} ${starts}.log`)
          const begun = startProgram(name, log, [...args, '--data', data, ...PEER])
          started.push(begun)
          return begun
        }
        const first = begin()
        const pidFile = join(data, part, 'pid')
        const pid = async (): Promise<string> => (await readFile(pidFile, 'utf8').catch(() => '')).trim()
        await until(async () => (await pid()) === String(first.pid))
        const second = begin()
        assert.equal(await second.ended(), 1, `${name}: ${second.output()}`)
        const folder = join(data, part)
        const remedy = 'stop it, or choose another folder with --data'
        assert.equal(second.output(), `cortex: ${folder} is in use by process ${first.pid}: ${remedy}\n`)
        assert.ok(first.running, first.output())

        await first.end('SIGKILL')
        assert.equal(await pid(), String(first.pid), 'a stale one')
        const third = begin()
        await until(async () => (await pid()) === String(third.pid))
        assert.ok((await readdir(folder)).includes('db'))
        await third.end()
      }),
    )
  })
})
