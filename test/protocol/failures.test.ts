import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import {
  exitFailure,
  FAILURE_CODES,
  type FailureCode,
  type FailureDetails,
  failure,
  failureKinds,
  failureSentences,
  isFailureCode,
  kindOfFailure,
  owesTimeOnly,
} from '../../protocol/failures.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { remedyOf } from '../../protocol/remedies.ts'
import { FAILURES_PAGE, failuresPage } from '../../scripts/failures-page.ts'

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
      'DATA_ERROR',
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

  /** `reason`, what the job asks for beside an image, and what to change of it. */
  const changes: [code: FailureCode, details: FailureDetails, asked: object, changed: object | null][] = [
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'out-of-memory' }, { memory: '64Mi' }, { memory: '128Mi' }],
    [
      'RESOURCE_LIMIT_EXCEEDED',
      { reason: 'storage-limit', what: 'storage' },
      { storage: '1536Mi' },
      { storage: '3Gi' },
    ],
    [
      'RESOURCE_LIMIT_EXCEEDED',
      { reason: 'storage-limit', what: 'volume', volume: 'v' },
      { volumes: [{ name: 'v', mountPath: '/v', size: '1Gi' }] },
      { volumes: [{ name: 'v', mountPath: '/v', size: '2Gi' }] },
    ],
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'process-limit', limit: '512' }, {}, { pids: 1024 }],
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'process-limit' }, {}, { pids: 1024 }],
    ...['3', '1e9', '-1', '1.5', 'constructor'].map((limit): [FailureCode, FailureDetails, object, object] => [
      'RESOURCE_LIMIT_EXCEEDED',
      { reason: 'process-limit', limit },
      {},
      { pids: 1024 },
    ]),
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'process-limit', limit: '4096' }, {}, null],
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'file-limit', limit: '9' }, {}, { ulimits: { nofile: 32_768 } }],
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'out-of-memory' }, { memory: '40Ti' }, null],
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'storage-limit', what: 'storage' }, { storage: '40Ti' }, null],
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'file-limit' }, { ulimits: { nofile: 100 } }, { ulimits: { nofile: 200 } }],
    [
      'RESOURCE_LIMIT_EXCEEDED',
      { reason: 'shared-memory-limit' },
      { memory: '64Mi' },
      { shmSize: '64Mi', memory: '128Mi' },
    ],
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'network-limit' }, { maxNetwork: '1Gi' }, { maxNetwork: '2Gi' }],
    ['RESOURCE_LIMIT_EXCEEDED', { reason: 'no-space' }, {}, null],
    ['NON_ZERO_EXIT', { exitCode: 135, reason: 'bus-error' }, { shmSize: '1Mi' }, { shmSize: '2Mi', memory: '1Gi' }],
    ['NON_ZERO_EXIT', { exitCode: 3 }, {}, null],
    ['DURATION_EXCEEDED', {}, { duration: 20 * 24 * 3600 }, { duration: 30 * 24 * 3600 }],
    ['DURATION_EXCEEDED', {}, { duration: 30 * 24 * 3600 }, null],
    ['DURATION_EXCEEDED', {}, { duration: 60, maxDuration: 90 }, { duration: 120, maxDuration: 120 }],
    ['DURATION_EXCEEDED', {}, { duration: 60, maxDuration: 200 }, { duration: 120 }],
    ['DURATION_EXCEEDED', {}, { duration: 60, maxDuration: 90, autoExtend: true }, { maxDuration: 180 }],
    ['NETWORK_ERROR', { reason: 'disconnected' }, {}, { leaseTimeout: 120 }],
  ]
  for (const [code, details, asked, changed] of changes) {
    it(`say what to change of a job: ${code} ${JSON.stringify(details)} ${JSON.stringify(asked)}`, () => {
      const job = jobSubmissionSchema.parse({ image: 'busybox', ...asked })
      const found = remedyOf({ code, details }, job)
      assert.deepEqual(found?.changes ?? null, changed)
      assert.doesNotThrow(() => jobSubmissionSchema.parse({ ...job, ...found?.changes }))
      if (found !== null) assert.match(found.text, /^Raise /)
    })
  }

  it('call an exit code as the user guide does', () => {
    const bus = exitFailure(135)
    assert.deepEqual([bus.message, bus.details], ['Exit Code 135', { exitCode: 135, reason: 'bus-error' }], 'entry 28')
    assert.match(bus.remedy, /raise shmSize/)
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

describe('the table of failures', () => {
  it('is what docs/failures.md says: `npm run gen` writes it', async () => {
    assert.equal(await readFile(FAILURES_PAGE, 'utf8'), failuresPage())
  })

  for (const { code, reason, cause, remedy } of failureKinds()) {
    it(`${code} ${reason ?? ''} says what happened and what to do, a sentence each`, () => {
      assert.match(cause, /^[A-Z][^\n]+[^.]\.$/)
      assert.match(remedy, /^[A-Z][^\n]+[^.]\.$/)
      if (reason !== null) assert.match(reason, /^[a-z]+(-[a-z]+)*$/)
    })
  }

  it('has a row for each code, and the same one for reasons that it does not know', () => {
    for (const code of FAILURE_CODES) {
      for (const reason of ['', 'constructor', '__proto__', 'default', 7, 'x'.repeat(1_000_000)]) {
        assert.equal(kindOfFailure({ code, details: { reason } }).reason, null, String(reason).slice(0, 20))
      }
    }
  })

  /** Right values, by row: fault, tried elsewhere, billed, counts against the provider. */
  const rows: [code: FailureCode, reason: string, fault: string, elsewhere: boolean, billed: string, counts: string][] =
    [
      ['NON_ZERO_EXIT', '', 'job', false, 'with-minimum', 'not'],
      ['NON_ZERO_EXIT', 'command-not-found', 'user', false, 'with-minimum', 'not'],
      ['RESOURCE_LIMIT_EXCEEDED', 'out-of-memory', 'job', false, 'with-minimum', 'not'],
      ['RESOURCE_LIMIT_EXCEEDED', 'no-space', 'place', true, 'time-only', 'for-owner'],
      ['DURATION_EXCEEDED', '', 'job', false, 'with-minimum', 'not'],
      ['IMAGE_PULL_ERROR', 'tag-not-found', 'user', false, 'with-minimum', 'not'],
      ['IMAGE_PULL_ERROR', 'unauthorized', 'user', false, 'with-minimum', 'not'],
      ['IMAGE_PULL_ERROR', 'never-present', 'user', true, 'with-minimum', 'not'],
      ['IMAGE_PULL_ERROR', 'rate-limited', 'place', true, 'time-only', 'for-owner'],
      ['IMAGE_PULL_ERROR', 'registry-unreachable', 'place', true, 'time-only', 'for-owner'],
      ['INTERNAL', 'stopped-by-provider', 'provider', true, 'time-only', 'for-everybody'],
      ['INTERNAL', 'stopped-by-owner', 'provider', true, 'time-only', 'for-everybody'],
      ['INTERNAL', 'engine-stopped', 'provider', true, 'time-only', 'for-everybody'],
      ['INTERNAL', 'engine-error', 'place', true, 'time-only', 'for-owner'],
      ['INTERNAL', '', 'ours', true, 'time-only', 'for-owner'],
      ['NETWORK_ERROR', 'provider-silent', 'provider', true, 'time-only', 'for-everybody'],
      ['NETWORK_ERROR', 'disconnected', 'place', true, 'with-minimum', 'for-owner'],
    ]
  for (const [code, reason, ...expected] of rows) {
    it(`${code} ${reason}: ${expected.join(', ')}`, () => {
      const { fault, elsewhere, billed, counts } = kindOfFailure({ code, details: { reason } })
      assert.deepEqual([fault, elsewhere, billed, counts], expected)
      assert.equal(owesTimeOnly(code, { reason }), billed === 'time-only')
    })
  }

  it('lets a job return to where it failed, but for machines whose owner put it out', () => {
    const never = failureKinds().filter(({ mayReturn }) => !mayReturn)
    assert.deepEqual(
      never.map(({ code, reason }) => [code, reason]),
      [['INTERNAL', 'stopped-by-owner']],
    )
  })

  it('owes what was agreed on for a code of a newer version', () => {
    assert.equal(owesTimeOnly('OF_TOMORROW', {}), false)
  })

  it('entry 27: ends no sentence with two stops', () => {
    const remedy = 'Do this.'
    for (const message of ['It broke', 'It broke.', 'It broke..', 'It broke. ']) {
      assert.equal(failureSentences({ message, remedy }), 'It broke. Do this.')
    }
    assert.equal(failureSentences({ message: 'It broke.', remedy }, ', 2 s'), 'It broke, 2 s. Do this.')
  })
})
