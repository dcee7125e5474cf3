/** `cortex doctor` as a process: on a machine with nothing, and beside a gateway and an agent that run. */

import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { askPart } from '../../node/control/client.ts'
import { ensureEngine } from '../../scripts/engine.ts'
import { freePort } from '../../scripts/free-port.ts'
import { expire, makeCertificate } from '../support/certificate.ts'
import { until } from '../support/until.ts'
import { type Program, startCortex } from './support/program.ts'

interface Row {
  part: string
  check: string
  state: string
  found: string
  remedy: string
}

/** Runs it to its end. */
async function doctor(...args: string[]): Promise<{ code: number | null; rows: Row[] }> {
  const { code, stdout, stderr } = await startCortex(['doctor', ...args, '--json']).ended
  assert.equal(stderr, '', args.join(' '))
  const { ok, findings } = JSON.parse(stdout.toString()) as { ok: boolean; findings: Row[] }
  assert.equal(ok, code !== 1)
  return { code, rows: findings }
}

const only = (rows: Row[], check: string): Row => {
  const [row, ...more] = rows.filter((one) => one.check === check)
  assert.ok(row !== undefined && more.length === 0, `${check} among ${JSON.stringify(rows)}`)
  return row
}

describe('cortex doctor', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-doctor-'))
  })
  after(async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }))

  it('says what an agent lacks on a machine with nothing, and what to do', async () => {
    const socket = join(folder, 'no.sock')
    const { code, rows } = await doctor(
      'agent',
      '--data',
      join(folder, 'none'),
      '--no-mdns',
      '--docker-host',
      `unix://${socket}`,
    )
    assert.equal(code, 1)
    const engine = only(rows, 'engine')
    assert.deepEqual([engine.state, engine.part], ['fail', 'agent'])
    assert.match(engine.found, /There is no engine at/)
    assert.match(engine.remedy, /--docker-host/)
    assert.match(only(rows, 'data folder').found, /is not there yet/)
    assert.equal(only(rows, 'peers').state, 'warn')
    assert.match(only(rows, 'version').found, /^cortex \d+\.\d+\.\d+, Node /)
  })

  it('names what is wrong with settings, folder, port and certificate', async () => {
    const data = join(folder, 'wrong')
    await mkdir(join(data, 'gateway'), { recursive: true, mode: 0o700 })
    await writeFile(join(data, 'gateway', 'identity.key'), 'x')
    await chmod(join(data, 'gateway', 'identity.key'), 0o644)
    const made = makeCertificate(folder, 'DNS:localhost')
    expire(made)
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const config = join(folder, 'cortex.yaml')
    await writeFile(config, 'gateway:\n  prot: 1\n')
    const at = ['--port', String(port), '--listen', `/ip4/127.0.0.1/tcp/${port}`, '--no-mdns', '--data', data]
    const tls = ['--tls-cert', made.certPath, '--tls-key', made.keyPath]
    const { code, rows } = await doctor('gateway', ...at, ...tls, '--config', config)
    other.close()
    assert.equal(code, 1)
    for (const [check, found, remedy] of [
      ['configuration', /there is no setting prot of gateway/, /--help/],
      ['data folder', /others on this machine can read .*identity\.key \(mode 0644\)/, /chmod 600/],
      ['peer port', /another program listens on/, /--listen/],
      ['api', /another program listens on 127\.0\.0\.1 port/, /--port/],
      ['certificate', /expired/, /renew/],
    ] as const) {
      const row = only(rows, check)
      assert.equal(row.state, 'fail', check)
      assert.match(row.found, found)
      assert.match(row.remedy, remedy)
    }
  })

  it('refuses words that mean nothing to the part', async () => {
    for (const args of [['agent', '--bogus'], ['nobody']]) {
      const { code, stderr, stdout } = await startCortex(['doctor', ...args]).ended
      assert.deepEqual([code, stdout.toString()], [1, ''])
      assert.match(stderr, /^(error: unknown option|cortex: There is no role nobody)/)
    }
  })

  describe('beside what runs', () => {
    let up: Program
    let data: string
    let flags: string[]
    let stopEngine: () => Promise<void>

    before(async () => {
      const engine = await ensureEngine()
      stopEngine = engine.stop
      data = join(folder, 'up')
      const [port, api] = [await freePort(2), await freePort()]
      const own = ['--data', data, '--network', `doctor-${process.pid}`, '--no-mdns']
      flags = [...own, '--listen', `/ip4/127.0.0.1/tcp/${port}`, '--port', String(api)]
      flags.push('--docker-host', `unix://${engine.socketPath}`)
      const small = ['--cpu', '100', '--memory', '64Mi', '--storage', '64Mi', '--sandboxes', '0', '--no-benchmark']
      up = startCortex(['up', ...flags, ...small])
      await up.says(/^gateway /m)
      // The agent beside it takes longer.
      const isUp = async () =>
        await askPart({ part: 'agent', dataFolder: join(data, 'agent') }, 'GET /status').then(Boolean, () => false)
      await until(isUp)
      flags.push('--bootstrap', `/ip4/127.0.0.1/tcp/${port}`)
    })
    after(async () => {
      up.child.kill('SIGTERM')
      await up.ended
      await stopEngine()
    })

    it('finds both parts well, and tells what the agent says of itself', async () => {
      const { code, rows } = await doctor('up', ...flags)
      const failed = rows.filter(({ state }) => state === 'fail')
      assert.deepEqual(failed, [])
      assert.notEqual(code, 1)
      const of = (part: string): Row[] => rows.filter((row) => row.part === part)
      assert.match(only(of('gateway'), 'api').found, /^it answers on 127\.0\.0\.1 port \d+$/)
      assert.match(only(of('gateway'), 'peers').found, /peers? of network doctor-\d+ reached, 1 provider heard of/)
      assert.match(only(of('gateway'), 'clock').found, /within a minute of 1 provider/)
      assert.match(only(of('gateway'), 'reach').found, /own networks \(seen as 127\.0\.0\.1\)/)
      for (const part of ['gateway', 'agent']) {
        assert.match(only(of(part), 'peer port').found, /^peers are listened to on/)
        assert.match(only(of(part), 'data folder').found, new RegExp(`in use by process ${up.child.pid}`))
      }
      assert.match(only(of('agent'), 'engine').found, /^(Docker|Podman) \d/)
      assert.equal(only(of('agent'), 'agent').state, 'ok')
    })

    it('looks at the parts of the data folder where no role is named, in a table', async () => {
      const { stdout } = await startCortex(['doctor', '--data', data, '--no-mdns']).ended
      const lines = stdout.toString().split('\n')
      assert.match(lines[0] ?? '', /^ +PART +WHAT +FOUND +WHAT TO DO/)
      for (const part of ['gateway', 'agent']) {
        assert.ok(
          lines.some((line) => new RegExp(`^ok +${part} +version `).test(line)),
          part,
        )
      }
    })
  })
})
