import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { JobSchema, SentImageSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { checkWireJob, encodedRequirements, jobToWire } from '../../protocol/job-wire.ts'
import { readRequirements } from '../../protocol/market-messages.ts'
import type { ResolvedImage } from '../../protocol/platforms.ts'
import { bytesOfImage, partsOf, type SentImage, sentImageOf } from '../../protocol/sent-image.ts'
import type { WireError } from '../../protocol/wire-error.ts'

const blob = (digit: string, bytes: number) => ({ sha256: digit.repeat(64), bytes, folder: false })
const SENT: SentImage = { config: blob('a', 500), layers: [blob('b', 2 ** 40), blob('c', 1_024), blob('c', 1_024)] }
const IMAGE: ResolvedImage = { digest: `sha256:${'d'.repeat(64)}`, platforms: ['linux/amd64'] }
const JOB = { image: 'my/app:dev', imageFrom: { upload: IMAGE.digest } }

function onTheWire(sent: SentImage, job: object = JOB) {
  const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse(job))
  const requirements = readRequirements(encodedRequirements(spec, IMAGE))
  const bytes = toBinary(JobSchema, create(JobSchema, jobToWire(spec, secrets, IMAGE, [], sent)))
  return { requirements, job: fromBinary(JobSchema, bytes) }
}

describe('an image that is sent, on the wire', () => {
  it('arrives as it was sent, and each of its parts counts once', () => {
    const { job, requirements } = onTheWire(SENT)
    assert.deepEqual(sentImageOf(checkWireJob(job, requirements)), SENT)
    assert.equal(partsOf(SENT).length, 3)
    assert.equal(bytesOfImage(SENT), 500 + 2 ** 40 + 1_024)
  })

  it('goes to nobody who would ask a registry for it, and only where it is for', () => {
    const { requirements } = onTheWire(SENT)
    assert.deepEqual(requirements.capabilities, ['platforms', 'sent-images'])
    assert.deepEqual(requirements.platforms, IMAGE.platforms)
  })

  it('is none that was bid on as one of a registry', () => {
    const { job } = onTheWire(SENT)
    const { requirements } = onTheWire(SENT, { image: JOB.image })
    const isIt = (error: WireError) => error.code === 'INVALID_FIELD' && error.message.startsWith('imageFrom')
    assert.throws(() => checkWireJob(job, requirements), isIt)
  })

  it('comes with no password for a registry', () => {
    const registryCredentials = { username: 'u', password: 'p', serverAddress: 'docker.io' }
    assert.equal(jobSubmissionSchema.safeParse({ ...JOB, registryCredentials }).success, false)
  })

  const part = { sha256: Buffer.alloc(32), bytes: 1n, folder: false }
  const cases: Record<string, MessageInitShape<typeof SentImageSchema>> = {
    'no configuration': { layers: [part] },
    'a short digest': { config: { ...part, sha256: Buffer.alloc(31) } },
    'a short digest of a layer': { config: part, layers: [{ ...part, sha256: Buffer.alloc(33) }] },
    'too large a configuration': { config: { ...part, bytes: 2n ** 20n + 1n } },
    'a size beyond all': { config: part, layers: [{ ...part, bytes: 2n ** 63n }] },
    'sizes beyond all together': {
      config: part,
      layers: [1, 2].map((i) => ({ sha256: Buffer.alloc(32, i), bytes: BigInt(Number.MAX_SAFE_INTEGER) })),
    },
    'too many layers': { config: part, layers: Array.from({ length: 128 }, () => part) },
  }
  for (const [name, sentImage] of Object.entries(cases)) {
    it(`is refused with ${name}`, () => {
      const { requirements, job } = onTheWire(SENT)
      const wrong = create(JobSchema, { ...job, sentImage: create(SentImageSchema, sentImage) })
      assert.throws(
        () => checkWireJob(wrong, requirements),
        (error: WireError) => error.code === 'INVALID_FIELD',
      )
    })
  }
})
