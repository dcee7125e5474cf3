import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { RegistryFailure } from '../../../node/registry/failure.ts'
import { digestOf } from '../../../node/registry/manifest.ts'
import { createLayerMeter } from '../../../provider-agent/images/layer-meter.ts'

const MIB = 2 ** 20

async function archive(bytes: number): Promise<Buffer> {
  const files = pack()
  files.entry({ name: 'file' }, Buffer.alloc(bytes, 7))
  files.finalize()
  return await buffer(files)
}

/** Writes a layer in pieces; answers the most that was said of it. */
async function measure(sent: Buffer, tar: Buffer, limit = Number.POSITIVE_INFINITY): Promise<number> {
  let most = 0
  const meter = createLayerMeter({ size: sent.length, diffId: digestOf(tar) }, (bytes) => {
    most = Math.max(most, bytes)
    if (bytes > limit) throw new RegistryFailure('no-space', 'too much')
  })
  try {
    for (let at = 0; at < sent.length; at += 10_000) await meter.write(sent.subarray(at, at + 10_000))
    await meter.end()
    return most
  } finally {
    meter.close()
  }
}

const failing = (reason: string) => (error: unknown) => error instanceof RegistryFailure && error.reason === reason

describe('a layer on its way to the engine', () => {
  it('is counted unpacked, however it is packed', async () => {
    const tar = await archive(3 * MIB)
    for (const sent of [tar, gzipSync(tar), zstdCompressSync(tar)]) assert.ok((await measure(sent, tar)) >= 3 * MIB)
  })

  it('entry 6: is broken off when it takes more than there is room for', async () => {
    const tar = await archive(64 * MIB)
    for (const sent of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
      await assert.rejects(measure(sent, tar, 16 * MIB), failing('no-space'))
    }
  })

  it('entry 6: is a bomb where it unpacks to hundreds of times itself, in one file, in headers or behind the end', async () => {
    const zeros = Buffer.alloc(320 * MIB)
    const file = (await archive(0)).subarray(0, 512)
    const bombs = [Buffer.concat([Buffer.alloc(1_024), zeros]), zeros]
    for (const bomb of bombs) await assert.rejects(measure(zstdCompressSync(bomb), bomb), failing('image-bomb'))
    await assert.rejects(measure(gzipSync(zeros), zeros), failing('image-bomb'))
    const files = Buffer.alloc(320 * MIB)
    for (let at = 0; at < files.length; at += 512) file.copy(files, at)
    await assert.rejects(measure(zstdCompressSync(files), files), failing('image-bomb'))
  })

  it('is what the configuration says, or nothing', async () => {
    const tar = await archive(10)
    await assert.rejects(measure(gzipSync(tar), await archive(11)), failing('invalid-image'))
  })

  const cases: [what: string, make: (tar: Buffer) => Buffer][] = [
    ['cut off', (tar) => gzipSync(tar).subarray(0, -9)],
    ['damaged', (tar) => Buffer.concat([gzipSync(tar).subarray(0, 40), Buffer.alloc(60)])],
    ['followed by something else', (tar) => Buffer.concat([gzipSync(tar), Buffer.from('more')])],
    ['followed by zeros', (tar) => Buffer.concat([gzipSync(tar), Buffer.alloc(512)])],
    ['in two frames of zstd', (tar) => Buffer.concat([zstdCompressSync(tar), zstdCompressSync(tar)])],
    ['bzip2', () => Buffer.from('BZh91AY&SY0123456789')],
    ['xz', () => Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4, 1, 2, 3])],
    ['a frame that zstd skips', () => Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4])],
    ['empty', () => Buffer.alloc(0)],
    ['shorter than any', () => Buffer.from('abc')],
  ]
  for (const [what, make] of cases) {
    it(`is refused where it is ${what}`, async () => {
      const tar = await archive(100)
      await assert.rejects(measure(make(tar), tar), failing('invalid-image'))
    })
  }
})
