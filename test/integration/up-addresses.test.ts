/** `cortex up` as a process: where its two peers are. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ensureEngine } from '../../scripts/engine.ts'
import { freePort } from '../../scripts/free-port.ts'
import { type Program, startCortex } from './support/program.ts'

async function folderOf(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-up-'))
  test.after(async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

function up(folder: string, dockerHost: string, flags: string[]): Program {
  const small = ['--cpu', '100', '--memory', '64Mi', '--storage', '64Mi', '--sandboxes', '0', '--port', '0']
  const own = ['--data', folder, '--network', `up-${process.pid}`, '--no-mdns', '--docker-host', dockerHost]
  return startCortex(['up', ...own, ...small, '--log-level', 'info', ...flags])
}

/** What each peer says of where it is, in the order in which they start. */
async function addressesOf(program: Program): Promise<string[][]> {
  const joined = '[^\\n]*"addresses":(\\[[^\\]]*\\])[^\\n]*joined the network'
  const [, first = '[]', second = '[]'] = await program.says(new RegExp(`${joined}[\\s\\S]*\\n${joined}`))
  return [JSON.parse(first), JSON.parse(second)]
}

const without = (addresses: string[] = []): string[] => addresses.map((address) => address.replace(/\/p2p\/.*/, ''))

describe('cortex up', () => {
  it('entry 34: has both peers listen as said, on the same ports at each start, and announce as said', async (test) => {
    const engine = await ensureEngine()
    test.after(engine.stop)
    const dockerHost = `unix://${engine.socketPath}`
    const [folder, port] = [await folderOf(test), await freePort(2)]
    for (const [flags, gateway, agent] of [
      [[], `/ip4/127.0.0.1/tcp/${port}`, `/ip4/127.0.0.1/tcp/${port + 1}`],
      [['--announce', '/ip4/203.0.113.9/tcp/13100'], '/ip4/203.0.113.9/tcp/13100', '/ip4/203.0.113.9/tcp/13101'],
    ] as const) {
      const program = up(folder, dockerHost, ['--listen', `/ip4/127.0.0.1/tcp/${port}`, ...flags])
      const [first, second] = await addressesOf(program)
      assert.deepEqual([without(first), without(second)], [[gateway], [agent]])
      // The agent finds the gateway beside it, whatever is announced.
      await program.says(/connected to a bootstrap address/)
      program.child.kill('SIGTERM')
      assert.equal((await program.ended).code, 0)
    }
  })
})
