import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { writeBehind } from '../../node/write-behind.ts'

describe('pieces that are written while the next ones come', () => {
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-write-behind-'))
  })
  after(async () => await rm(folder, { recursive: true }))

  for (const sizes of [[], [1], [100_000, 200_000, 300_000], Array.from({ length: 300 }, (_, i) => i * 37)]) {
    it(`stand in the file in their order: ${sizes.length} of them`, async () => {
      const pieces = sizes.map((size) => randomBytes(size))
      const path = join(folder, String(sizes.length))
      await using file = await open(path, 'a')
      const behind = writeBehind(file)
      for (const piece of pieces) await behind.add(piece)
      await behind.flush()
      assert.ok((await readFile(path)).equals(Buffer.concat(pieces)))
    })
  }

  it('hold no more than twice a batch where the disk is behind', async () => {
    const disk: PromiseWithResolvers<void>[] = []
    const behind = writeBehind({
      appendFile: async () => {
        const written = Promise.withResolvers<void>()
        disk.push(written)
        await written.promise
      },
    })
    const piece = new Uint8Array(64 * 1024)
    for (let i = 0; i < 7; i += 1) await behind.add(piece)
    let isAdded = false
    const eighth = behind.add(piece).then(() => {
      isAdded = true
    })
    await new Promise(setImmediate)
    assert.deepEqual([disk.length, isAdded], [1, false])
    disk[0]?.resolve()
    await eighth
    assert.equal(disk.length, 2)
    disk[1]?.resolve()
    await behind.flush()
  })

  it('what the disk says is told to whoever adds next', async () => {
    const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
    const behind = writeBehind({ appendFile: async () => await Promise.reject(full) })
    const piece = new Uint8Array(256 * 1024)
    await behind.add(piece)
    await assert.rejects(behind.add(piece), { code: 'ENOSPC' })
  })
})
