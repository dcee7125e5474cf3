import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { extractTar } from '../../../node/outputs/extract.ts'

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

  async function unpack(entries: Entry[]): Promise<string> {
    const target = await newTarget()
    await extractTar(Readable.from([await tarOf(entries)]), target)
    return target
  }

  it('writes files, folders and links within, without special bits', async () => {
    const target = await unpack([
      { name: 'out', type: 'directory', mode: 0o555 },
      { name: 'out/program', mode: 0o6755, uid: 12_345, gid: 12_345, text: 'text' },
      { name: 'out/link', type: 'symlink', linkname: 'program' },
      { name: 'out/deep/up', type: 'symlink', linkname: '../program' },
      { name: 'out/same', type: 'link', linkname: 'out/program' },
    ])
    for (const name of ['program', 'link', 'deep/up', 'same']) {
      assert.equal(await readFile(join(target, 'out', name), 'utf8'), 'text', name)
    }
    const { mode, uid } = await stat(join(target, 'out/program'))
    assert.deepEqual([mode & 0o7777, uid], [0o755, process.getuid?.()])
  })

  const tricks: [string, Entry[]][] = [
    ['a path that climbs', [{ name: '../escaped', text: 'x' }]],
    ['a path that climbs in the middle', [{ name: 'a/../../escaped', text: 'x' }]],
    ['an absolute path', [{ name: '/tmp/cortex-escaped', text: 'x' }]],
    ['a backslash', [{ name: '..\\escaped', text: 'x' }]],
    ['a link to elsewhere', [{ name: 'a', type: 'symlink', linkname: '/etc/passwd' }]],
    ['a link that climbs', [{ name: 'a/b', type: 'symlink', linkname: '../../escaped' }]],
    ['a link that climbs by way of another', [{ name: 'a', type: 'symlink', linkname: 'b/../../escaped' }]],
    ['a hard link to elsewhere', [{ name: 'a', type: 'link', linkname: '../escaped' }]],
    ['a device', [{ name: 'a', type: 'character-device', devmajor: 1, devminor: 3 }]],
    ['a pipe', [{ name: 'a', type: 'fifo' }]],
  ]
  for (const [what, entries] of tricks) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(unpack(entries), (error: { code: string }) => {
        assert.match(error.code, /^(UNSAFE_ARCHIVE|TAR_)/)
        return true
      })
      assert.deepEqual(await readdir(join(folder, String(count))), ['target'])
    })
  }

  it('writes nothing through a link that the archive made itself', async () => {
    const entries: Entry[] = [
      { name: 'inside', type: 'directory' },
      { name: 'door', type: 'symlink', linkname: 'inside' },
      { name: 'door/file', text: 'x' },
    ]
    await unpack(entries).catch((error: { code: string }) => assert.match(error.code, /TAR_|CYMLINK/))
    assert.deepEqual(await readdir(join(folder, String(count), 'target', 'inside')), [])
  })

  it('writes nothing through a link that was there before', async () => {
    const target = await newTarget()
    const outside = join(folder, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'file'), 'theirs')
    await symlink(outside, join(target, 'door'))
    await symlink(join(outside, 'file'), join(target, 'same'))
    const through = await tarOf([{ name: 'door/new', text: 'x' }])
    await extractTar(Readable.from([through]), target).catch((error: { code: string }) => {
      assert.match(error.code, /TAR_|CYMLINK/)
    })
    await extractTar(Readable.from([await tarOf([{ name: 'same', text: 'mine' }])]), target)
    assert.deepEqual(await readdir(outside), ['file'])
    assert.equal(await readFile(join(outside, 'file'), 'utf8'), 'theirs')
    assert.equal(await readFile(join(target, 'same'), 'utf8'), 'mine')
  })

  for (const [name, compress] of Object.entries({ gzipSync, brotliCompressSync, zstdCompressSync })) {
    it(`unpacks nothing that is compressed, in pieces of any size (${name})`, async () => {
      const target = await newTarget()
      const bomb = compress(await tarOf([{ name: 'bomb', text: 'x'.repeat(1_000_000) }]))
      for (const pieces of [[bomb], [bomb.subarray(0, 1), bomb.subarray(1)]]) {
        await assert.rejects(extractTar(Readable.from(pieces), target), (error: { code: string }) => {
          assert.match(error.code, /^(UNSAFE_ARCHIVE|TAR_)/)
          return true
        })
      }
      assert.deepEqual(await readdir(target), [])
    })
  }

  it('refuses what ends before it should', async () => {
    const target = await newTarget()
    const tar = await tarOf([{ name: 'file', text: 'x'.repeat(10_000) }])
    await assert.rejects(extractTar(Readable.from([tar.subarray(0, 5_000)]), target), { code: 'TAR_BAD_ARCHIVE' })
  })
})
