/** Full disks: of a gateway and of a provider, in processes of their own. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import Docker from 'dockerode'
import { ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { startLocalNetwork } from '../../scripts/local-network.ts'
import { type Answer, type NetworkApi, networkApi } from './support/network-api.ts'
import { makeSmallDisk, noSmallDisk } from './support/small-disk.ts'

const counting = (lines: number) => ({
  command: ['sh', '-c'],
  args: [`i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo line $i; sleep 0.1; done`],
})
/** Extends the job until that is refused because nothing can be stored; before the first failed write it waits. */
async function untilUnheard(api: NetworkApi, id: string): Promise<Answer> {
  for (;;) {
    const answer = await Promise.race([api.call('POST', `/jobs/${id}/extend`, { additional: 1 }), delay(300, null)])
    if (answer !== null && answer.status >= 300) return answer
  }
}

const counted = (lines: number) => Array.from({ length: lines }, (_, i) => `line ${i + 1}`)

describe('full disks', { skip: noSmallDisk }, () => {
  it('refuses new jobs on a full gateway, goes on with those that run, and loses nothing', async (test) => {
    const engine = await ensureEngine()
    test.after(async () => await engine.stop())
    await ensureBusyboxImage(new Docker({ socketPath: engine.socketPath }))
    const disk = await makeSmallDisk(100)
    test.after(disk.unmount)
    const agentDisk = await makeSmallDisk(100)
    test.after(agentDisk.unmount)
    const before = process.env.TMPDIR
    process.env.TMPDIR = disk.folder
    const network = await startLocalNetwork({
      dockerHost: `unix://${engine.socketPath}`,
      gatewayFlags: ['--rate-limit', '0'],
      agents: [{ name: 'roomy', flags: ['--data', agentDisk.folder] }],
    }).finally(() => {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
    })
    test.after(network.stop)
    const api = networkApi(network)
    const [gateway] = network.processes
    await api.provider('roomy', ({ paused }) => paused === null)

    const long = await api.submit(counting(200))
    await api.job(long, ({ status }) => status === 'running')
    const withKey = { 'Idempotency-Key': 'once' }
    const quick = { image: 'cortex/busybox:1', cpu: 200, command: ['echo'], args: ['done'] }
    const first = await api.call('POST', '/jobs', quick, withKey)
    await api.ended(first.data.id)

    // Nearly full: what is left is for the jobs that run.
    await disk.fill(60)
    const refused = await api.call('POST', '/jobs', quick)
    assert.deepEqual([refused.status, refused.code], [503, 'STORE_UNAVAILABLE'])
    assert.match(refused.message ?? '', /disk is full.*Free space/)
    assert.equal(refused.retryAfter, '5')
    const repeated = await api.call('POST', '/jobs', quick, withKey)
    assert.equal(repeated.data.id, first.data.id, 'what is there already is answered')
    const seen = (await api.lines(long)).length
    await api.moreLines(long, seen + 3)

    // Full: nothing can be stored, and the provider keeps what it has to say.
    await disk.fill()
    const unheard = await untilUnheard(api, long)
    assert.deepEqual([unheard.status, unheard.code], [503, 'STORE_UNAVAILABLE'])
    const stuck = await api.lines(long)
    assert.deepEqual(stuck, counted(stuck.length), 'reading goes on')

    await disk.clear()
    const job = await api.ended(long)
    assert.equal(job.status, 'completed', JSON.stringify(job))
    assert.deepEqual(await api.lines(long), counted(200))
    const later = await api.submit(quick)
    assert.equal((await api.ended(later)).status, 'completed')

    // And what was acknowledged is on the disk.
    await gateway?.end('SIGKILL')
    gateway?.restart()
    await api.answers()
    for (const [id, lines] of [
      [long, counted(200)],
      [later, ['done']],
    ] as const) {
      assert.equal((await api.ended(id)).status, 'completed')
      assert.deepEqual(await api.lines(id), lines)
    }

    // The provider's turn.
    await agentDisk.fill(60)
    const paused = await api.provider('roomy', (provider) => provider.paused !== null)
    assert.match(paused.paused, /left for its own data/)
    const waiting = await api.submit(quick)
    await agentDisk.fill()
    assert.equal((await api.job(waiting, () => true)).status, 'pending')
    await agentDisk.clear()
    await api.provider('roomy', (provider) => provider.paused === null)
    assert.equal((await api.ended(waiting)).status, 'completed')
  })
})
