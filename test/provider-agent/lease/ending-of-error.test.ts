import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failureKinds, kindOfFailure } from '../../../protocol/failures.ts'
import { EngineError, type EngineErrorCode } from '../../../provider-agent/engine/index.ts'
import { endingOfError } from '../../../provider-agent/lease/ending.ts'

const NAME = 'cortex-job_1-1'
const SECRET = 'the words of some service inside'

describe('what an engine’s error says in a job', () => {
  const codes: EngineErrorCode[] = [
    'IMAGE_PULL_ERROR',
    'RESOURCE_LIMIT_EXCEEDED',
    'INVALID_COMMAND',
    'ENGINE_UNAVAILABLE',
    'ENGINE_ERROR',
  ]
  const reasons = [
    ...new Set([...failureKinds().map(({ reason }) => reason ?? ''), 'busy', 'name-taken', 'of-tomorrow']),
  ]
  for (const code of codes) {
    it(`entry 27: ${code} tells neither the engine’s words nor its names, whatever the reason`, () => {
      for (const reason of reasons) {
        const message = `starting ${NAME}: ${SECRET}`
        const ending = endingOfError(new EngineError(code, message, reason === '' ? {} : { reason }))
        const text = JSON.stringify(ending)
        assert.ok(!text.includes(NAME) && !text.includes(SECRET), text)
        assert.match(ending.message, /^[A-Z].+[^.]\.$/)
        assert.notEqual(ending.failureCode, '')
      }
    })
  }

  it('entry 27: keeps the reason that the command has, and its own remedy', () => {
    const cases = [
      ['command-not-found', 127],
      ['bad-interpreter', 127],
      ['no-command', 127],
      ['not-executable', 126],
      ['is-a-folder', 126],
      ['wrong-architecture', 126],
    ] as const
    for (const [reason, exitCode] of cases) {
      const {
        failureCode,
        exitCode: code,
        details,
      } = endingOfError(new EngineError('INVALID_COMMAND', 'x', { reason }))
      assert.deepEqual([failureCode, code, details.reason], ['NON_ZERO_EXIT', exitCode, reason])
      assert.equal(kindOfFailure({ code: 'NON_ZERO_EXIT', details }).reason, reason)
    }
  })

  it('names an engine’s error as that, and its own reason beside it', () => {
    const { details } = endingOfError(new EngineError('ENGINE_ERROR', 'x', { reason: 'busy', status: 500 }))
    assert.deepEqual(details, { reason: 'engine-error', engineReason: 'busy', status: '500' })
  })
})
