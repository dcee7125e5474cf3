import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { checkAnnouncement } from '../../protocol/market-messages.ts'
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
