import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { JobSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { VolumesReplySchema, VolumesRequestSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { fieldErrors, jobSubmissionSchema, resourcesOf, splitSecrets } from '../../protocol/job-spec.ts'
import { volumeIdOf } from '../../protocol/job-volumes.ts'
import { checkWireJob, encodedRequirements, jobToWire } from '../../protocol/job-wire.ts'
import { readRequirements } from '../../protocol/market-messages.ts'
import { readVolumesReply, readVolumesRequest } from '../../protocol/volume-messages.ts'

const PEER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const ID = volumeIdOf('job_0123456789ab', PEER, 'data')
const NEW = { name: 'data', mountPath: '/data', size: '1Gi' }
const THERE = { volume: ID, mountPath: '/there' }

function parsed(volumes: object[]) {
  return jobSubmissionSchema.safeParse({ image: 'busybox', storage: '1Gi', provider: PEER, volumes })
}

function onTheWire(volumes: object[]) {
  const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', provider: PEER, volumes }))
  const requirements = readRequirements(encodedRequirements(spec))
  const job = fromBinary(JobSchema, toBinary(JobSchema, create(JobSchema, jobToWire(spec, secrets))))
  return { requirements, job }
}

describe('volumes of a job', () => {
  const wrong: [what: string, volumes: object[], path: string][] = [
    ['one that is neither new nor there', [{ mountPath: '/data' }], 'volumes[0].name'],
    ['a new one without a size', [{ name: 'data', mountPath: '/data' }], 'volumes[0].size'],
    ['one that is there, with a size', [{ ...THERE, size: '1Gi' }], 'volumes[0].size'],
    ['one that is there, with a name', [{ ...THERE, name: 'data' }], 'volumes[0].name'],
    ['one that is there, with a time to keep', [{ ...THERE, keep: 3_600 }], 'volumes[0].keep'],
    ['no id', [{ ...THERE, volume: '../../etc' }], 'volumes[0].volume'],
    ['a long id', [{ ...THERE, volume: `vol_${'a'.repeat(1e5)}` }], 'volumes[0].volume'],
    ['one that is there, twice', [THERE, { ...THERE, mountPath: '/again' }], 'volumes[1].volume'],
    ['two at one place', [NEW, { ...THERE, mountPath: '/data' }], 'volumes[1].mountPath'],
    ['a shared one that goes with its job', [{ ...NEW, shared: true }], 'volumes[0].shared'],
    ['a second', [{ ...NEW, keep: 1 }], 'volumes[0].keep'],
    ['a century', [{ ...NEW, keep: 100 * 365 * 24 * 3_600 }], 'volumes[0].keep'],
    ['a part of a second', [{ ...NEW, keep: 60.5 }], 'volumes[0].keep'],
  ]
  for (const [what, volumes, path] of wrong) {
    it(`refuses ${what}, naming the field`, () => {
      const { success, error } = parsed(volumes)
      assert.equal(success, false)
      assert.ok(error && fieldErrors(error).some((problem) => problem.path === path), JSON.stringify(error?.issues))
    })
  }

  it('counts new ones as its storage, and those that are there not again', () => {
    const { data } = parsed([{ ...NEW, keep: 60 }, THERE])
    assert.equal(data && resourcesOf(data).storageBytes, 2 * 2 ** 30)
  })

  it('says in its requirements which outlive it, and asks for the capability', () => {
    const { requirements } = onTheWire([
      NEW,
      { ...NEW, name: 'more', mountPath: '/more', keep: 60 },
      { ...THERE, shared: true },
    ])
    assert.deepEqual(requirements.keptVolumes, [
      { id: '', shared: false, keepSeconds: 60, sizeBytes: 2 ** 30 },
      { id: ID, shared: true, keepSeconds: 0, sizeBytes: 0 },
    ])
    assert.ok(requirements.capabilities.includes('kept-volumes'))
    const plain = onTheWire([NEW]).requirements
    assert.deepEqual([plain.keptVolumes, plain.capabilities], [undefined, ['volumes']])
  })

  it('are awarded as they were bid on, or not at all', () => {
    const { requirements, job } = onTheWire([{ ...NEW, keep: 60 }, THERE])
    checkWireJob(job, requirements)
    const changes: ((volumes: (typeof job)['volumes']) => void)[] = [
      ([first]) => Object.assign(first ?? {}, { keepSeconds: 3_600 }),
      ([first]) => Object.assign(first ?? {}, { keepSeconds: 0 }),
      ([, second]) => Object.assign(second ?? {}, { id: volumeIdOf('job_0123456789ab', PEER, 'other') }),
      ([, second]) => Object.assign(second ?? {}, { shared: true }),
      (volumes) => void volumes.pop(),
    ]
    for (const change of changes) {
      const { job: other } = onTheWire([{ ...NEW, keep: 60 }, THERE])
      change(other.volumes)
      assert.throws(() => checkWireJob(other, requirements), { code: 'INVALID_FIELD' }, String(change))
    }
  })

  it('have an id for each job, provider and name, and the same each time', () => {
    const others = [
      volumeIdOf('job_0123456789ab', PEER, 'data'),
      volumeIdOf('job_0123456789ac', PEER, 'data'),
      volumeIdOf('job_0123456789ab', 'another', 'data'),
      volumeIdOf('job_0123456789ab', PEER, 'more'),
    ]
    assert.equal(new Set(others).size, 4)
    assert.equal(others[0], ID)
    assert.match(ID, /^vol_[0-9a-f]{26}$/)
  })
})

describe('messages about volumes', () => {
  it('are refused where they say what cannot be', () => {
    const requests = [
      {},
      { content: { case: 'list' as const, value: { after: 'x' } } },
      { content: { case: 'delete' as const, value: { id: '' } } },
      { content: { case: 'extend' as const, value: { id: ID, keepSeconds: 1 } } },
      { content: { case: 'extend' as const, value: { id: ID, keepSeconds: 4_000_000_000 } } },
    ]
    for (const request of requests) {
      const read = () => readVolumesRequest(encode(VolumesRequestSchema, request))
      assert.throws(read, { name: 'WireError' }, JSON.stringify(request))
    }
    const one = { id: ID, sizeBytes: 1n, keepSeconds: 60 }
    const replies = [
      { volumes: [{ ...one, id: 'vol' }] },
      { volumes: [{ ...one, sizeBytes: 2n ** 63n }] },
      { volumes: [{ ...one, keepSeconds: 0 }] },
      { volumes: Array.from({ length: 101 }, () => one) },
    ]
    for (const reply of replies) {
      assert.throws(() => readVolumesReply(encode(VolumesReplySchema, reply)), { name: 'WireError' })
    }
    assert.equal(readVolumesReply(encode(VolumesReplySchema, { ok: true, volumes: [one] })).volumes.length, 1)
  })
})
