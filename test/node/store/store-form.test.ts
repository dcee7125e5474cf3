import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDatabase } from '../../../node/store/database.ts'
import { readForm, STORE_FORM } from '../../../node/store/store-form.ts'
import { ownVersion } from '../../../node/version.ts'

describe('the form of a store', () => {
  it('is marked when it is opened, and tells which version wrote it last', async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-form-'))
    test.after(async () => await rm(folder, { recursive: true, force: true }))
    const first = await openDatabase(folder)
    const own = { form: STORE_FORM, version: await ownVersion() }
    assert.deepEqual(await readForm(first), own)
    // As a version did that had the same form.
    await first.put('form', JSON.stringify({ ...own, version: '0.0.1' }))
    await first.close()
    const second = await openDatabase(folder)
    assert.deepEqual(await readForm(second), own)
    // As one did that did not say.
    await second.del('form')
    await second.close()
    const third = await openDatabase(folder)
    assert.deepEqual(await readForm(third), own)
    await third.close()
  })

  it('that is newer is not opened, and not changed', async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-form-'))
    test.after(async () => await rm(folder, { recursive: true, force: true }))
    const newer = JSON.stringify({ form: STORE_FORM + 1, version: '9.8.7' })
    const database = await openDatabase(folder)
    await database.put('form', newer)
    await database.close()
    for (const _ of [1, 2]) {
      await assert.rejects(openDatabase(folder), ({ code, message }: { code?: string; message: string }) => {
        assert.equal(code, 'DATA_FOLDER_NEWER')
        assert.match(
          message,
          /was written by cortex 9\.8\.7, whose form 2 this version \(.+\) does not know: install cortex-node@9\.8\.7/,
        )
        return message.includes(folder)
      })
    }
  })
})
