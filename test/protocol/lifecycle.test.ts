import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  assertTransition,
  type Cause,
  canTransition,
  IllegalTransitionError,
  isTerminal,
  JOB_EVENT_TYPES,
  JOB_STATUSES,
  type JobStatus,
} from '../../protocol/lifecycle.ts'

const CAUSES: Cause[] = ['requester', 'provider', 'user']

/** From the rows; to the columns, in the order of JOB_STATUSES; who may: r(equester), p(rovider), u(ser). */
const EXPECTED: Record<JobStatus, string[]> = {
  //           pending scheduled running completed failed cancelled
  pending: ['', 'p', 'p', '', 'r', 'u'],
  scheduled: ['rp', '', 'p', '', 'rp', 'u'],
  running: ['rp', '', '', 'p', 'rp', 'u'],
  completed: ['', '', '', '', '', ''],
  failed: ['', '', '', '', '', ''],
  cancelled: ['', '', '', '', '', ''],
}

describe('the life of a job', () => {
  it('has six states', () => {
    assert.deepEqual(JOB_STATUSES, ['pending', 'scheduled', 'running', 'completed', 'failed', 'cancelled'])
    assert.deepEqual(Object.keys(EXPECTED), JOB_STATUSES)
  })

  for (const from of JOB_STATUSES) {
    JOB_STATUSES.forEach((to, column) => {
      const allowed = EXPECTED[from][column] ?? ''
      it(`${from} to ${to}: ${allowed === '' ? 'never' : allowed}`, () => {
        assert.equal(canTransition(from, to), allowed !== '')
        for (const by of CAUSES) {
          if (allowed.includes(by.charAt(0))) assertTransition(from, to, by)
          else {
            assert.throws(
              () => assertTransition(from, to, by),
              (error) => {
                assert.ok(error instanceof IllegalTransitionError, by)
                assert.equal(error.code, 'ILLEGAL_TRANSITION')
                assert.deepEqual(error.details, { from, to, by })
                return true
              },
            )
          }
        }
      })
    })
  }

  it('ends in the states without a way out', () => {
    assert.deepEqual(JOB_STATUSES.filter(isTerminal), ['completed', 'failed', 'cancelled'])
  })

  it('starts in pending: every other state is reached from it', () => {
    const reached = new Set<JobStatus>(['pending'])
    for (const from of reached) {
      for (const to of JOB_STATUSES) if (canTransition(from, to)) reached.add(to)
    }
    assert.deepEqual([...reached].sort(), [...JOB_STATUSES].sort())
  })

  it('refuses what is no state', () => {
    for (const other of ['', 'constructor', '__proto__', 'Pending', 'pending>running'] as string[] as JobStatus[]) {
      assert.equal(canTransition('pending', other), false, other)
      assert.equal(canTransition(other, 'pending'), false, other)
    }
  })

  it('is told in the events that the API documents', () => {
    const documented =
      'created bidding scheduled pulling started extended expired lost completed failed cancelled regained left-out log-cut transferring'
    assert.deepEqual(JOB_EVENT_TYPES, documented.split(' '))
  })
})
