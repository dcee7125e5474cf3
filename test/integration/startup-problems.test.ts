/** What keeps a peer from joining, told by processes: one line that names the flag and the way out. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createNetworkKey } from '../../node/network/network-key.ts'
import { closeAll } from '../support/close-all.ts'
import { type Program, startCortex } from './support/program.ts'

const RELAY = [
  'relay',
  '--network',
  `startup-${process.pid}`,
  '--listen',
  '/ip4/127.0.0.1/tcp/0',
  '--bootstrap',
  '/ip4/127.0.0.1/tcp/9',
  '--no-mdns',
]

describe('a peer that cannot join', () => {
  let folder: string
  let taken: { port: number; close: () => void }
  let relay: Program
  let atRelay: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-startup-'))
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    taken = { port: (server.address() as { port: number }).port, close: () => server.close() }
    await createNetworkKey(join(folder, 'a.key'))
    await createNetworkKey(join(folder, 'b.key'))
    relay = startCortex([...RELAY, '--data', join(folder, 'r'), '--network-key', join(folder, 'a.key')])
    const [, address = ''] = await relay.says(/^ {2}(\/ip4\/127\.0\.0\.1\/tcp\/\d+)\/p2p/m)
    atRelay = address
  })
  after(async () => {
    await closeAll(
      () => taken.close(),
      () => relay.child.kill('SIGTERM'),
      async () => await relay.ended,
      async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }),
    )
  })

  let count = 0
  const start = (args: string[]): Program => {
    count += 1
    // What follows an image is the container's.
    const words = args.at(-1) === 'busybox' ? args.slice(0, -1) : args
    const own = ['--no-mdns', '--data', join(folder, String(count)), '--network', `startup-${process.pid}`]
    return startCortex([...words, ...own, ...args.slice(words.length)])
  }

  async function refuses(args: string[], code: number, line: RegExp): Promise<void> {
    const ended = await start(args).ended
    assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`)
    assert.match(ended.stderr, /^cortex: [^\n]+\n$/, args.join(' '))
    assert.match(ended.stderr, line, args.join(' '))
  }

  it('entry 49: says that its port is in use', async () => {
    const listen = ['--listen', `/ip4/127.0.0.1/tcp/${taken.port}`]
    const line = new RegExp(
      `Cannot listen on /ip4/127.0.0.1/tcp/${taken.port}: another program listens there: .*--listen`,
    )
    for (const [args, code] of [
      [['gateway', '--port', '0'], 1],
      [['relay'], 1],
      [['run'], 125],
      [['provider', 'list'], 1],
      [['net', 'top', '--once'], 1],
    ] as const) {
      await refuses([...args, ...listen, ...(args[0] === 'run' ? ['busybox'] : [])], code, line)
    }
  })

  it('says that it cannot serve there before it joins anything', async () => {
    for (const command of ['gateway', 'up']) {
      for (const [host, port, line] of [
        ['127.0.0.1', taken.port, /port \d+: another program listens there: .* with --port$/m],
        ['203.0.113.1', 0, /^cortex: Cannot listen on 203.0.113.1 port 0: this machine has no such .* with --host$/m],
        ['nobody.invalid', 0, /port 0: .*: choose an address of this machine, .* with --host$/m],
      ] as const) {
        const at = ['--host', host, '--port', String(port), '--listen', '/ip4/127.0.0.1/tcp/0']
        // With its log: it says that a peer has joined.
        await refuses([command, ...at, '--log-level', 'info'], 1, line)
      }
    }
  })

  it('an agent without an engine says one thing, which is true', async () => {
    const engine = `unix://${join(folder, 'nobody.sock')}`
    const at = ['--docker-host', engine, '--listen', '/ip4/127.0.0.1/tcp/0', '--log-level', 'silent']
    for (const [args, line] of [
      [['agent'], /^on network \S+ as 12D3\w+, and sells nothing yet: it has no container engine at the moment$/m],
      [['up', '--port', '0'], /^the agent sells nothing yet: it has no container engine at the moment$/m],
    ] as const) {
      const program = start([...args, ...at])
      await program.says(line)
      program.child.kill('SIGTERM')
      const { code, stderr } = await program.ended
      assert.equal(code, 0, stderr)
      assert.match(stderr, /^cortex: There is no engine at \S+ .*: nothing is sold until one does$/m)
      assert.doesNotMatch(stderr, /^(selling|using) /m)
    }
  })

  it('entry 49: says that an address is none, of whichever flag and command', async () => {
    for (const [args, code, line] of [
      [['run', '--bootstrap', 'bogus', 'busybox'], 125, /--bootstrap bogus is no multiaddr: write/],
      [['run', '--bootstrap', '/ip4/1.2.3.4/udp/1/quic-v1', 'busybox'], 125, /--bootstrap \S+ cannot be used/],
      [['run', '--bootstrap', '/ip4/169.254.169.254/tcp/80', 'busybox'], 125, /--bootstrap \S+ cannot be used/],
      [['relay', '--listen', '127.0.0.1:80'], 1, /--listen 127.0.0.1:80 is no multiaddr: write it as/],
      [['relay', '--announce', '/dns4/a.example'], 1, /--announce \S+ cannot be used: write what others reach/],
      [['gateway', '--port', '0', '--listen', '/ip4/127.0.0.1/tcp/70000'], 1, /--listen \S+ (is no|cannot)/],
      [['net', 'top', '--once', '--listen', '/ip4/127.0.0.1/udp/1'], 1, /--listen \S+ cannot be used/],
      [['provider', 'list', '--network-key', '/nowhere/a.key'], 1, /no network key at .*--network-key/],
    ] as const) {
      await refuses([...args], code, line)
    }
  })

  it('entry 49: says that its bootstrap peer is not there, or has another network key, within seconds', async () => {
    const key = (name: string): string[] => ['--network-key', join(folder, name)]
    for (const [args, code, line] of [
      [['run', '--bootstrap', '/ip4/127.0.0.1/tcp/9', 'busybox'], 125, /: nobody listens there: check --bootstrap/],
      [['provider', 'list', '--json', '--bootstrap', '/ip4/127.0.0.1/tcp/9'], 1, /: nobody listens there/],
      [['net', 'top', '--once', '--bootstrap', '/dns4/nobody.invalid/tcp/1'], 1, /--bootstrap/],
      [['run', '--bootstrap', atRelay, 'busybox'], 125, /may have a --network-key, which this peer was not given/],
      [['provider', 'list', ...key('b.key'), '--bootstrap', atRelay], 1, /another --network-key than this one/],
    ] as const) {
      await refuses([...args], code, line)
    }
    // Who stays says it and goes on: the other may come.
    for (const [args, up] of [
      [['relay', '--listen', '/ip4/127.0.0.1/tcp/0'], /^a relay on network/m],
      [['gateway', '--port', '0', '--listen', '/ip4/127.0.0.1/tcp/0'], /\bpeer 12D3/],
    ] as const) {
      const program = start([...args, '--bootstrap', atRelay, '--log-level', 'silent'])
      await program.says(/^cortex: \S+ answers, and not as a peer of this network: .*--network-key/m)
      // Before that there is nothing to be stopped: a signal just ends it.
      await program.says(up)
      program.child.kill('SIGTERM')
      const { code, stderr } = await program.ended
      assert.equal(code, 0, `${args[0]}: ${stderr}`)
    }
    const top = start(['net', 'top', '--every', '1', '--bootstrap', atRelay])
    await top.says(/^cortex: \S+ answers, and not as a peer of this network: .*--network-key/m)
    await top.prints(/^peers +0 connected/m)
    top.child.kill('SIGTERM')
    await top.ended
  })
})
