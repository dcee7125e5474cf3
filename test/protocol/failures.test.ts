import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exitFailure, FAILURE_CODES, type FailureCode, failure, isFailureCode } from '../../protocol/failures.ts'

describe('failures', () => {
  it('keep their codes: they cross the wire', () => {
    assert.deepEqual(FAILURE_CODES, [
      'IMAGE_PULL_ERROR',
      'RESOURCE_LIMIT_EXCEEDED',
      'NETWORK_ERROR',
      'NON_ZERO_EXIT',
      'DURATION_EXCEEDED',
      'NO_PROVIDER',
      'INTERNAL',
    ])
  })

  for (const code of FAILURE_CODES) {
    it(`${code} tells what happened and what to do, a sentence each`, () => {
      const { message, remedy, details } = failure(code)
      assert.match(message, /^[A-Z].+\.$/)
      assert.match(remedy, /^[A-Z].+\.$/)
      assert.deepEqual(details, {})
    })
  }

  /** The troubleshooting table that users know: each row's solutions are in the remedy. */
  const table: [row: string, code: FailureCode, solutions: RegExp[]][] = [
    ['Image Pull Error', 'IMAGE_PULL_ERROR', [/check the image name/i, /registryCredentials/]],
    ['Resource Limit Exceeded', 'RESOURCE_LIMIT_EXCEEDED', [/reduce the resource requirements/i]],
    ['Network Error', 'NETWORK_ERROR', [/try a different provider/i]],
    ['Exit Code 1', 'NON_ZERO_EXIT', [/check the application logs for details/i]],
  ]
  for (const [row, code, solutions] of table) {
    it(`answers the row "${row}" of the user guide`, () => {
      for (const solution of solutions) assert.match(failure(code).remedy, solution)
    })
  }

  it('call an exit code as the user guide does', () => {
    assert.deepEqual(exitFailure(3), {
      code: 'NON_ZERO_EXIT',
      message: 'Exit Code 3',
      remedy: failure('NON_ZERO_EXIT').remedy,
      details: { exitCode: 3 },
    })
  })

  it('tell the three kinds of resource limit apart', () => {
    const remedies = ['out-of-memory', 'storage-limit', 'more-than-any-provider'].map(
      (reason) => failure('RESOURCE_LIMIT_EXCEEDED', undefined, { reason }).remedy,
    )
    assert.equal(new Set(remedies).size, 3)
  })

  it('keep the message and the details that they are given', () => {
    const found = failure('NETWORK_ERROR', 'The provider was silent for 30 s.', { provider: 'p', reason: 'lost' })
    assert.equal(found.message, 'The provider was silent for 30 s.')
    assert.deepEqual(found.details, { provider: 'p', reason: 'lost' })
    assert.equal(found.remedy, failure('NETWORK_ERROR').remedy)
  })

  it('have a text as remedy whatever reason a peer gives', () => {
    for (const reason of ['constructor', '__proto__', 'toString', '', 'x'.repeat(1_000_000), 7, true]) {
      assert.equal(
        failure('INTERNAL', undefined, { reason }).remedy,
        failure('INTERNAL').remedy,
        String(reason).slice(0, 20),
      )
    }
  })

  it('know their codes from others', () => {
    for (const code of FAILURE_CODES) assert.ok(isFailureCode(code), code)
    for (const code of ['', 'constructor', 'internal', 'INTERNAL ', '__proto__']) assert.ok(!isFailureCode(code), code)
  })
})
