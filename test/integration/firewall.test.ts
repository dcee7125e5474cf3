/** The firewall between jobs and the network around them, on the real tables of a network namespace of its own. */

import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { bridgePrefix } from '../../provider-agent/networks/bridge-name.ts'
import { namespaceProblem } from '../faults/support/namespaces.ts'
import { closeAll } from '../support/close-all.ts'

const run = promisify(execFile)
const problem = await namespaceProblem()
const space = `cxfw-${process.pid}`
const CHILD = join(import.meta.dirname, 'support', 'firewall-child.ts')
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`

async function inside(...words: string[]): Promise<string> {
  return (await run('ip', ['netns', 'exec', space, ...words], { env: { ...process.env, PATH } })).stdout
}

const rules = async (table = 'mangle', family = ''): Promise<string> =>
  await inside(`ip${family}tables-save`, '-t', table)

interface Answer {
  value?: string | null
  error?: string
  isInForce: boolean
}

interface Child {
  process: ChildProcess
  ask(method: 'ensure' | 'problem' | 'stop' | 'end'): Promise<Answer>
  end(): Promise<void>
}

function startFirewall(owner: string, how: { front?: string[]; path?: string } = {}): Child {
  const args = ['netns', 'exec', space, ...(how.front ?? []), process.execPath, CHILD, owner]
  const env = { ...process.env, PATH: how.path === undefined ? PATH : `${how.path}:${PATH}` }
  const child = spawn('ip', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env })
  const exit = once(child, 'exit')
  return {
    process: child,
    async ask(method) {
      const answer = once(child, 'message')
      child.send(method)
      const over = exit.then(() => Promise.reject(new Error('the firewall ended')))
      const [message] = await Promise.race([answer, over])
      return message as Answer
    },
    async end() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

describe('firewall', { skip: problem ?? false }, () => {
  const owner = 'firewall-test'
  const prefix = bridgePrefix(owner)
  const jump = new RegExp(`-A FORWARD -i ${prefix}\\+ .*-j CORTEX-${prefix}-FWD`)
  let firewall: Child

  before(async () => {
    await run('ip', ['netns', 'add', space])
    await run('ip', ['-n', space, 'link', 'set', 'lo', 'up'])
    // Somebody else's, which stays as it is.
    await inside('iptables', '-t', 'mangle', '-A', 'FORWARD', '-p', 'udp', '-j', 'MARK', '--set-mark', '7')
    firewall = startFirewall(owner)
  })
  after(async () => {
    await closeAll(
      async () => await firewall?.end(),
      async () => await run('ip', ['netns', 'del', space]),
    )
  })
  beforeEach(async () => assert.deepEqual(await firewall.ask('ensure'), { value: null, isInForce: true }))

  it('closes the ranges around the machine, the machine itself, and all of IPv6', async () => {
    const [v4, v6] = [await rules(), await rules('mangle', '6')]
    for (const range of ['10.0.0.0/8', '169.254.0.0/16', '192.168.0.0/16', '127.0.0.0/8', '224.0.0.0/4']) {
      assert.match(v4, new RegExp(`-A CORTEX-${prefix}-FWD -d ${range} .*-j DROP`), range)
    }
    assert.match(v4, new RegExp(`-A CORTEX-${prefix}-IN -m comment --comment "?[^ ]+ -j DROP`))
    for (const chain of ['FWD', 'IN']) {
      const all = new RegExp(`-A CORTEX-${prefix}-${chain} -m comment --comment "?[^ ]+ -j DROP`)
      assert.match(v6, all, chain)
      assert.match(v6, new RegExp(`-A (FORWARD|INPUT) -i ${prefix}\\+ .*-j CORTEX-${prefix}-${chain}`), chain)
    }
    assert.match(v4, /-A FORWARD -p udp -j MARK/)
  })

  it('entry 21: a job gets no more than its share of the connections that the machine tracks, and its neighbours theirs', async () => {
    const [job, world] = [`${space}-job`, `${space}-world`]
    const ip = async (...words: string[]): Promise<void> => void (await run('ip', words))
    for (const [name, link, near, far] of [
      [job, `${prefix}a`, '10.77.0.1', '10.77.0.2'],
      [world, 'out0', '10.88.0.1', '10.88.0.2'],
    ] as const) {
      await ip('netns', 'add', name)
      await ip('-n', space, 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      await ip('-n', space, 'addr', 'add', `${near}/24`, 'dev', link)
      await ip('-n', name, 'addr', 'add', `${far}/24`, 'dev', 'eth0')
      await ip('-n', space, 'link', 'set', link, 'up')
      await ip('-n', name, 'link', 'set', 'eth0', 'up')
      await ip('-n', name, 'route', 'add', 'default', 'via', near)
    }
    try {
      await ip('-n', job, 'addr', 'add', '10.77.0.3/24', 'dev', 'eth0')
      await ip('-n', world, 'addr', 'add', '203.0.113.7/32', 'dev', 'eth0')
      await ip('-n', space, 'route', 'add', '203.0.113.7/32', 'via', '10.88.0.2')
      await inside('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward')
      assert.deepEqual(await firewall.ask('ensure'), { value: null, isInForce: true })
      const tracked = async (): Promise<number> =>
        Number(await inside('cat', '/proc/sys/net/netfilter/nf_conntrack_count'))
      const send = async (from: string, flows: number): Promise<void> => {
        const program = `const s = require('dgram').createSocket('udp4'); s.bind(0, '${from}', async () => {
          for (let i = 1; i <= ${flows}; i++) await new Promise((r) => s.send('x', i, '203.0.113.7', r)); s.close() })`
        await run('ip', ['netns', 'exec', job, process.execPath, '-e', program])
      }
      const before = await tracked()
      await send('10.77.0.2', 6_000)
      const own = (await tracked()) - before
      assert.ok(own > 2_000 && own <= 4_097, `${own}`)
      await send('10.77.0.3', 500)
      assert.ok((await tracked()) - before - own >= 400, 'another address has its own share')
    } finally {
      for (const name of [job, world]) await ip('netns', 'del', name)
    }
  })

  const harm: [string, string[]][] = [
    ['all rules flushed', ['iptables', '-t', 'mangle', '-F']],
    ['IPv6 flushed', ['ip6tables', '-t', 'mangle', '-F']],
    ['the call taken out', ['iptables', '-t', 'mangle', '-D', 'FORWARD', '1']],
    ['one rule taken out', ['iptables', '-t', 'mangle', '-D', `CORTEX-${prefix}-FWD`, '5']],
    ['a rule put before it', ['iptables', '-t', 'mangle', '-I', 'FORWARD', '-i', 'ctxj+', '-j', 'ACCEPT']],
    ['a rule put into it', ['iptables', '-t', 'mangle', '-I', `CORTEX-${prefix}-FWD`, '-j', 'RETURN']],
  ]
  for (const [what, words] of harm) {
    it(`is mended: ${what}`, async () => {
      const texts = async (): Promise<string[]> => {
        const saved = (await rules()) + (await rules('mangle', '6'))
        return saved.split('\n').filter((line) => line.includes('CORTEX-'))
      }
      const whole = await texts()
      await inside(...words)
      assert.deepEqual(await firewall.ask('problem'), { value: null, isInForce: true })
      assert.deepEqual(await texts(), whole)
      const calls = (await rules()).split('\n').filter((line) => line.startsWith('-A FORWARD'))
      assert.match(calls[0] ?? '', jump, 'before all others')
    })
  }

  it('is mended where everything is loaded anew, as a firewall program does', async () => {
    const load =
      'printf "*mangle\\n:FORWARD ACCEPT\\nCOMMIT\\n*filter\\n:FORWARD ACCEPT\\nCOMMIT\\n" | iptables-restore'
    await inside('sh', '-c', load)
    assert.doesNotMatch(await rules(), /CORTEX/)
    await firewall.ask('problem')
    assert.match(await rules(), jump)
  })

  it('follows the machine’s networks: a LAN of public addresses that comes, changes and goes', async () => {
    const closed = async (range: string): Promise<boolean> => {
      assert.deepEqual(await firewall.ask('problem'), { value: null, isInForce: true })
      return (await rules()).includes(`-A CORTEX-${prefix}-FWD -d ${range} `)
    }
    const ip = async (...words: string[]): Promise<void> => void (await run('ip', ['-n', space, ...words]))
    assert.equal(await closed('198.51.100.0/24'), false)
    await ip('link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1')
    for (const end of ['lan0', 'lan1']) await ip('link', 'set', end, 'up')
    await ip('addr', 'add', '198.51.100.7/24', 'dev', 'lan0')
    assert.equal(await closed('198.51.100.0/24'), true)
    await ip('addr', 'add', '203.0.113.9/25', 'dev', 'lan0')
    await ip('addr', 'del', '198.51.100.7/24', 'dev', 'lan0')
    assert.deepEqual([await closed('198.51.100.0/24'), await closed('203.0.113.0/25')], [false, true])
    await ip('link', 'del', 'lan0')
    assert.equal(await closed('203.0.113.0/25'), false)
  })

  it('says why where the rules cannot be looked at any more, and goes on where they can', async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-firewall-'))
    test.after(async () => await rm(folder, { recursive: true }))
    const own = startFirewall('another owner', { path: folder })
    test.after(own.end)
    assert.deepEqual(await own.ask('problem'), { value: null, isInForce: false }, 'it never had any')
    await own.ask('ensure')
    const broken = join(folder, 'iptables-save')
    await writeFile(broken, '#!/bin/sh\necho "it is out of order" >&2; exit 4\n', { mode: 0o755 })
    const why = 'cannot keep jobs from the network around it: iptables-save failed: it is out of order'
    assert.deepEqual(await own.ask('problem'), { value: why, isInForce: true })
    await rm(broken)
    assert.deepEqual(await own.ask('problem'), { value: null, isInForce: true })
    assert.deepEqual(await own.ask('stop'), { value: null, isInForce: false })
    assert.deepEqual(await own.ask('problem'), { value: null, isInForce: false })
  })

  it('without the right to set rules says so, and has none', async (test) => {
    const weak = startFirewall('weak', { front: ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'] })
    test.after(weak.end)
    const { error, isInForce } = await weak.ask('ensure')
    assert.match(error ?? '', /iptables.* failed: .*Permission denied|you must be root/i)
    assert.equal(isInForce, false)
  })

  it('is taken out at the end, unless a job’s network is left; another agent’s stays', async (test) => {
    const [first, second] = [startFirewall('first'), startFirewall('second')]
    test.after(async () => await Promise.all([first.end(), second.end()]))
    await first.ask('ensure')
    await second.ask('ensure')
    const there = async (name: string): Promise<boolean> => (await rules()).includes(`CORTEX-${bridgePrefix(name)}`)
    const bridge = `${bridgePrefix('first')}0000001`
    await run('ip', ['-n', space, 'link', 'add', bridge, 'type', 'bridge'])
    await first.ask('stop')
    assert.equal(await there('first'), true, 'a job is left')
    await run('ip', ['-n', space, 'link', 'del', bridge])
    await first.ask('stop')
    assert.deepEqual([await there('first'), await there('second'), await there(owner)], [false, true, true])
    assert.doesNotMatch(await rules('mangle', '6'), new RegExp(bridgePrefix('first')))
  })

  it('is taken out where the engine has no job left, whatever bridge it has forgotten', async (test) => {
    const agent = startFirewall('forgetful')
    test.after(async () => await agent.end())
    await agent.ask('ensure')
    const bridge = `${bridgePrefix('forgetful')}0000001`
    await run('ip', ['-n', space, 'link', 'add', bridge, 'type', 'bridge'])
    test.after(async () => await run('ip', ['-n', space, 'link', 'del', bridge]))
    await agent.ask('end')
    assert.doesNotMatch(await rules(), new RegExp(`CORTEX-${bridgePrefix('forgetful')}`))
  })

  it('takes out what a killed agent left, and leaves a living one’s, and one’s whose job still runs', async (test) => {
    const others = ['dead', 'dead but its job runs', 'alive']
    const children = others.map((name) => startFirewall(name))
    test.after(async () => await Promise.all(children.map(({ end }) => end())))
    for (const child of children) await child.ask('ensure')
    await run('ip', ['-n', space, 'link', 'add', `${bridgePrefix(others[1] ?? '')}0000001`, 'type', 'bridge'])
    await Promise.all(children.slice(0, 2).map(({ end }) => end()))
    const next = startFirewall('next')
    test.after(next.end)
    await next.ask('ensure')
    const saved = (await rules()) + (await rules('mangle', '6'))
    assert.deepEqual(
      others.map((name) => saved.includes(`CORTEX-${bridgePrefix(name)}`)),
      [false, true, true],
    )
  })
})
