import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createSecretBox, loadMasterKey } from '../../../node/store/secret-box.ts'

describe('the master key', () => {
  it('is made once, for its owner alone, also where others were let at it', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-key-'))
    t.after(async () => await rm(folder, { recursive: true, force: true }))
    const path = join(folder, 'master.key')
    const mode = async (): Promise<number> => (await stat(path)).mode & 0o777
    const key = await loadMasterKey(folder)
    assert.match(key, /^[0-9a-f]{64}$/)
    assert.equal(await mode(), 0o600)
    await chmod(path, 0o644)
    assert.equal(await loadMasterKey(folder), key)
    assert.equal(await mode(), 0o600)
  })
})

describe('sealed text', () => {
  it('opens with its key, under its id, unchanged, and not otherwise', () => {
    const box = createSecretBox('a key')
    const sealed = box.seal('job_1', 'secret')
    assert.equal(box.open('job_1', sealed), 'secret')
    assert.notEqual(box.seal('job_1', 'secret'), sealed, 'never the same twice')
    assert.ok(!Buffer.from(sealed, 'base64').includes('secret'))
    const changed = Buffer.from(sealed, 'base64')
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    assert.throws(() => box.open('job_2', sealed))
    assert.throws(() => createSecretBox('another').open('job_1', sealed))
    assert.throws(() => box.open('job_1', changed.toString('base64')))
  })
})
