/** The commands of a client node as processes, on a market of real peers and the real engine. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { PROGRAM } from '../../scripts/testing/programs.ts'
import { until } from '../support/until.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'
import { type Ended, type Program, startCortex } from './support/program.ts'

const SMALL = ['--cpu', '100', '--memory', '16Mi', '--storage', '16Mi']

describe('commands of a client node', () => {
  let market: TestMarket
  let cheap: Seller
  let dear: Seller

  before(async () => {
    market = await openMarket()
    cheap = await market.addSeller({ name: 'cheap', price: '0.01' })
    dear = await market.addSeller({ name: 'dear', price: '0.02' })
  })
  after(() => market?.close())

  function cortex(...args: string[]): Program {
    return startCortex(args)
  }

  /** Flags that lead to this market. */
  function where(data = 'client'): string[] {
    const bootstrap = market.bootstrap.flatMap((address) => ['--bootstrap', address])
    const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
    return ['--data', join(market.folder, data), '--network', market.network, '--no-mdns', ...listen, ...bootstrap]
  }

  function run(script: string, flags: string[] = [], data?: string): Program {
    return cortex('run', ...where(data), ...SMALL, ...flags, market.image, '--', 'sh', '-c', script)
  }

  async function settled(): Promise<void> {
    await until(() => market.sellers.every(({ agent }) => agent.status().leases.length === 0))
    assert.deepEqual(await market.left(), [])
  }

  describe('cortex run', () => {
    it('passes the output on byte for byte, and the exit code', async () => {
      const script = "printf 'žluť 🐎\\ttab\\rover\\n\\n\\033[1mbold\\n'; printf 'to stderr\\n' >&2; exit 3"
      const { code, stdout, stderr } = await run(script).ended
      assert.equal(code, 3)
      assert.deepEqual(stdout, Buffer.from('žluť 🐎\ttab\rover\n\n\u001b[1mbold\n'))
      assert.match(stderr, /^to stderr$/m)
      assert.match(stderr, /failed: Exit Code 3/)
      await settled()
    })

    it('entry 39: passes on bytes that are no text, line ends as they are, and none where there was none', async () => {
      const scripts: [string, string, Buffer][] = [
        ['no UTF-8', "printf '\\377\\r\\n'", Buffer.from([0xff, 13, 10])],
        ['no newline', 'printf a', Buffer.from('a')],
        ['nothing', 'true', Buffer.alloc(0)],
        ['half a character', "printf '\\303'; sleep 0.2; printf '\\251\\n'", Buffer.from('é\n')],
        ['zeros and a U+FFFD', "printf 'a\\0\\357\\277\\275\\n\\n\\r'", Buffer.from('a\0\ufffd\n\n\r')],
      ]
      for (const [name, script, expected] of scripts) {
        const { code, stdout } = await run(script).ended
        assert.deepEqual([code, stdout], [0, expected], name)
      }
    })

    it('entry 39: passes on an archive whose lines are of megabytes', async () => {
      const script = 'cd /tmp; head -c 3000000 /dev/urandom > a; tar c -f x a; md5sum < x >&2; cat x'
      const { code, stdout, stderr } = await run(script, ['--storage', '64Mi']).ended
      assert.equal(code, 0)
      assert.match(stderr, new RegExp(`^${createHash('md5').update(stdout).digest('hex')}  -$`, 'm'))
    })

    it('passes on lines of any length', async () => {
      const bytes = 300_000
      const { code, stdout } = await run(`head -c ${bytes} /dev/zero | tr '\\0' x; printf '\\nlast\\n'`).ended
      assert.equal(code, 0)
      assert.ok(stdout.equals(Buffer.from(`${'x'.repeat(bytes)}\nlast\n`)), `${stdout.length} bytes came`)
    })

    it('shows bids, states and cost on stderr, and nothing but output on stdout', async () => {
      const { code, stdout, stderr } = await run('echo only this', ['--bids']).ended
      assert.deepEqual([code, stdout.toString()], [0, 'only this\n'])
      assert.match(stderr, /^PROVIDER +OUTCOME +PRICE +AT LEAST +SCORE +REASON$/m)
      assert.match(stderr, /^cheap +\w+ +\$0\.001\d*\/h/m)
      assert.match(stderr, /^dear +released +\$0\.002\d*\/h/m)
      assert.match(stderr, new RegExp(`scheduled on ${cheap.id}`))
      assert.match(stderr, /completed, 1 s for \$0/)
    })

    it('entry 16: --provider takes a name or the end of an id, and refuses what is no provider’s before it asks', async () => {
      const named = await Promise.all(
        ['dear', dear.id.slice(-8)].map((name, i) => run('echo here', ['--provider', name], `named-${i}`).ended),
      )
      for (const { code, stderr } of named) {
        assert.equal(code, 0, stderr)
        assert.match(stderr, new RegExp(`scheduled on ${dear.id}`))
      }
      const secret = ['--secret', 'TOKEN=hidden-value']
      const refused = await Promise.all(
        ['nosuch', 'DEAR', dear.id.slice(0, -1)].map((name, i) => {
          return run('echo $TOKEN', ['--provider', name, ...secret], `refused-${i}`).ended
        }),
      )
      for (const { code, stdout, stderr } of refused) {
        assert.deepEqual([code, stdout.toString()], [125, ''])
        assert.match(stderr, /^cortex: --provider: There is no provider/m)
        assert.doesNotMatch(stderr, /submitted|scheduled/)
      }
      await settled()
    })

    it('prints the finished job as JSON, and its secrets never', async () => {
      const flags = ['--json', '--provider', dear.id, '--env', 'A=1', '--secret', 'B=hidden-value']
      const { code, stdout, stderr } = await run('echo $A $B; exit 5', flags).ended
      assert.equal(code, 5)
      const job = JSON.parse(stdout.toString())
      assert.deepEqual(
        [job.status, job.results.exitCode, job.assignedProvider, job.error.code],
        ['failed', 5, dear.id, 'NON_ZERO_EXIT'],
      )
      assert.doesNotMatch(`${stdout}${stderr}`, /hidden-value/)
    })

    it('entry 29: unpacks what the job left, without what would reach out of the folder', async () => {
      const left = 'mkdir -p /out/deep; echo result > /out/deep/file; chmod 6755 /out/deep/file; echo done'
      const trick = 'mkdir /out; ln -s /etc /out/etc; echo x > /out/z'
      const odd = [
        'mkdir /out; cd /out; echo one > a; mkfifo pipe; truncate -s 64M sparse; ln -s /etc/passwd link',
        "echo x > 'back\\slash'; echo x > \"$(printf 'bad\\377')\"; ln pipe same; echo two > z",
      ].join('; ')
      const link = 'mkdir /data; echo x > /data/x; ln -s /data /out'
      const scripts = { good: left, unsafe: trick, failed: `${trick}; exit 7`, none: 'true', odd, link }
      const folderOf = (name: string): string => join(market.folder, `results-${name}`)
      const outcomes = await Promise.all(
        Object.entries(scripts).map(async ([name, script]) => {
          return [name, await run(script, ['--output', '/out', '-o', folderOf(name)]).ended] as const
        }),
      )
      const codes = Object.fromEntries(outcomes.map(([name, { code }]) => [name, code]))
      assert.deepEqual(
        codes,
        { good: 0, unsafe: 0, failed: 7, none: 125, odd: 0, link: 125 },
        JSON.stringify(outcomes.map(([name, { stderr }]) => [name, stderr])),
      )
      const { good, unsafe, none } = Object.fromEntries(outcomes)
      assert.equal(good?.stdout.toString(), 'done\n')
      assert.equal(await readFile(join(folderOf('good'), 'out/deep/file'), 'utf8'), 'result\n')
      assert.equal((await stat(join(folderOf('good'), 'out/deep/file'))).mode & 0o7000, 0)
      for (const name of ['unsafe', 'failed']) {
        assert.match(
          outcomes.find(([one]) => one === name)?.[1].stderr ?? '',
          /left out: out\/etc links out of the folder/,
        )
        assert.deepEqual(await readdir(join(folderOf(name), 'out')), ['z'])
      }
      assert.equal(unsafe?.code, 0)
      assert.deepEqual((await readdir(join(folderOf('odd'), 'out'))).sort(), ['a', 'z'])
      const said = outcomes.find(([one]) => one === 'odd')?.[1].stderr ?? ''
      for (const reason of [
        /left out: out\/pipe is a pipe/,
        /left out: out\/sparse is larger than what may be kept/,
        /left out: out\/link links out of the folder/,
        /left out: out\/back\\slash has a backslash in its name/,
        /left out: out\/bad\ufffd has a name that is no UTF-8/,
      ]) {
        assert.match(said, reason)
      }
      assert.match(outcomes.find(([one]) => one === 'link')?.[1].stderr ?? '', /left out: out links out of the folder/)
      assert.match(none?.stderr ?? '', /there are no outputs: The container left nothing at \/out/)
    })

    it('exits with 125 where nobody takes the job, with the reason and the remedy', async () => {
      const { code, stdout, stderr } = await run('true', ['--memory', '900Gi', '--queue-timeout', '1']).ended
      assert.deepEqual([code, stdout.length], [125, 0])
      assert.match(stderr, /failed: The job asks for more than any provider has; the nearest is/)
      assert.match(stderr, /Reduce the resource requirements to what a provider has\./)
    })

    it('exits with 125 where the image is not there', async () => {
      const { code, stderr } = await cortex('run', ...where(), ...SMALL, '--pull', 'Never', 'cortex/none:1').ended
      assert.equal(code, 125)
      assert.match(stderr, /failed: .*cortex\/none:1.*imagePullPolicy/)
    })

    it('exits with 125 where the job makes no sense, before anything is asked', async () => {
      const { code, stderr } = await run('true', ['--memory', 'lots']).ended
      assert.equal(code, 125)
      assert.match(stderr, /^cortex: memory must be a whole amount of memory such as "512Mi"/)
    })

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
      it(`entry 37: cancels the job on ${signal}, waits for its end, and exits with 130`, async () => {
        const program = run("trap 'echo stopping; exit 0' TERM; echo ready; while :; do sleep 0.1; done")
        await program.says(/running/)
        await until(() => market.sellers.some(({ agent }) => agent.status().leases.length === 1))
        program.child.kill(signal)
        const { code, stdout, stderr } = await program.ended
        assert.equal(code, 130)
        assert.match(stdout.toString(), /^(ready\n)?(stopping\n)?$/)
        assert.match(stderr, /cancelled, \d+ s for \$/)
        await settled()
      })
    }

    it('entry 37: cancels the job where nobody reads its output any more, without a word of its own', async () => {
      const program = run('echo first; while :; do echo more; sleep 0.1; done')
      await program.prints(/first/)
      program.child.stdout?.destroy() // as `| head -1` does
      const { code, stderr } = await program.ended
      assert.equal(code, 130, stderr)
      assert.match(stderr, /cancelled, \d+ s for \$/)
      assert.doesNotMatch(stderr, /EPIPE|^ {4}at /m)
      await settled()
    })

    it('entry 37: cancels the job whose output has no room, and says so', async () => {
      const full = openSync('/dev/full', 'w')
      try {
        const args = [
          'run',
          ...where(),
          ...SMALL,
          market.image,
          '--',
          'sh',
          '-c',
          'while :; do echo more; sleep 0.1; done',
        ]
        const child = spawn(process.execPath, [PROGRAM, ...args], {
          stdio: ['ignore', full, 'pipe'],
        })
        assert.ok(child.stderr)
        const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
        assert.equal(code, 130, said)
        assert.match(said, /^cortex: cannot write the output \(ENOSPC\): make room where it goes$/m)
        assert.match(said, /cancelled, \d+ s for \$/)
      } finally {
        closeSync(full)
      }
      await settled()
    })

    it('entry 51: exits with 125 where the words are wrong, unlike a container', async () => {
      for (const args of [['run'], ['run', '--nonsense', market.image], ['run', '--cpu', 'many', market.image]]) {
        const { code, stdout } = await cortex(...args).ended
        assert.deepEqual([code, stdout.toString()], [125, ''], args.join(' '))
      }
    })

    it('cancels a job that still waits for somebody to take it', async () => {
      const program = run('true', ['--memory', '900Gi'])
      await program.says(/submitted job_/)
      program.child.kill('SIGINT')
      const { code, stderr } = await program.ended
      assert.equal(code, 130)
      assert.match(stderr, /cancelled/)
    })

    it('runs beside another one on the same data folder, each as a peer of its own', async () => {
      const script = 'echo begins; sleep 30; echo ends'
      const programs = [run(script, ['--json'], 'shared'), run(script, ['--json'], 'shared')]
      await until(() => {
        const leases = market.sellers.flatMap(({ agent }) => agent.status().leases)
        return new Set(leases.map(({ requester }) => requester)).size === 2
      })
      const ended: Ended[] = await Promise.all(programs.map(({ ended }) => ended))
      assert.deepEqual(
        ended.map(({ code }) => code),
        [0, 0],
      )
      const ids = ended.map(({ stdout }) => JSON.parse(stdout.toString()).id)
      assert.equal(new Set(ids).size, 2)
      await settled()
    })
  })

  describe('cortex provider', () => {
    it('lists who sells, as a table and as JSON', async () => {
      const [table, json] = await Promise.all([
        cortex('provider', 'list', ...where('list-1')).ended,
        cortex('provider', 'list', '--json', ...where('list-2')).ended,
      ])
      assert.deepEqual([table.code, json.code], [0, 0])
      for (const { id } of [cheap, dear]) assert.match(table.stdout.toString(), new RegExp(`^${id} .*online`, 'm'))
      const listed: { id: string; name: string; status: string }[] = JSON.parse(json.stdout.toString())
      assert.deepEqual(
        listed.map(({ id, name, status }) => [id, name, status]),
        [
          [cheap.id, 'cheap', 'online'],
          [dear.id, 'dear', 'online'],
        ],
      )
    })

    it('shows one by its name or its id, and says where there is none', async () => {
      const [byName, byId, nobody] = await Promise.all([
        cortex('provider', 'status', 'dear', ...where('status-1')).ended,
        cortex('provider', 'status', cheap.id, '--json', ...where('status-2')).ended,
        cortex('provider', 'status', 'nobody', ...where('status-3')).ended,
      ])
      assert.equal(byName.code, 0)
      assert.match(byName.stdout.toString(), new RegExp(`${dear.id}`))
      assert.equal(JSON.parse(byId.stdout.toString()).id, cheap.id)
      assert.equal(nobody.code, 1)
      assert.match(nobody.stderr, /^cortex: .*nobody/)
    })
  })

  it('cortex id names the same peer each time, one for each part', async () => {
    const data = ['--data', join(market.folder, 'ids')]
    const first = (await cortex('id', ...data, '--of', 'agent').ended).stdout.toString()
    const again = (await cortex('id', ...data, '--of', 'agent', '--json').ended).stdout.toString()
    const other = (await cortex('id', ...data).ended).stdout.toString()
    assert.match(first, /^12D3KooW\w{44}\n$/)
    assert.equal(JSON.parse(again).peerId, first.trim())
    assert.notEqual(other, first)
  })
})
