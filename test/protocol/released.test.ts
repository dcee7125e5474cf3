/** What peers of the last release make of what newer ones say, by the schema that they have. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fromBinary, isFieldSet, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import * as market from '../../protocol/gen/cortex/v1/market_pb.js'
import { inlineBlob, type JobInput } from '../../protocol/job-inputs.ts'
import { type JobSubmission, jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { encodedRequirements, jobToWire } from '../../protocol/job-wire.ts'
import { plainPlatform, type ResolvedImage } from '../../protocol/platforms.ts'
import type { SentImage } from '../../protocol/sent-image.ts'
import { readReleased, releasedMessage } from '../support/released.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures/messages.json')
const INPUT: JobInput = { path: '/a', writable: false, blob: inlineBlob('a') }
const SENT: SentImage = { config: INPUT.blob, layers: [INPUT.blob] }
/** All that a released agent offers beside containers, whatever its engine can. */
const OFFERED = ['extend']

/** Whether all that `small` says, `large` says, too; an empty part says nothing. */
function assertWithin(small: JsonValue, large: JsonValue | undefined, where: string): void {
  if (Array.isArray(small) && Array.isArray(large)) {
    assert.equal(small.length, large.length, where)
    for (const [i, part] of small.entries()) assertWithin(part, large[i], `${where}[${i}]`)
  } else if (typeof small === 'object' && small !== null && typeof large === 'object' && large !== null) {
    for (const [name, part] of Object.entries(small)) {
      assertWithin(part, Array.isArray(large) ? undefined : large?.[name], `${where}.${name}`)
    }
  } else assert.deepEqual(small, large, where)
}

describe('what newer peers say', () => {
  const { messages } = JSON.parse(readFileSync(FIXTURES, 'utf8')) as { messages: { type: string; hex: string }[] }
  const { messages: all } = market.file_cortex_v1_market
  const named = (type: string) => all.find(({ typeName }) => typeName === type)

  for (const [i, { type, hex }] of messages.entries()) {
    const name = type.replace('cortex.v1.', '')
    const now = named(type)
    if (now === undefined || releasedMessage(name) === undefined) continue
    it(`is read by older ones as far as they know it: ${name} (${i})`, () => {
      const bytes = Buffer.from(hex, 'hex')
      const whole = toJson(now, fromBinary(now, bytes), { alwaysEmitImplicit: true })
      assertWithin(readReleased(name, bytes), whole, name)
    })
  }

  it('is read with fields of any number and form that they do not know', () => {
    const bytes = encode(market.BidSchema, { network: 'test', pricePerHour: 7n, validForMs: 5_000 })
    // Of number 9000: a number, eight bytes, text, and four bytes.
    const unknown = ['c0b20401', 'c1b2040102030405060708', 'c2b20403616263', 'c5b20401020304'].join('')
    const { network, pricePerHour } = readReleased('Bid', Buffer.concat([Buffer.from(unknown, 'hex'), bytes]))
    assert.deepEqual([network, pricePerHour], ['test', '7'])
  })
})

describe('what older agents cannot keep', () => {
  const image: ResolvedImage = { digest: `sha256:${'a'.repeat(64)}`, platforms: [plainPlatform('linux/arm64')] }
  /** A job that has a newer field set, by the field's name on the wire; null where an older agent loses nothing by it. */
  const WISHES: Record<
    string,
    { job?: Partial<JobSubmission>; image?: ResolvedImage; inputs?: JobInput[]; sentImage?: SentImage } | null
  > = {
    minimums: { job: { constraints: { minCpuScore: 1_000 } } },
    platforms: { job: { platform: 'linux/arm64' } },
    platform: { job: { platform: 'linux/arm64' } },
    image_digest: { image },
    gpu_requirements: { job: { gpu: 1, gpuRequirements: { models: ['h100'] } } },
    isolation: { job: { isolation: 'gvisor' } },
    shm_bytes: { job: { shmSize: '1Mi' } },
    max_network_bytes: { job: { maxNetwork: '1Gi' } },
    open_files: { job: { ulimits: { nofile: 4_096 } } },
    pids: { job: { pids: 64 } },
    init: { job: { init: true } },
    workdir: { job: { workdir: '/srv' } },
    user: { job: { user: 'nobody' } },
    tty: { job: { tty: true } },
    inputs: { job: { inputs: [{ path: '/a', from: { inline: 'a' } }] }, inputs: [INPUT] },
    sent_image: { job: { imageFrom: { upload: image.digest } }, image, sentImage: SENT },
    output_list: { job: { outputs: [{ path: '/out' }] } },
    kept_volumes: { job: { volumes: [{ name: 'v', mountPath: '/v', size: '1Mi', keep: 60 }] } },
    public: { job: { ports: [{ port: 80, public: true }] } },
    // Beside it stands the signal that they send.
    image_stop_signal: null,
    // One that says nothing of what it lacks of them loses nothing: it fetches all the same.
    blobs: null,
    image_bytes: null,
  }

  const newer = [market.RequirementsSchema, market.JobSchema, market.PortSchema].flatMap((message) => {
    const before = releasedMessage(message.name)?.fields.map(({ number }) => number) ?? []
    return message.fields.filter(({ number }) => !before.includes(number)).map((field) => ({ message, field }))
  })

  for (const { message, field } of newer) {
    it(`a job with ${message.name}.${field.name} asks for a capability that no older one offers`, () => {
      const wish = WISHES[field.name]
      assert.notEqual(wish, undefined, 'a newer field of a job: say here what an older agent makes of it')
      if (wish == null) return
      const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', ...wish.job }))
      const asked = encodedRequirements(spec, wish.image ?? null)
      const job = encode(market.JobSchema, jobToWire(spec, secrets, wish.image ?? null, wish.inputs, wish.sentImage))
      const parts: Record<string, Uint8Array[]> = {
        Requirements: [asked],
        Job: [job],
        Port: fromBinary(market.JobSchema, job).ports.map((port) => toBinary(market.PortSchema, port)),
      }
      const isSet = parts[message.name]?.some((bytes) => isFieldSet(fromBinary(message, bytes), field))
      assert.ok(isSet, 'the job of this row has the field')
      const { capabilities } = readReleased('Requirements', asked)
      const wanted = capabilities as string[]
      assert.ok(
        wanted.some((capability) => !OFFERED.includes(capability)),
        `asks for ${wanted.join()}`,
      )
    })
  }

  it('a plain job asks for nothing newer', () => {
    const spec = jobSubmissionSchema.parse({ image: 'busybox' })
    const { capabilities } = readReleased('Requirements', encodedRequirements(spec))
    assert.deepEqual(capabilities, [])
  })
})
