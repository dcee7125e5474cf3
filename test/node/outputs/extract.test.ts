import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { extractTar } from '../../../node/outputs/extract.ts'
import { siftTar } from '../../../node/outputs/sift.ts'
import { entriesOf } from '../../../node/tar-entries.ts'
import { tarMode } from '../../../node/tar-of.ts'
import type { LeftOut } from '../../../protocol/left-out.ts'

type Entry = Partial<Header> & { name: string; text?: string }

describe('unpacking what a stranger packed', () => {
  let folder: string
  let count = 0
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-extract-'))
  })
  after(async () => {
    await rm(folder, { recursive: true })
  })

  async function newTarget(): Promise<string> {
    count += 1
    const target = join(folder, String(count), 'target')
    await mkdir(target, { recursive: true })
    return target
  }

  async function tarOf(entries: Entry[]): Promise<Buffer> {
    const tar = pack()
    for (const { text, ...header } of entries) tar.entry(header, text ?? '')
    tar.finalize()
    return await buffer(tar)
  }

  async function unpack(entries: Entry[]): Promise<{ target: string; leftOut: LeftOut[] }> {
    const target = await newTarget()
    const { leftOut } = await extractTar(Readable.from([await tarOf(entries)]), target, ['out'])
    return { target, leftOut }
  }

  it('writes files, folders and links within, without special bits', async () => {
    const { target } = await unpack([
      { name: 'out', type: 'directory', mode: 0o555 },
      { name: 'out/program', mode: 0o6755, uid: 12_345, gid: 12_345, text: 'text' },
      { name: 'out/fixed', mode: 0o444, text: 'text' },
      { name: 'out/hidden', mode: tarMode(0), text: 'text' },
      { name: 'out/link', type: 'symlink', linkname: 'program' },
      { name: 'out/deep/up', type: 'symlink', linkname: '../program' },
      { name: 'out/same', type: 'link', linkname: 'out/program' },
    ])
    for (const name of ['program', 'fixed', 'hidden', 'link', 'deep/up', 'same']) {
      assert.equal(await readFile(join(target, 'out', name), 'utf8'), 'text', name)
    }
    const { mode, uid } = await stat(join(target, 'out/program'))
    assert.deepEqual([mode & 0o7777, uid], [0o755, process.getuid?.()])
    // As it was, but that its owner can look at it.
    for (const [name, kept] of [['fixed', 0o444] as const, ['hidden', 0o400] as const]) {
      assert.equal((await stat(join(target, 'out', name))).mode & 0o7777, kept, name)
    }
  })

  /** One odd entry each; entries after it that depend on it are odd as well. */
  const tricks: [what: string, entries: Entry[], reason: RegExp][] = [
    ['a path that climbs', [{ name: '../escaped', text: 'x' }], /leads out/],
    ['a path that climbs in the middle', [{ name: 'out/../../escaped', text: 'x' }], /leads out/],
    ['an absolute path', [{ name: '/tmp/cortex-escaped', text: 'x' }], /leads out/],
    ['a backslash', [{ name: 'out/..\\..\\escaped', text: 'x' }], /backslash/],
    ['an absolute link', [{ name: 'out/a', type: 'symlink', linkname: '/etc/passwd' }], /links out/],
    ['a link that climbs', [{ name: 'out/b', type: 'symlink', linkname: '../../escaped' }], /links out/],
    ['a link beside the output', [{ name: 'out/b', type: 'symlink', linkname: '../.ssh' }], /links out/],
    ['a link that climbs by another', [{ name: 'out/a', type: 'symlink', linkname: 'b/../../escaped' }], /links out/],
    ['a hard link to elsewhere', [{ name: 'out/a', type: 'link', linkname: '../escaped' }], /elsewhere/],
    ['a hard link to an absolute path', [{ name: 'out/a', type: 'link', linkname: '/etc/shadow' }], /elsewhere/],
    ['a device', [{ name: 'out/a', type: 'character-device', devmajor: 1, devminor: 3 }], /is a device/],
    ['a disk', [{ name: 'out/a', type: 'block-device', devmajor: 8, devminor: 0 }], /is a device/],
    ['a pipe', [{ name: 'out/a', type: 'fifo' }], /is a pipe/],
    ['a name too long for any file system', [{ name: `out/${'n'.repeat(300)}`, text: 'x' }], /could not be written/],
    [
      'a hard link to what is not there',
      [{ name: 'out/a', type: 'link', linkname: 'out/none' }],
      /could not be written/,
    ],
  ]
  for (const [what, odd, reason] of tricks) {
    it(`entry 29: leaves out ${what}, names it, and writes the rest`, async () => {
      const before = { name: 'out/before', text: 'one' }
      const { target, leftOut } = await unpack([before, ...odd, { name: 'out/after', text: 'two' }])
      assert.deepEqual((await readdir(join(target, 'out'))).sort(), ['after', 'before'])
      assert.deepEqual(await readdir(join(folder, String(count))), ['target'])
      assert.deepEqual(await readdir(target), ['out'])
      assert.deepEqual(
        leftOut.map(({ path }) => path.replace(`${target}/`, '')),
        odd.map(({ name }) => name),
      )
      assert.match(leftOut[0]?.reason ?? '', reason)
    })
  }

  const beside = ['.ssh/authorized_keys', '.bashrc', 'outer/file', 'OUT/x', 'out.txt', './.profile', 'bin/sh']
  for (const name of beside) {
    it(`entry 22: leaves out ${name} beside the output's own folder`, async () => {
      const { target, leftOut } = await unpack([
        { name, text: 'x' },
        { name: 'out/file', text: 'mine' },
      ])
      assert.deepEqual(await readdir(target), ['out'])
      assert.deepEqual(leftOut, [{ path: name, reason: 'lies beside out' }])
    })
  }

  it('entry 29: names a file that is no UTF-8, and the hard links to what was left out', async () => {
    const tar = await tarOf([
      { name: 'out/AB', text: 'x' },
      { name: 'out/pipe', type: 'fifo' },
      { name: 'out/same', type: 'link', linkname: 'out/pipe' },
      { name: 'out/file', text: 'mine' },
    ])
    // The name's two letters become bytes that no text has; the sum of the header's bytes is part of it.
    const [at] = [tar.indexOf('out/AB')]
    tar.set([0xff, 0xfe], at + 4)
    const sum = Number.parseInt(tar.subarray(148, 154).toString(), 8) + 0xff + 0xfe - 65 - 66
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const target = await newTarget()
    const { leftOut, files } = await extractTar(Readable.from([tar]), target, ['out'])
    assert.deepEqual([files, await readdir(join(target, 'out'))], [1, ['file']])
    assert.deepEqual(
      leftOut.map(({ reason }) => reason),
      ['has a name that is no UTF-8', 'is a pipe', 'is the same file as one that was left out'],
    )
  })

  it('entry 29: waits no longer than it has time for what is left out, and keeps what came before', async () => {
    const tar = await tarOf([
      { name: 'out/file', text: 'mine' },
      { name: 'out/large', text: 'x'.repeat(1_000_000) },
    ])
    const enough = new AbortController()
    // As a sparse file: it pretends to go on for ever.
    const endless = Readable.from(
      (async function* () {
        yield tar.subarray(0, 2_048)
        enough.abort()
        for (;;) yield await new Promise<Buffer>((resolve) => setImmediate(() => resolve(Buffer.alloc(100))))
      })(),
    )
    const sifted = siftTar(endless, { roots: ['out'], maxBytes: 1_000, enough: enough.signal })
    const again = siftTar(Readable.from([await buffer(sifted.tar)]), { roots: ['out'] })
    assert.equal((await buffer(again.tar)).subarray(512, 516).toString(), 'mine')
    assert.deepEqual(
      sifted.leftOut().map(({ path, reason }) => `${path} ${reason}`),
      ['out/large is larger than what may be kept (1000000 bytes)', 'out was read no further: that took too long'],
    )
  })

  it('ends at the header of a sparse file that is too large to be read past', async () => {
    const tar = pack()
    tar.entry({ name: 'out/s', size: 60 * 2 ** 30 })
    const [header] = (await once(tar, 'data')) as [Buffer]
    tar.destroy()
    const before = (await tarOf([{ name: 'out/file', text: 'mine' }])).subarray(0, 1_024)
    let zeros = 0
    const endless = Readable.from(
      (async function* () {
        yield Buffer.concat([before, header])
        for (;;) {
          zeros += 2 ** 16
          yield await new Promise<Buffer>((resolve) => setImmediate(() => resolve(Buffer.alloc(2 ** 16))))
        }
      })(),
    )
    const sifted = siftTar(endless, { roots: ['out'], maxBytes: 2 ** 20 })
    const kept = await buffer(sifted.tar)
    assert.equal(kept.subarray(512, 516).toString(), 'mine')
    assert.equal(sifted.leftOut().length, 2)
    assert.ok(zeros < 2 ** 22, `${zeros} bytes`)
  })

  it('entry 29: writes nothing where all of it is odd, as where the path itself is a link', async () => {
    const { target, leftOut } = await unpack([{ name: 'out', type: 'symlink', linkname: '/data' }])
    assert.deepEqual([await readdir(target), leftOut], [[], [{ path: 'out', reason: 'links out of the folder' }]])
  })

  it('entry 29: counts what it does not name', async () => {
    const pipes = Array.from({ length: 200 }, (_, i): Entry => ({ name: `out/${i}`, type: 'fifo' }))
    const { leftOut } = await unpack([...pipes, { name: 'out/file', text: 'x' }])
    assert.equal(leftOut.length, 64)
    assert.deepEqual(leftOut.at(-1), { path: '…', reason: 'and 137 more' })
  })

  it('leaves out what lies behind a link, where links may lead anywhere, and names that no system holds', async () => {
    const long = 'n'.repeat(5_000)
    const tar = await tarOf([
      { name: 'door', type: 'symlink', linkname: '/etc' },
      { name: 'door/deep/passwd', text: 'x' },
      { name: long, text: 'x' },
      { name: 'far', type: 'symlink', linkname: `/${long}` },
      { name: 'doorstep', text: 'mine' },
    ])
    const sifted = siftTar(Readable.from([tar]), { roots: null, mayLinkOut: true })
    const names: string[] = []
    for await (const entry of entriesOf(sifted.tar)) {
      names.push(entry.header.name)
      entry.resume()
    }
    assert.deepEqual(names, ['door', 'doorstep'])
    assert.deepEqual(sifted.leftOut(), [
      { path: 'door/deep/passwd', reason: 'lies behind a link' },
      { path: 'n'.repeat(1_024), reason: 'has a name of more than 4096 letters' },
      { path: 'far', reason: 'has a name of more than 4096 letters' },
    ])
  })

  it('writes nothing through a link that the archive made itself', async () => {
    const { target } = await unpack([
      { name: 'out/inside', type: 'directory' },
      { name: 'out/door', type: 'symlink', linkname: 'inside' },
      { name: 'out/door/file', text: 'x' },
    ])
    assert.deepEqual(await readdir(join(target, 'out/inside')), [])
  })

  it('writes nothing through a link that was there before', async () => {
    const target = await newTarget()
    const outside = join(folder, 'outside')
    await mkdir(outside)
    await mkdir(join(target, 'out'))
    await writeFile(join(outside, 'file'), 'theirs')
    await symlink(outside, join(target, 'out/door'))
    await symlink(join(outside, 'file'), join(target, 'out/same'))
    const tar = await tarOf([
      { name: 'out/door/new', text: 'x' },
      { name: 'out/same', text: 'mine' },
    ])
    await extractTar(Readable.from([tar]), target, ['out'])
    assert.deepEqual(await readdir(outside), ['file'])
    assert.equal(await readFile(join(outside, 'file'), 'utf8'), 'theirs')
    assert.equal(await readFile(join(target, 'out/same'), 'utf8'), 'mine')
  })

  for (const [name, compress] of Object.entries({ gzipSync, brotliCompressSync, zstdCompressSync })) {
    it(`unpacks nothing that is compressed, in pieces of any size (${name})`, async () => {
      const target = await newTarget()
      const bomb = compress(await tarOf([{ name: 'bomb', text: 'x'.repeat(1_000_000) }]))
      for (const pieces of [[bomb], [bomb.subarray(0, 1), bomb.subarray(1)]]) {
        await assert.rejects(extractTar(Readable.from(pieces), target, ['bomb']))
      }
      assert.deepEqual(await readdir(target), [])
    })
  }

  it('refuses what ends before it should', async () => {
    const target = await newTarget()
    const tar = await tarOf([{ name: 'file', text: 'x'.repeat(10_000) }])
    await assert.rejects(extractTar(Readable.from([tar.subarray(0, 5_000)]), target, ['file']))
  })
})
