import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { PROGRAM } from '../../../scripts/testing/programs.ts'
import { cortexAtGateway } from '../support/cortex.ts'
import { ADMIN_KEY } from '../support/test-gateway.ts'

describe('entry 41: cortex job forward', () => {
  const at = cortexAtGateway('by environment')
  const submit = async (...ports: string[]) =>
    await at.ok('job', 'submit', ...ports.flatMap((port) => ['--port', port]), 'busybox')

  /** Started, with what it says from here on. */
  function forward(...args: string[]) {
    const { PATH } = process.env
    const env = { PATH, HOME: at.cortex.folder, CORTEX_GATEWAY: at.gateway.url, CORTEX_KEY: ADMIN_KEY }
    const child = spawn(process.execPath, [PROGRAM, 'job', 'forward', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    const says = async (pattern: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const match = pattern.exec(said)
        if (match !== null) return match
        if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${said}`)
        await Promise.race([once(child.stderr, 'data'), once(child.stdout, 'data'), once(child, 'close')])
      }
    }
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
    return { child, says, closed: once(child, 'close').then(([code]) => [code, said] as [number, string]) }
  }

  /** What a connection meets. */
  async function outcome(port: number): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port })
    return await text(socket).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown')
  }

  for (const [declared, asked, line] of [
    [['80'], '0:81', /exposes no port 81, but 80:/],
    [['80', '53/udp'], '0:53', /exposes no port 53, but 80, 53\/udp:/],
    [['80'], '0:80/udp', /exposes no port 80\/udp, but 80:/],
    [[], '0:80', /exposes no port 80; it exposes none: 'cortex job submit --port 80'/],
  ] as const) {
    it(`says before it listens that ${asked} is not among ${declared.join(' ') || 'none'}`, async () => {
      const id = await submit(...declared)
      const { code, out, err } = await at.cortex.run(['job', 'forward', id, asked])
      assert.deepEqual([code, out], [1, ''])
      assert.match(err, line)
    })
  }

  it('says that a job has ended, and ends with one that ends, though a connection is open', async () => {
    const ended = await submit('80')
    await at.gateway.play.start(ended)
    await at.gateway.play.complete(ended)
    assert.match((await at.cortex.run(['job', 'forward', ended, '0:80'])).err, /^cortex: The job is completed/)
    const id = await submit('80')
    await at.gateway.play.start(id)
    const { says, closed } = forward(id, '0:80')
    await says(/:\d+ -> 80/)
    await at.gateway.play.complete(id)
    const [code, said] = await closed
    assert.equal(code, 1)
    assert.match(said, /cortex: The job is completed\n$/)
  })

  it('waits before a job runs and between its attempts, refusing connections', async () => {
    const id = await submit('80', '53/udp')
    const { child, says, closed } = forward(id, '0:80', '0:53/udp')
    const [, port] = await says(/:(\d+) -> 80/)
    await says(/the job is pending: connections are refused/)
    assert.equal(await outcome(Number(port)), 'ECONNRESET')
    await at.gateway.play.start(id)
    await says(/the job runs/)
    await at.gateway.play.lose(id)
    await says(/the job runs[\s\S]*the job is pending: connections are refused/)
    assert.equal(await outcome(Number(port)), 'ECONNRESET')
    await at.gateway.play.start(id)
    await says(/the job runs[\s\S]*the job runs/)
    child.kill('SIGTERM')
    assert.equal((await closed)[0], 0)
  })

  it('refuses to give a terminal to a command whose input is none', async () => {
    const id = await submit('80')
    await at.gateway.play.start(id)
    const { code, err } = await at.cortex.run(['job', 'exec', '-it', id, '--', 'sh'], { input: 'echo hello\n' })
    assert.equal(code, 125)
    assert.match(err, /^cortex: -t needs a terminal to type at/)
    assert.ok(!at.gateway.requests.some((request) => request.includes(`${id}/exec`)))
  })
})
