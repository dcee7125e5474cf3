import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cortexAtGateway } from '../support/cortex.ts'
import { PROVIDER } from '../support/test-node.ts'

describe('cortex job get, logs, cancel and so on', () => {
  const at = cortexAtGateway('by environment')
  const submit = async (...args: string[]) => await at.ok('job', 'submit', ...args)

  it('shows a job, its bids and its events', async () => {
    const id = await submit('busybox')
    await at.gateway.play.start(id)
    await at.gateway.play.complete(id)
    const shown = await at.ok('job', 'get', id)
    assert.match(shown, /^status\s+completed$/m)
    assert.match(shown, new RegExp(`^provider\\s+${PROVIDER}$`, 'm'))
    assert.match(shown, /^exit code\s+0$/m)
    assert.equal(JSON.parse(await at.ok('job', 'get', id, '--json', '--debug')).debug.attempt, 1)
    assert.match(
      await at.ok('job', 'events', id),
      /1 {2}created.*\n.*2 {2}scheduled.*\n.*3 {2}started.*\n.*4 {2}completed/,
    )
    assert.equal((await at.cortex.run(['job', 'bids', id])).err, 'none\n')
  })

  it('follows the log to the end of the job, each stream to its own', async () => {
    const id = await submit('busybox')
    await at.gateway.play.start(id)
    await at.gateway.play.log(id, 'one', 'two')
    const following = at.cortex.run(['job', 'logs', '-f', id])
    while (!at.gateway.requests.some((request) => request.includes(`${id}/logs`))) await new Promise(setImmediate)
    at.gateway.cut()
    await at.gateway.play.log(id, 'three')
    await at.gateway.play.complete(id)
    assert.deepEqual(await following, { code: 0, out: 'one\ntwo\nthree\n', err: '' })
    assert.equal(await at.ok('job', 'logs', '--tail', '1', id), 'three')
    assert.equal(JSON.parse(await at.ok('job', 'logs', '--tail', '1', '--json', id)).line, 'three')
  })

  it('cancels, extends and submits again', async () => {
    const [first, second] = [await submit('--cpu', '100', 'busybox'), await submit('busybox')]
    assert.equal(await at.ok('job', 'cancel', first, second), `${first} cancelling\n${second} cancelling`)
    const again = await at.ok('job', 'resubmit', first, '--memory', '1Gi')
    const job = await at.gateway.store.get(again)
    assert.deepEqual([job?.spec.cpu, job?.spec.memory, job?.origin.resubmittedFrom], [100, '1Gi', first])
    await at.gateway.play.start(again)
    assert.equal(await at.ok('job', 'extend', again, '60'), `${again} may run 3660 s`)
  })
})
