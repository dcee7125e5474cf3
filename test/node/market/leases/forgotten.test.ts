/** Providers that call in about a job which went with its age. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { encode } from '../../../../protocol/codec.ts'
import { LeaseCommandSchema, LeaseHelloSchema } from '../../../../protocol/gen/cortex/v1/market_pb.js'
import { Protocol } from '../../../../protocol/topics.ts'
import { createLeaseRig, type LeaseRig } from '../../../support/lease-rig.ts'

async function callIn(rig: LeaseRig, jobId: string, fence: number) {
  const channel = await rig.seller.network.open(rig.buyer.network.peerId, Protocol.lease, { maxMessageBytes: 2 ** 20 })
  await channel.send(encode(LeaseHelloSchema, { jobId, fence }))
  const bytes = await channel.receive()
  return fromBinary(LeaseCommandSchema, bytes ?? assert.fail('nothing was said')).content
}

describe('a provider that calls in about a lease of a job that went with its age', () => {
  it('is given what was signed, as long as the bill is there, and nothing under another fence', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const id = await rig.place({ duration: 60 })
    await rig.beat()
    const startedAtMs = BigInt(rig.providerNow())
    await rig.report({ case: 'started', value: { startedAtMs } })
    await rig.clock.advance(5_000)
    await rig.beat(5_000, 2)
    const endedAtMs = BigInt(rig.providerNow())
    const receipt = await rig.receipt(5, { startedAtMs, endedAtMs })
    await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
    const { fence, receipt: signed } = (await rig.lease(id)) ?? assert.fail('no lease')
    assert.notEqual(signed, null)
    const init = { keepMs: -60_000, isNeeded: async () => false, before: async () => undefined }
    assert.equal(await rig.store.forgetJobs(init, new AbortController().signal), 1)
    assert.equal(await rig.store.get(id), undefined)

    const told = await callIn(rig, id, fence)
    assert.equal(told.case, 'ack')
    assert.deepEqual(told.case === 'ack' ? told.value.receipt : null, rig.signed()[0])
    assert.equal((await callIn(rig, id, fence + 1)).case, 'stale')
  })
})
