import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Header } from 'tar'
import { RegistryFailure } from '../../../node/registry/failure.ts'
import { createTarMeter } from '../../../provider-agent/images/tar-meter.ts'

const BLOCK = 512
const END = Buffer.alloc(2 * BLOCK)

interface Entry {
  path?: string
  type?: string
  size?: number
  /** @default zeros of the size, padded */
  content?: Buffer
}

/** One entry as it is written, whatever it says. */
function entry({ path = 'a', type = '0', size = 0, content = Buffer.alloc(size) }: Entry): Buffer {
  const header = new Header({ path, size, type: 'File', mode: 0o644, mtime: new Date(0) })
  header.encode()
  const block = Buffer.from(header.block ?? [])
  block.write(type, 156, 'latin1')
  return Buffer.concat([summed(block), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)])
}

/** A header with its sum set right again. */
function summed(block: Buffer): Buffer {
  block.fill(' ', 148, 156)
  const sum = block.subarray(0, BLOCK).reduce((all, byte) => all + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function records(...pairs: [string, string][]): Buffer {
  return Buffer.concat(
    pairs.map(([name, value]) => {
      const rest = ` ${name}=${value}\n`
      const bytes = Buffer.byteLength(rest)
      let length = bytes + 1
      while (String(length).length + bytes !== length) length += 1
      return Buffer.from(`${length}${rest}`)
    }),
  )
}

function pax(type: 'x' | 'g', ...pairs: [string, string][]): Buffer {
  const content = records(...pairs)
  return entry({ type, size: content.length, content })
}

/** What an archive takes, written in pieces of a size. */
function taken(archive: Buffer, piece = archive.length): number {
  const meter = createTarMeter()
  for (let at = 0; at < archive.length; at += piece) meter.write(archive.subarray(at, at + piece))
  meter.end()
  return meter.bytes()
}

describe('what a layer takes unpacked', () => {
  const MIB = 2 ** 20
  const good: [what: string, archive: Buffer, bytes: number][] = [
    ['nothing', END, 1_024],
    ['no end at all', Buffer.alloc(0), 0],
    ['a file of one byte takes a block of the disk', entry({ size: 1 }), 4_608],
    ['a file, and one after it', Buffer.concat([entry({ size: 5_000 }), entry({ size: 1 }), END]), 8_704 + 4_608],
    ['a folder', entry({ type: '5', path: 'd/' }), 512],
    ['a link', entry({ type: '2' }), 512],
    ['a file of before there were types', entry({ type: '\0', size: 3 }), 4_608],
    ['a long name of GNU', Buffer.concat([entry({ type: 'L', size: 600 }), entry({ size: 1 })]), 4_608],
    ['records that say nothing of sizes', Buffer.concat([pax('x', ['path', 'ü']), entry({ size: 1 })]), 4_608],
    ['records of all that follows', Buffer.concat([pax('g', ['comment', 'x']), entry({ size: 1 })]), 4_608],
    ['a size in records', Buffer.concat([pax('x', ['size', '5000']), entry({ content: Buffer.alloc(5_000) })]), 8_704],
    ['what is behind the end, for it is unpacked, too', Buffer.concat([END, Buffer.alloc(MIB)]), MIB + 1_024],
  ]
  for (const [what, archive, bytes] of good) {
    it(`entry 6: ${what}`, () => {
      const expected = Math.max(bytes, archive.length)
      for (const piece of [archive.length || 1, 1, 511, 513]) assert.equal(taken(archive, piece), expected, `${piece}`)
    })
  }

  const sparse = entry({ type: 'S', size: 512 })
  const broken = entry({ size: 1 })
  broken[0] = 0x62
  const bad: [what: string, archive: Buffer, reason?: string][] = [
    ['a sparse file of GNU', sparse],
    ['a sparse file in records', Buffer.concat([pax('x', ['GNU.sparse.realsize', String(2 ** 40)]), entry({})])],
    ['a sparse file in records, major and minor', Buffer.concat([pax('x', ['GNU.sparse.major', '1']), entry({})])],
    ['a damaged header', broken],
    ['a folder with content', entry({ type: '5', size: 512 })],
    ['a folder with content by records', Buffer.concat([pax('x', ['size', '512']), entry({ type: '5' })])],
    ['a folder by its name alone', entry({ type: '\0', path: 'd/', size: 512 })],
    [
      'what may be a folder by a long name',
      Buffer.concat([entry({ type: 'L', size: 2 }), entry({ type: '\0', size: 1 })]),
    ],
    ['records that come too late', Buffer.concat([pax('x', ['size', '1']), pax('g', ['a', 'b']), entry({ size: 1 })])],
    ['records without end', entry({ type: 'x', size: 2 * MIB })],
    ['a size that is no number', Buffer.concat([pax('x', ['size', '-1']), entry({})])],
    ['a record of another length', entry({ type: 'x', size: 9, content: Buffer.from('99 a=bc\n\n') })],
    ['a volume’s header', entry({ type: 'V' })],
    ['a file that is cut off', entry({ size: 10_000 }).subarray(0, 5_000)],
    ['a header that is cut off', entry({ size: 1 }).subarray(0, 100)],
    ['more files than a disk has room for', Buffer.concat(Array(100).fill(entry({})) as Buffer[]), 'image-bomb'],
  ]
  for (const [what, archive, reason = 'invalid-image'] of bad) {
    it(`entry 6: refuses ${what}`, () => {
      const run = (): void => {
        const meter = createTarMeter()
        // The last has a hundred entries, and is written again and again.
        const times = reason === 'image-bomb' ? 10_001 : 1
        for (let i = 0; i < times; i += 1) meter.write(archive)
        meter.end()
      }
      assert.throws(run, (error) => error instanceof RegistryFailure && error.reason === reason)
    })
  }

  it('entry 6: says of a file what it takes before it has come', () => {
    const meter = createTarMeter()
    meter.write(entry({ size: 512 * MIB, content: Buffer.alloc(0) }))
    assert.ok(meter.bytes() >= 512 * MIB)
  })
})
