/** What ends the commands from outside (entries 37 and 38): the program itself, with real pipes, files and terminals. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, before, describe, it, type TestContext } from 'node:test'
import { PROGRAM } from '../../../scripts/testing/programs.ts'
import { startPeer } from '../../support/libp2p-peers.ts'

const ALONE = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--bootstrap', '/ip4/127.0.0.1/tcp/9']

describe('entry 37: what nobody reads any more, and signals', () => {
  let folder: string
  let runs = 0
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-stopping-'))
  })
  after(async () => await rm(folder, { recursive: true, force: true }))

  /** A server that stays up, with a folder of its own. */
  const server = (name: 'gateway' | 'relay'): string[] => {
    runs += 1
    const port = name === 'gateway' ? ['--port', '0'] : []
    return [name, '--data', join(folder, String(runs)), '--network', 'stopping', ...ALONE, ...port]
  }

  for (const signal of ['SIGHUP', 'SIGQUIT', 'SIGTERM', 'SIGINT'] as const) {
    for (const name of ['gateway', 'relay'] as const) {
      it(`${signal} ends cortex ${name} cleanly`, async () => {
        const child = spawn(process.execPath, [PROGRAM, ...server(name)], { stdio: ['ignore', 'ignore', 'pipe'] })
        const ended = once(child, 'exit')
        const lines = createInterface({ input: child.stderr })
        const said: string[] = []
        for await (const line of lines) {
          said.push(line)
          // As a terminal that closes does: more than once.
          if (/^(gateway |a relay on)/.test(line))
            for (let times = 0; times < 2; times += 1) child.kill(signal === 'SIGHUP' || times === 0 ? signal : 0)
        }
        assert.deepEqual(await ended, [0, null], said.join('\n'))
        assert.doesNotMatch(said.join('\n'), /^ {4}at /m)
      })
    }
  }

  it('a server whose words nobody reads ends cleanly', async () => {
    const child = spawn(process.execPath, [PROGRAM, ...server('gateway'), '--log-level', 'debug'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const ended = once(child, 'exit')
    let said = ''
    for await (const chunk of child.stderr.setEncoding('utf8')) {
      said += chunk
      if (/^network /m.test(said)) break
    }
    child.stderr.destroy()
    // What it logs of this finds nobody.
    const url = /^gateway +(\S+)/m.exec(said)?.[1] ?? ''
    await fetch(new URL('/api/plugin-core/jobs', url)).catch(() => undefined)
    assert.deepEqual(await ended, [0, null])
  })

  const long = ['config', '--json']
  it('a command whose reader has gone ends at once, without a word', async () => {
    const child = spawn(process.execPath, [PROGRAM, ...long], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    const [said, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    assert.deepEqual([said, code, signal], ['', 141, null])
  })

  for (const args of [long, ['id', '--data', 'DATA'], ['--help'], ['completion', 'bash']]) {
    it(`cortex ${args.join(' ')} says in one line that its output has no room`, async () => {
      const full = openSync('/dev/full', 'w')
      try {
        const given = args.map((arg) => (arg === 'DATA' ? folder : arg))
        const child = spawn(process.execPath, [PROGRAM, ...given], { stdio: ['ignore', full, 'pipe'] })
        assert.ok(child.stderr)
        const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
        assert.deepEqual([said, code], ['cortex: cannot write the output (ENOSPC): make room where it goes\n', 1])
      } finally {
        closeSync(full)
      }
    })
  }

  it('an error that cannot be told still ends with its code', async () => {
    const full = openSync('/dev/full', 'w')
    try {
      const child = spawn(process.execPath, [PROGRAM, 'receipt', 'verify', '/nowhere'], {
        stdio: ['ignore', 'pipe', full],
      })
      assert.ok(child.stdout)
      const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
      assert.deepEqual([said, code], ['', 1])
    } finally {
      closeSync(full)
    }
  })
})

describe('entry 38: a terminal', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-terminal-'))
  })
  after(async () => await rm(folder, { recursive: true, force: true }))

  /** Runs the program on a terminal of this size; answers what the terminal showed. */
  async function onTerminal(size: string, args: string[], env: Record<string, string> = {}): Promise<string> {
    const command = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(' ')
    const { NO_COLOR: _no, CI: _ci, ...own } = process.env
    const child = spawn('script', ['-qec', `stty ${size}; ${command}`, '/dev/null'], {
      env: { ...own, TERM: 'xterm-256color', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [shown] = await Promise.all([text(child.stdout), once(child, 'exit')])
    return shown
  }
  /** Flags of a command that meets one peer, which sells nothing. */
  async function joining(test: TestContext): Promise<string[]> {
    const peer = await startPeer(test, { network: 'terminal' })
    const listen = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--bootstrap', ...peer.addresses()]
    return ['--data', folder, '--network', 'terminal', ...listen]
  }

  for (const size of ['cols 0 rows 0', 'cols 0', 'cols 1 rows 1', 'cols 80 rows 24']) {
    it(`of ${size} is written to`, async (context) => {
      const flags = await joining(context)
      assert.match(await onTerminal(size, ['provider', 'list', ...flags]), /No[\s\S]*provider[\s\S]*is[\s\S]*online/)
      const looks = ['net', 'top', '--once', '--every', '1', ...flags]
      assert.match(await onTerminal(size, looks), /providers[\s\S]*0 online/)
      assert.match(await onTerminal(size, ['--help']), /Usage/)
    })
  }

  it('is given no colour where NO_COLOR asks for none', async (context) => {
    const list = ['provider', 'list', ...(await joining(context))]
    const cyan = '\u001b[36m'
    assert.ok((await onTerminal('cols 80', list)).includes(cyan))
    assert.ok(!(await onTerminal('cols 80', list, { NO_COLOR: '1' })).includes(cyan))
  })
})
