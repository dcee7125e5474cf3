import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { JobSchema, RequirementsSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { describeIsolation, isolationFor } from '../../protocol/isolation.ts'
import { jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { checkWireJob, encodedRequirements, jobToWire } from '../../protocol/job-wire.ts'
import { checkAnnouncement, readRequirements } from '../../protocol/market-messages.ts'
import { announcementOf } from '../support/announcements.ts'

const OFFERS = [
  { isolation: 'container', factorMillis: 1_000 },
  { isolation: 'gvisor', factorMillis: 1_200 },
]

describe('classes of isolation', () => {
  const cases: [wanted: string, found: string | null][] = [
    ['', 'container'],
    ['container', 'container'],
    ['gvisor', 'gvisor'],
    ['vm', null],
    ['one-of-later', null],
  ]
  for (const [wanted, found] of cases) {
    it(`"${wanted}" is ${found ?? 'not there'}`, () => {
      assert.equal(isolationFor(OFFERS, wanted)?.isolation ?? null, found)
      assert.equal(isolationFor([], wanted), null)
    })
  }

  it('say what they cost beside the posted price', () => {
    assert.deepEqual(
      [1, 1.2].map((priceFactor) => describeIsolation({ isolation: 'vm', priceFactor })),
      ['vm', 'vm (1.2 times the price)'],
    )
  })

  it('of a job go to nobody who would not heed them, and one that names none goes to anybody', () => {
    const asked = (job: object) => {
      const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', ...job }))
      const requirements = readRequirements(encodedRequirements(spec))
      const wire = create(JobSchema, jobToWire(spec, secrets))
      checkWireJob(wire, requirements)
      return [requirements.isolation, wire.isolation, requirements.capabilities]
    }
    assert.deepEqual(asked({}), ['', '', []])
    assert.deepEqual(asked({ isolation: 'container' }), ['container', 'container', ['isolation']])
  })

  it('of newer versions are taken for what they are: unknown', () => {
    const { spec } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox' }))
    const wire = (isolation: string) =>
      toBinary(
        RequirementsSchema,
        Object.assign(fromBinary(RequirementsSchema, encodedRequirements(spec)), { isolation }),
      )
    assert.equal(readRequirements(wire('enclave')).isolation, 'enclave')
    for (const hostile of ['a\nb', 'a'.repeat(129)]) {
      assert.throws(() => readRequirements(wire(hostile)), { field: 'isolation' })
    }
  })

  it('are announced once each, and at a factor that may be', async () => {
    const key = await generateKeyPair('Ed25519')
    const read = async (isolations: { isolation: string; factorMillis: number }[]) =>
      (await checkAnnouncement(await announcementOf(key, { isolations }), 'test')).isolations
    assert.deepEqual(await read([...OFFERS, { isolation: 'enclave', factorMillis: 0 }]), [
      ...OFFERS,
      { isolation: 'enclave', factorMillis: 0 },
    ])
    for (const wrong of [
      [...OFFERS, ...OFFERS],
      [{ isolation: 'vm', factorMillis: 100_001 }],
      Array.from({ length: 13 }, (_, i) => ({ isolation: `x${i}`, factorMillis: 1_000 })),
    ]) {
      await assert.rejects(read(wrong), { field: 'isolations' })
    }
    await assert.rejects(read([{ isolation: '\0', factorMillis: 1_000 }]), { field: 'isolation' })
  })
})
