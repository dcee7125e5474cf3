import assert from 'node:assert/strict'
import { link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { folderBytes, subvolumeBytes } from '../../../../provider-agent/engine/storage/folder-size.ts'

const KiB = 1_024

describe('size of a folder', () => {
  let root: string
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cortex-size-'))
  })
  after(async () => await rm(root, { recursive: true }))

  async function folder(name: string): Promise<string> {
    const path = join(root, name)
    await mkdir(path)
    return path
  }

  it('counts what is in it and below, whatever the names', async () => {
    const path = await folder('below')
    await mkdir(join(path, 'a b'))
    await writeFile(join(path, 'a b', '9999999\n9999999\tx'), Buffer.alloc(300 * KiB, 1))
    await writeFile(join(path, '-x'), Buffer.alloc(200 * KiB, 1))
    const bytes = (await folderBytes(path)) ?? 0
    assert.ok(bytes >= 500 * KiB && bytes < 600 * KiB, String(bytes))
  })

  it('counts blocks, not lengths; a file of two names once; links for themselves', async () => {
    const path = await folder('blocks')
    await writeFile(join(path, 'sparse'), '')
    await truncate(join(path, 'sparse'), 2 ** 32)
    await writeFile(join(path, 'one'), Buffer.alloc(400 * KiB, 1))
    await link(join(path, 'one'), join(path, 'two'))
    await symlink('/usr', join(path, 'link'))
    const bytes = (await folderBytes(path)) ?? 0
    assert.ok(bytes >= 400 * KiB && bytes < 500 * KiB, String(bytes))
  })

  it('counts a file of nothing, too: a disk has so many', async () => {
    const path = await folder('many')
    for (let i = 0; i < 200; i++) await writeFile(join(path, String(i)), '')
    const bytes = (await folderBytes(path)) ?? 0
    assert.ok(bytes >= 200 * 4 * KiB, String(bytes))
  })

  it('says nothing of what is not there; of subvolumes, that there are none', async () => {
    assert.equal(await folderBytes(join(root, 'nowhere')), null)
    assert.equal(await subvolumeBytes(join(root, 'nowhere')), 0)
    const path = await folder('ordinary')
    await writeFile(join(path, 'x'), Buffer.alloc(100 * KiB, 1))
    assert.equal(await subvolumeBytes(path), 0)
  })

  it('stops when it is told to', async () => {
    const reason = new Error('enough')
    await assert.rejects(folderBytes(root, AbortSignal.abort(reason)), reason)
    await assert.rejects(subvolumeBytes(root, AbortSignal.abort(reason)), reason)
  })
})
