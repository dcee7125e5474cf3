/** Jobs that run at their providers while their requester is put back to a backup. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLeaseRig, type LeaseRig } from '../../../support/lease-rig.ts'

const line = (number: number, text: string) => ({
  case: 'logs' as const,
  value: { firstLine: BigInt(number), lines: [{ timestampMs: 0n, line: text, stderr: false }] },
})

async function running(rig: LeaseRig): Promise<string> {
  const id = await rig.place({ duration: 600 })
  await rig.beat()
  await rig.report({ case: 'started', value: { startedAtMs: BigInt(rig.providerNow()) } })
  await rig.report(line(1, 'before the backup'))
  return id
}

async function linesOf(rig: LeaseRig, id: string): Promise<string[]> {
  return (await rig.store.logs(id, 0, 100)).map(({ line }) => line)
}

const penalties = (rig: LeaseRig) =>
  Object.keys(rig.buyer.network.counters().refused).filter((reason) => reason.startsWith('penalty:'))

describe('a report that comes behind others which were acknowledged and are not here', () => {
  it('is taken of a job that ran when the backup was made, which says that some of its log is missing', async (test) => {
    const rig = await createLeaseRig({ restoredFromMs: Number.MAX_SAFE_INTEGER })
    test.after(rig.stop)
    const id = await running(rig)
    await rig.reportAs(7, line(5, 'after it'))
    await rig.reportAs(8, {
      case: 'ended',
      value: { outcome: 'exited', exitCode: 0, endedAtMs: BigInt(rig.providerNow()) },
    })
    const job = await rig.job(id)
    assert.equal(job.state.status, 'completed')
    assert.deepEqual(await linesOf(rig, id), ['before the backup', 'after it'])
    assert.match(job.logProblem ?? '', /between a backup and its restoration/)
    assert.equal((await rig.store.events(id)).filter(({ type }) => type === 'log-cut').length, 1)
    assert.deepEqual(penalties(rig), [])
  })

  const others: [what: string, restoredFromMs: number | undefined][] = [
    ['whose store was not restored', undefined],
    ['of a job that began after the backup', 1],
  ]
  for (const [what, restoredFromMs] of others) {
    it(`counts against the provider: ${what}`, async (test) => {
      const rig = await createLeaseRig(restoredFromMs === undefined ? {} : { restoredFromMs })
      test.after(rig.stop)
      const id = await running(rig)
      await rig.reportAs(7, line(5, 'after it'))
      assert.deepEqual(await linesOf(rig, id), ['before the backup'])
      assert.deepEqual(penalties(rig), ['penalty:lease: INVALID_FIELD'])
    })
  }
})
