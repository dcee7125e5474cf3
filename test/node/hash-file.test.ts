import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { hashFile } from '../../node/hash-file.ts'

describe('the hash of a file', () => {
  it('is that of all its bytes, however many', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-hash-'))
    t.after(async () => await rm(folder, { recursive: true }))
    for (const bytes of [0, 1, 256 * 1024, 3 * 256 * 1024 + 7]) {
      const content = randomBytes(bytes)
      await writeFile(join(folder, 'file'), content)
      const hash = createHash('sha256')
      await hashFile(join(folder, 'file'), hash)
      assert.equal(hash.digest('hex'), createHash('sha256').update(content).digest('hex'), `${bytes} bytes`)
    }
    await assert.rejects(hashFile(join(folder, 'none'), createHash('sha256')), { code: 'ENOENT' })
  })
})
