import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decode, encode } from '../../protocol/codec.ts'
import { AwardMessageSchema, AwardSchema, JobRequestSchema, JobSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { type JobSubmission, jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { checkWireJob, encodedRequirements, jobToWire } from '../../protocol/job-wire.ts'
import * as limits from '../../protocol/limits.ts'
import { checkAward, readRequest, readRequirements } from '../../protocol/market-messages.ts'
import { signStatement } from '../../protocol/statements.ts'
import { AWARD, NETWORK, NOW_MS, REQUEST, requester } from './samples.ts'

const ADDRESSES = Array<string>(limits.MAX_ADDRESSES).fill(`/${'a'.repeat(limits.MAX_ADDRESS_LENGTH - 1)}`)

/** A job filled up with a repeated text until the schema refuses more. */
function largestWith(text: string, job: (count: number) => JobSubmission): JobSubmission {
  let [most, tooMuch] = [0, 2 ** 21]
  while (tooMuch - most > 1) {
    const middle = (most + tooMuch) >> 1
    if (jobSubmissionSchema.safeParse(job(middle)).success) most = middle
    else tooMuch = middle
  }
  assert.ok(most > 0, text)
  return job(most)
}

const inEnv = (text: string) => (count: number) => {
  const values = Array.from({ length: Math.ceil((count * text.length) / 30_000) }, (_, i) => [
    `A${i}`,
    text.repeat(Math.min(count - Math.floor(30_000 / text.length) * i, Math.floor(30_000 / text.length))),
  ])
  return { image: 'a', env: Object.fromEntries(values) }
}

describe('the largest job that validates', () => {
  const jobs: [name: string, job: JobSubmission][] = [
    ['ASCII', largestWith('x', inEnv('x'))],
    ['three bytes a character', largestWith('✓', inEnv('✓'))],
    ['four bytes a pair', largestWith('🦀', inEnv('🦀'))],
    ['empty words', { image: 'a', command: Array(256).fill(''), args: Array(256).fill('') }],
    ['512 variables', { image: 'a', env: Object.fromEntries(Array.from({ length: 512 }, (_, i) => [`A${i}`, ''])) }],
  ]
  for (const [name, job] of jobs) {
    it(`fits an award, and its provider takes it: ${name}`, async () => {
      const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse(job))
      const payload = encode(AwardSchema, { ...AWARD, addresses: ADDRESSES, job: jobToWire(spec, secrets) })
      const statement = await signStatement('award', payload, requester.key)
      const message = encode(AwardMessageSchema, { content: { case: 'award', value: statement } })
      assert.ok(message.length <= limits.MAX_AWARD_BYTES, `${message.length} bytes`)
      const award = await checkAward(statement, NETWORK)
      assert.ok(checkWireJob(award.job, readRequirements(encodedRequirements(spec))))
    })
  }
})

describe('the largest constraints that validate', () => {
  const constraints = (text: string) => (count: number) => ({
    image: `a/${'b'.repeat(limits.MAX_IMAGE_LENGTH - 2)}`,
    maxPrice: 1_000_000,
    constraints: {
      region: text.repeat(Math.min(count, Math.floor(128 / text.length))),
      capabilities: Array(Math.ceil(count / 16)).fill(text.repeat(16)),
    },
  })
  for (const text of ['x', '✓', '🦀']) {
    it(`fit a request with every address there can be: ${text}`, () => {
      const { spec } = splitSecrets(jobSubmissionSchema.parse(largestWith(text, constraints(text))))
      const requirements = encodedRequirements(spec)
      const request = encode(JobRequestSchema, { ...REQUEST, requirements, addresses: ADDRESSES })
      assert.ok(request.length <= limits.MAX_GOSSIP_BYTES, `${request.length} bytes`)
      assert.deepEqual(readRequest(request, NETWORK, NOW_MS).requirementsBytes, requirements)
    })
  }
})

describe('any job that validates', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 })
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
  const map = fc.dictionary(name, text, { maxKeys: 5 })
  const bytes = fc.oneof(fc.integer({ min: 6 * 2 ** 20, max: 2 ** 40 }), fc.constantFrom('512Mi', '1.5Gi', '1Ti'))
  const job = fc.record(
    {
      image: fc.constant('a'),
      command: fc.array(text, { maxLength: 5 }),
      args: fc.array(text, { maxLength: 5 }),
      cpu: fc.integer({ min: 10, max: 1_024_000 }),
      memory: bytes,
      storage: bytes,
      env: map,
      secrets: map,
      volumes: fc.array(fc.record({ name, mountPath: name.map((part) => `/${part}`), size: bytes }), { maxLength: 3 }),
      ports: fc.array(fc.record({ port: fc.integer({ min: 1, max: 65_535 }), expose: fc.boolean() }), { maxLength: 3 }),
      constraints: fc.record({ region: name, labels: map }, { requiredKeys: [] }),
      maxPrice: fc.double({ min: 0, max: 1e6, noNaN: true }).map((price) => price.toFixed(9)),
    },
    { requiredKeys: ['image'] },
  )

  it('comes to its provider as it was, and is taken', () => {
    let taken = 0
    fc.assert(
      fc.property(job, (submission) => {
        const parsed = jobSubmissionSchema.safeParse(submission)
        if (!parsed.success) return
        taken++
        const { spec, secrets } = splitSecrets(parsed.data)
        const sent = encode(JobSchema, jobToWire(spec, secrets))
        const received = checkWireJob(
          decode(JobSchema, sent, limits.MAX_AWARD_BYTES),
          readRequirements(encodedRequirements(spec)),
        )
        assert.deepEqual([received.command, received.args, received.env], [spec.command, spec.args, spec.env])
        assert.deepEqual(received.secrets, secrets.secrets)
      }),
      { numRuns: 500 },
    )
    assert.ok(taken > 50, `only ${taken} of 500 were valid`)
  })
})
