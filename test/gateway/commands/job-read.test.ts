import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Cortex, openCortex } from '../support/cortex.ts'
import { type ServedGateway, serveTestGateway } from '../support/served-gateway.ts'
import { ADMIN_KEY } from '../support/test-gateway.ts'
import { PROVIDER } from '../support/test-node.ts'

let gateway: ServedGateway
let cortex: Cortex

/** Runs a command that has to succeed; answers its output. */
async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await cortex.run(args)
  assert.equal(code, 0, `cortex ${args.join(' ')}: ${err}`)
  return out
}

const submit = async (...args: string[]) => (await ok('job', 'submit', ...args)).trim()

describe('cortex job get, logs, cancel and so on', () => {
  before(async () => {
    gateway = await serveTestGateway()
    cortex = await openCortex({ CORTEX_GATEWAY: gateway.url, CORTEX_KEY: ADMIN_KEY })
  })
  after(async () => {
    await cortex.close()
    await gateway.close()
  })

  it('shows a job, its bids and its events', async () => {
    const id = await submit('busybox')
    await gateway.play.start(id)
    await gateway.play.complete(id)
    const shown = await ok('job', 'get', id)
    assert.match(shown, /^status\s+completed$/m)
    assert.match(shown, new RegExp(`^provider\\s+${PROVIDER}$`, 'm'))
    assert.match(shown, /^exit code\s+0$/m)
    assert.equal(JSON.parse(await ok('job', 'get', id, '--json', '--debug')).debug.attempt, 1)
    assert.match(
      await ok('job', 'events', id),
      /1 {2}created.*\n.*2 {2}scheduled.*\n.*3 {2}started.*\n.*4 {2}completed/,
    )
    assert.equal((await cortex.run(['job', 'bids', id])).err, 'none\n')
  })

  it('follows the log to the end of the job, each stream to its own', async () => {
    const id = await submit('busybox')
    await gateway.play.start(id)
    await gateway.play.log(id, 'one', 'two')
    const following = cortex.run(['job', 'logs', '-f', id])
    while (!gateway.requests.some((request) => request.includes(`${id}/logs`))) await new Promise(setImmediate)
    gateway.cut()
    await gateway.play.log(id, 'three')
    await gateway.play.complete(id)
    assert.deepEqual(await following, { code: 0, out: 'one\ntwo\nthree\n', err: '' })
    assert.equal(await ok('job', 'logs', '--tail', '1', id), 'three\n')
    assert.equal(JSON.parse(await ok('job', 'logs', '--tail', '1', '--json', id)).line, 'three')
  })

  it('cancels, extends and submits again', async () => {
    const [first, second] = [await submit('--cpu', '100', 'busybox'), await submit('busybox')]
    assert.equal(await ok('job', 'cancel', first, second), `${first} cancelling\n${second} cancelling\n`)
    const again = (await ok('job', 'resubmit', first, '--memory', '1Gi')).trim()
    const job = await gateway.store.get(again)
    assert.deepEqual([job?.spec.cpu, job?.spec.memory, job?.origin.resubmittedFrom], [100, '1Gi', first])
    await gateway.play.start(again)
    assert.equal(await ok('job', 'extend', again, '60'), `${again} may run 3660 s\n`)
  })
})
