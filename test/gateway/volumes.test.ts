import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { toBinary } from '@bufbuild/protobuf'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { encode } from '../../protocol/codec.ts'
import { SignedStatementSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { VolumeReceiptSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { volumeIdOf } from '../../protocol/job-volumes.ts'
import { signStatement } from '../../protocol/statements.ts'
import { costOfKept } from '../../protocol/volume-receipts.ts'
import { openTestGateway, type TestGateway } from './support/test-gateway.ts'
import { PROVIDER } from './support/test-node.ts'

const VOLUMES = '/api/plugin-core/volumes'
const JOBS = '/api/plugin-core/jobs'
let gateway: TestGateway

describe('volumes', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => await gateway.close())

  /** As the market does once a provider has taken the job. */
  async function note(owner: string, name: string, terms: { volumePerGbHour?: string } = {}): Promise<string> {
    const id = `job_${name.padEnd(16, '0')}`
    const volumes = [{ name, mountPath: '/data', size: '1Gi', keep: 3_600 }]
    const spec = jobSubmissionSchema.parse({ image: 'busybox', volumes })
    await gateway.node.volumes.note({ id, owner, spec }, { provider: PROVIDER, addresses: [], fence: 1, ...terms })
    return volumeIdOf(id, PROVIDER, name)
  }

  it('are listed by page and status, each owner’s to itself, and all of them to an admin', async () => {
    const [alice, bob] = [await gateway.keyFor('alice'), await gateway.keyFor('bob')]
    const ids = [await note('alice', 'a'), await note('alice', 'b'), await note('bob', 'c')]
    const listed = async (key: string | undefined, query = '') => {
      const { status, data, body } = await gateway.ask('GET', `${VOLUMES}${query}`, key === undefined ? {} : { key })
      assert.equal(status, 200, JSON.stringify(body))
      return data.map(({ id }: { id: string }) => id).toSorted()
    }
    assert.deepEqual(await listed(alice), ids.slice(0, 2).toSorted())
    assert.deepEqual(await listed(bob), ids.slice(2))
    assert.deepEqual(await listed(undefined), ids.toSorted())
    assert.equal((await listed(alice, '?limit=1')).length, 1)
    assert.deepEqual(await listed(alice, '?status=deleting,gone'), [])
    assert.deepEqual(await listed(alice, `?provider=${PROVIDER}`), ids.slice(0, 2).toSorted())
    assert.deepEqual(await listed(alice, '?provider=nobody'), [])
    assert.equal((await gateway.ask('GET', `${VOLUMES}?status=lost`, { key: alice })).code, 'VALIDATION_ERROR')
  })

  it('of another owner are no volumes: to look at, to change, to delete, and for a job', async () => {
    const id = await note('alice', 'a')
    const key = await gateway.keyFor('bob')
    for (const [method, json] of [['GET'], ['PATCH', { keep: 7_200 }], ['DELETE']] as const) {
      const asked = await gateway.ask(method, `${VOLUMES}/${id}`, { key, ...(json === undefined ? {} : { json }) })
      assert.deepEqual([asked.status, asked.code], [404, 'RESOURCE_NOT_FOUND'], method)
    }
    const job = { image: 'busybox', volumes: [{ volume: id, mountPath: '/data' }] }
    for (const path of [JOBS, `${JOBS}?dryRun=true`]) {
      const submitted = await gateway.ask('POST', path, { key, json: job })
      assert.equal(submitted.status, 400, path)
      assert.deepEqual(submitted.body.error.details.fields, [
        { path: 'volumes[0].volume', message: `There is no volume ${id}` },
      ])
    }
    const batch = await gateway.ask('POST', `${JOBS}/batch`, { key, json: { jobs: [job] } })
    assert.equal(batch.status, 400)
    assert.match(JSON.stringify(batch.body), /There is no volume/)
  })

  it('lead the job to their provider, and to no other', async () => {
    const id = await note('alice', 'a')
    const key = await gateway.keyFor('alice')
    const json = { image: 'busybox', volumes: [{ volume: id, mountPath: '/data' }] }
    const job = await gateway.ask('POST', JOBS, { key, json })
    assert.deepEqual([job.status, job.data.provider], [201, PROVIDER], JSON.stringify(job.body))
  })

  it('are deleted once their provider is back where that is away, and extended only while it is there', async () => {
    const id = await note('alice', 'a')
    const key = await gateway.keyFor('alice')
    const extended = await gateway.ask('PATCH', `${VOLUMES}/${id}`, { key, json: { keep: 7_200 } })
    assert.deepEqual([extended.status, extended.code], [503, 'PROVIDER_UNAVAILABLE'])
    assert.equal((await gateway.ask('PATCH', `${VOLUMES}/${id}`, { key, json: { keep: 1e10 } })).status, 400)
    const deleted = await gateway.ask('DELETE', `${VOLUMES}/${id}`, { key })
    assert.deepEqual([deleted.status, deleted.data.status], [200, 'deleting'])
    const job = { image: 'busybox', volumes: [{ volume: id, mountPath: '/data' }] }
    assert.equal((await gateway.ask('POST', JOBS, { key, json: job })).status, 400)
  })

  it('with a price show what they cost, and their owner alone has what both sides signed of it', async () => {
    const [alice, bob] = [await gateway.keyFor('alice'), await gateway.keyFor('bob')]
    const id = await note('alice', 'a', { volumePerGbHour: '2000000' })
    const [seller, buyer] = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')]
    const time = { sizeBytes: 2n ** 30n, pricePerGbHour: 2_000_000n, secondsBefore: 1_800n, seconds: 1_800n }
    const payload = encode(VolumeReceiptSchema, {
      ...{ network: 'test', volumeId: id, number: 2, ...time, costNanoUsd: costOfKept(time), signedAtMs: 1n },
      ...{ provider: peerIdFromPrivateKey(seller).toString(), requester: peerIdFromPrivateKey(buyer).toString() },
    })
    const half = async (key: typeof seller): Promise<string> =>
      Buffer.from(toBinary(SignedStatementSchema, await signStatement('volume-receipt', payload, key))).toString(
        'base64',
      )
    const signed = { provider: await half(seller), requester: await half(buyer) }
    const record = gateway.node.volumes.get(id) ?? assert.fail()
    const receipt = { volumeId: id, owner: 'alice', provider: PROVIDER, number: 2, seconds: 1_800, cost: '1000000' }
    await gateway.node.store.keepVolume(id, record, { ...receipt, signedAtMs: Date.now() - 1_000, signed })

    const shown = (await gateway.ask('GET', `${VOLUMES}/${id}`, { key: alice })).data
    assert.deepEqual([shown.pricePerGbHour, shown.idleSeconds, shown.cost.current], [0.002, 0, 0])
    assert.equal(shown.cost.most, 0.002, 'an hour of a GB, if nobody takes it up')
    const told = await gateway.ask('GET', `${VOLUMES}/${id}/receipts`, { key: alice })
    assert.deepEqual(
      told.data.map(({ number, seconds, cost, size }: Record<string, unknown>) => [number, seconds, cost, size]),
      [[2, 1_800, 0.001, '1Gi']],
    )
    assert.deepEqual(told.data[0].signed, signed)
    assert.equal((await gateway.ask('GET', `${VOLUMES}/${id}/receipts`, { key: bob })).status, 404)
    assert.equal((await gateway.ask('GET', `${VOLUMES}/vol_${'0'.repeat(26)}/receipts`, { key: alice })).status, 404)
    const costs = async (key: string) =>
      (await gateway.ask('GET', '/api/plugin-core/analytics/costs?groupBy=provider', { key })).data
    const [row, ...others] = (await costs(alice)).rows
    assert.deepEqual([others, row.group, row.jobs, row.spent, row.volumes], [[], PROVIDER, 0, 0.001, 0.001])
    assert.equal((await costs(bob)).total.volumes, 0)
  })

  it('need the permissions of jobs', async () => {
    const id = await note('alice', 'a')
    const key = await gateway.keyFor('alice', ['jobs:read'])
    assert.equal((await gateway.ask('GET', `${VOLUMES}/${id}`, { key })).status, 200)
    assert.equal((await gateway.ask('DELETE', `${VOLUMES}/${id}`, { key })).status, 403)
    assert.equal((await gateway.ask('GET', VOLUMES, { key: null })).status, 401)
  })
})
