/** Limits that refuse rather than end: a job that fails for one is told which, as far as that can be seen. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Failure } from '../../protocol/failures.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { openMarket, type TestMarket } from './support/market.ts'

/** Goes on until the limit was looked at twice, on a busy machine, too. */
const LINGER = 'sleep 20'

describe('entry 28: limits that are met', { concurrency: 4 }, () => {
  let market: TestMarket
  before(async () => {
    market = await openMarket()
    await market.addSeller()
  })
  after(async () => await market.close())

  async function failureOf(script: string, changes: Partial<JobSubmission>): Promise<Failure> {
    const { state } = await market.run(script, { maxAttempts: 1, memory: '64Mi', ...changes })
    assert.ok('failure' in state, JSON.stringify(state))
    return state.failure
  }

  const seen: [
    what: string,
    script: string,
    changes: Partial<JobSubmission>,
    reason: string,
    limit: object,
    remedy: RegExp,
  ][] = [
    [
      'no further process is started',
      `sh -c 'for i in $(seq 40); do sleep 30 & done' ; ${LINGER}; exit 1`,
      { pids: 20 },
      'process-limit',
      { what: 'pids', limit: '20' },
      /Raise pids/,
    ],
    [
      'the default number of processes',
      `sh -c 'i=0; while [ $i -lt 600 ]; do i=$((i+1)); sleep 60 & done'; ${LINGER}; exit 1`,
      { memory: '256Mi', cpu: 1000 },
      'process-limit',
      { what: 'pids', limit: '512' },
      /Raise pids/,
    ],
    [
      'shared memory is full',
      `head -c 100000000 /dev/zero >/dev/shm/x; ${LINGER}; exit 1`,
      { shmSize: '8Mi' },
      'shared-memory-limit',
      { what: 'shm', limitBytes: String(8 * 2 ** 20) },
      /Raise shmSize/,
    ],
    [
      'shared memory is full, and a bus error ends it',
      `head -c 100000000 /dev/zero >/dev/shm/x; ${LINGER}; exit 135`,
      { shmSize: '8Mi' },
      'shared-memory-limit',
      { what: 'shm', limitBytes: String(8 * 2 ** 20) },
      /Raise shmSize/,
    ],
    [
      'all files are open that may be',
      `mkdir /d; for i in $(seq 100); do : >/d/$i; done; tail -f /d/* & ${LINGER}; exit 1`,
      { ulimits: { nofile: 64 } },
      'file-limit',
      { what: 'files', limit: '64' },
      /Raise ulimits\.nofile/,
    ],
  ]
  for (const [what, script, changes, reason, limit, remedy] of seen) {
    it(`${what}: the job is told ${reason}`, async () => {
      const { code, details, remedy: told } = await failureOf(script, changes)
      assert.deepEqual([code, details.reason], ['RESOURCE_LIMIT_EXCEEDED', reason], JSON.stringify(details))
      assert.deepEqual({ ...details, ...limit }, details)
      assert.match(told, remedy)
    })
  }

  it('a bus error by itself is told as one, with what mostly is the matter', async () => {
    const { code, message, details, remedy } = await failureOf('exit 135', {})
    assert.deepEqual([code, message, details.reason], ['NON_ZERO_EXIT', 'Exit Code 135', 'bus-error'])
    assert.match(remedy, /raise shmSize/)
  })

  it('a job that met none, or lived with it and ended well, is told of none', async () => {
    const { code, details } = await failureOf('sleep 2; exit 3', {})
    assert.deepEqual([code, details], ['NON_ZERO_EXIT', { exitCode: 3 }])
    const { state } = await market.run(`sh -c 'for i in $(seq 40); do sleep 30 & done'; ${LINGER}; exit 0`, {
      pids: 20,
      memory: '64Mi',
    })
    assert.equal(state.status, 'completed')
  })
})
