import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { extract, type Header, pack } from 'tar-stream'
import { DataError } from '../../../provider-agent/inputs/data-error.ts'
import { fileTar, folderTar } from '../../../provider-agent/inputs/input-tar.ts'

type Entry = Partial<Header> & { name: string; content?: string }

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cortex-input-tar-'))
})
after(async () => await rm(folder, { recursive: true }))

async function tarOf(entries: Entry[]): Promise<Buffer> {
  const tar = pack()
  for (const { content = '', ...header } of entries) tar.entry(header as Header, content)
  tar.finalize()
  return await buffer(tar)
}

async function passed(bytes: Buffer): Promise<Header[]> {
  const path = join(folder, 'given.tar')
  await writeFile(path, bytes)
  const unpack = extract()
  const headers: Header[] = []
  unpack.on('entry', (header, stream, next) => {
    headers.push(header)
    stream.on('end', next).resume()
  })
  const all = await buffer(folderTar(path, '/in').tar)
  await new Promise<void>((done, failed) => unpack.on('finish', done).on('error', failed).end(all))
  return headers
}

describe('what of a folder is passed on', () => {
  it('is as it was: owners, modes and links that mean something in the container', async () => {
    const headers = await passed(
      await tarOf([
        { name: './', type: 'directory', mode: 0o711, uid: 5, gid: 6 },
        { name: 'a/b', mode: 0o4711, content: 'x' },
        { name: 'none', mode: 0o100000 },
        { name: 'to', type: 'symlink', linkname: '/usr/bin/python3' },
        { name: 'same', type: 'link', linkname: 'a/b' },
        { name: 'a/b..c', content: 'y' },
      ]),
    )
    assert.deepEqual(
      headers.map(({ name, mode, uid, gid, type, linkname }) => [name, mode, uid, gid, type, linkname]),
      [
        ['.cortex-input/', 0o711, 5, 6, 'directory', null],
        ['.cortex-input/a/b', 0o4711, 0, 0, 'file', null],
        ['.cortex-input/none', 0, 0, 0, 'file', null],
        ['.cortex-input/to', 0o644, 0, 0, 'symlink', '/usr/bin/python3'],
        ['.cortex-input/same', 0o644, 0, 0, 'link', '.cortex-input/a/b'],
        ['.cortex-input/a/b..c', 0o644, 0, 0, 'file', null],
      ],
    )
  })

  const unsafe: Record<string, Entry[]> = {
    'a name that climbs': [{ name: '../x' }],
    'a name that climbs after a step': [{ name: 'a/../../x' }],
    'an absolute name': [{ name: '/etc/passwd' }],
    'a file that is the folder': [{ name: '.' }],
    'an entry behind a link': [{ name: 'a', type: 'symlink', linkname: '/etc' }, { name: 'a/passwd' }],
    'a folder where a link is': [
      { name: 'a', type: 'symlink', linkname: '/etc' },
      { name: 'a/', type: 'directory' },
    ],
    'a hard link that leads out': [{ name: 'a', type: 'link', linkname: '../../etc/shadow' }],
    'a hard link to an absolute name': [{ name: 'a', type: 'link', linkname: '/etc/shadow' }],
    'a hard link to what is not there': [{ name: 'a', type: 'link', linkname: 'b' }],
    'a hard link to a link': [
      { name: 'b', type: 'symlink', linkname: '/etc/shadow' },
      { name: 'a', type: 'link', linkname: 'b' },
    ],
    'a name that no system holds': [{ name: 'n'.repeat(5_000) }],
    'a link to a name that none holds': [{ name: 'a', type: 'symlink', linkname: 'n'.repeat(5_000) }],
    'a device': [{ name: 'a', type: 'character-device', devmajor: 1, devminor: 3 }],
    'a block device': [{ name: 'a', type: 'block-device', devmajor: 8, devminor: 0 }],
    'a pipe': [{ name: 'a', type: 'fifo' }],
    'a sparse file': [{ name: 'a', pax: { 'GNU.sparse.major': '1' } }],
  }
  for (const [name, entries] of Object.entries(unsafe)) {
    it(`ends at ${name}`, async () => {
      const bytes = await tarOf([{ name: 'fine', content: 'x' }, ...entries])
      await assert.rejects(passed(bytes), (error) => {
        return error instanceof DataError && error.details.reason === 'unsafe-archive' && error.message.includes('/in')
      })
    })
  }

  it('ends where it is no tar, or is cut off', async () => {
    const whole = await tarOf([{ name: 'a', content: 'x'.repeat(5_000) }])
    for (const bytes of [Buffer.alloc(4_096, 'x'), whole.subarray(0, 2_000)]) {
      await assert.rejects(passed(bytes), (error) => error instanceof DataError)
    }
  })

  it('tells what it takes of the disk, a block for each entry', async () => {
    const path = join(folder, 'sized.tar')
    await writeFile(path, await tarOf([{ name: 'a', content: 'x'.repeat(100) }, { name: 'b' }]))
    const { tar, size } = folderTar(path, '/in')
    await buffer(tar)
    assert.equal(size(), 100 + 2 * 4_096)
    await writeFile(path, 'text')
    const file = fileTar(path, 4)
    await buffer(file.tar)
    assert.equal(file.size(), 4 + 4_096)
  })
})
