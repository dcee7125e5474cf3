import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { JobSchema, RequirementsSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { checkWireJob, encodedRequirements, jobToWire } from '../../protocol/job-wire.ts'
import { checkAnnouncement, readRequirements } from '../../protocol/market-messages.ts'
import { isPlatform, nativePlatforms, plainPlatform, platformsAsked, runsAs } from '../../protocol/platforms.ts'
import { announcementOf } from '../support/announcements.ts'

describe('a platform', () => {
  const spellings: [written: string, plain: string][] = [
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64'],
    ['linux/arm64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v9', 'linux/arm64/v9'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/v6', 'linux/arm/v6'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/i686', 'linux/386'],
    ['Linux/AMD64', 'linux/amd64'],
    ['linux/riscv64', 'linux/riscv64'],
    ['windows/amd64', 'windows/amd64'],
  ]
  for (const [written, plain] of spellings) {
    it(`${written} is ${plain}`, () => assert.equal(plainPlatform(written), plain))
  }

  it('is two or three words', () => {
    for (const text of ['linux/amd64', 'linux/arm/v7', 'linux/mips64le', 'linux/x86_64'])
      assert.ok(isPlatform(text), text)
    const wrong = [
      '',
      'amd64',
      'linux/',
      '/amd64',
      'linux/arm/v7/x',
      'linux amd64',
      'linux/\n',
      `linux/${'a'.repeat(64)}`,
    ]
    for (const text of wrong) assert.equal(isPlatform(text), false, text)
  })

  it('of an engine brings what its processor runs besides', () => {
    assert.deepEqual(nativePlatforms('linux/amd64'), ['linux/amd64', 'linux/386'])
    assert.deepEqual(nativePlatforms('linux/aarch64').slice(0, 2), ['linux/arm64', 'linux/arm/v7'])
    assert.deepEqual(nativePlatforms('linux/s390x'), ['linux/s390x'])
  })
})

describe('what a machine runs an image as', () => {
  const amd64 = { platforms: nativePlatforms('linux/amd64'), emulatedPlatforms: ['linux/arm64'] }
  const cases: [name: string, wanted: string[], found: { platform: string; emulated: boolean } | null][] = [
    ['anything', [], { platform: 'linux/amd64', emulated: false }],
    ['its own', ['linux/amd64'], { platform: 'linux/amd64', emulated: false }],
    ['its own of two, in whatever order', ['linux/arm64', 'linux/amd64'], { platform: 'linux/amd64', emulated: false }],
    [
      'its own rather than what it runs, too',
      ['linux/386', 'linux/amd64'],
      { platform: 'linux/amd64', emulated: false },
    ],
    ['what it runs, too', ['linux/386'], { platform: 'linux/386', emulated: false }],
    ['by itself rather than by emulation', ['linux/arm64', 'linux/386'], { platform: 'linux/386', emulated: false }],
    ['by emulation', ['linux/arm64'], { platform: 'linux/arm64', emulated: true }],
    ['what it does not run', ['linux/s390x', 'windows/amd64'], null],
  ]
  for (const [name, wanted, found] of cases) it(name, () => assert.deepEqual(runsAs(amd64, wanted), found))

  it('nothing where it does not say what it runs', () => {
    assert.equal(runsAs({ platforms: [], emulatedPlatforms: [] }, ['linux/amd64']), null)
  })
})

it('the platform that a job names outweighs those of its image', () => {
  const image = { digest: `sha256:${'0'.repeat(64)}`, platforms: ['linux/amd64', 'linux/arm64'] }
  assert.deepEqual(platformsAsked({}, null), [])
  assert.deepEqual(platformsAsked({}, image), ['linux/amd64', 'linux/arm64'])
  assert.deepEqual(platformsAsked({ platform: 'linux/aarch64' }, image), ['linux/arm64'])
  assert.deepEqual(platformsAsked({ platform: 'linux/arm' }, null), ['linux/arm/v7'])
})

it('an announcement says platforms, or is none', async () => {
  const key = await generateKeyPair('Ed25519')
  const read = async (platforms: string[], emulatedPlatforms: string[]) =>
    await checkAnnouncement(await announcementOf(key, { platforms, emulatedPlatforms }), 'test')
  const { platforms, emulatedPlatforms } = await read(['linux/amd64', 'linux/386'], ['linux/arm64'])
  assert.deepEqual([platforms, emulatedPlatforms], [['linux/amd64', 'linux/386'], ['linux/arm64']])
  await assert.rejects(read(['amd64'], []), { field: 'platforms' })
  await assert.rejects(read([], Array(33).fill('linux/arm64')), { field: 'emulated_platforms' })
})

describe('as what an image is to run', () => {
  const image = { digest: `sha256:${'ab'.repeat(32)}`, platforms: ['linux/amd64', 'linux/arm64'] }
  const asked = (job: object, resolved: typeof image | null) => {
    const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', ...job }))
    const { platforms, imageDigest, capabilities } = readRequirements(encodedRequirements(spec, resolved))
    const wire = create(JobSchema, jobToWire(spec, secrets, resolved))
    checkWireJob(wire, readRequirements(encodedRequirements(spec, resolved)))
    return { platforms, imageDigest, capabilities, platform: wire.platform, digest: wire.imageDigest }
  }

  it('goes to nobody who would not heed it, and a job that does not say goes to anybody', () => {
    assert.deepEqual(asked({}, null), { platforms: [], imageDigest: '', capabilities: [], platform: '', digest: '' })
    assert.deepEqual(asked({ platform: 'linux/arm64/v8' }, null), {
      ...{ platforms: ['linux/arm64'], imageDigest: '', capabilities: ['platforms'] },
      ...{ platform: 'linux/arm64', digest: '' },
    })
  })

  it('is what its registry said, and the bytes are those that it named', () => {
    assert.deepEqual(asked({}, image), {
      ...{ platforms: image.platforms, imageDigest: image.digest, capabilities: ['platforms'] },
      ...{ platform: '', digest: image.digest },
    })
    assert.deepEqual(asked({ platform: 'linux/arm64' }, image).platforms, ['linux/arm64'])
  })

  it('is a platform, of which there are not too many, and the digest is one', () => {
    const wire = (change: { platforms?: string[]; imageDigest?: string }) => {
      const { spec } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox' }))
      const plain = fromBinary(RequirementsSchema, encodedRequirements(spec))
      return () => readRequirements(toBinary(RequirementsSchema, Object.assign(plain, change)))
    }
    assert.throws(wire({ platforms: ['amd64'] }), { field: 'platforms' })
    assert.throws(wire({ platforms: Array(33).fill('linux/amd64') }), { field: 'platforms' })
    assert.throws(wire({ imageDigest: 'latest' }), { field: 'image_digest' })
  })
})
