import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { diskProblem } from '../../../node/store/disk-problem.ts'

describe('disk problem', () => {
  it('is none while there is room', async () => {
    assert.equal(await diskProblem(tmpdir(), 1), null)
  })

  it('says how little room there is', async () => {
    assert.match((await diskProblem(tmpdir(), Number.MAX_SAFE_INTEGER)) ?? '', /^has only [\d.]+(Mi|Gi) storage left/)
  })

  it('says that the folder is gone', async () => {
    assert.match((await diskProblem(join(tmpdir(), 'no', 'such'), 1)) ?? '', /cannot look at its data folder/)
  })
})
