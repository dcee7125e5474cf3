import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createWaitingJobs } from '../../../../node/market/placement/waiting-jobs.ts'
import { jobSubmissionSchema } from '../../../../protocol/job-spec.ts'

it('reads the directory once in a while for a job that waits, however often it is looked at', () => {
  let reads = 0
  let nowMs = 0
  const waiting = createWaitingJobs({
    directory: {
      list() {
        reads++
        return []
      },
    },
    clocksOff: { told: () => [] },
    clock: { monotonicMs: () => nowMs },
  })
  const job = { id: 'job', spec: jobSubmissionSchema.parse({ image: 'busybox' }) }
  const look = (spec = job.spec) => waiting.of({ ...job, spec: structuredClone(spec) })
  const answers = { requestId: new Uint8Array(), digest: new Uint8Array(), offers: [], declines: [], unanswered: [] }
  waiting.note('job', { givesUpMs: 60_000, answers })
  for (let i = 0; i < 100; i++) assert.equal(look()?.nearest?.details.reason, 'no-provider-known')
  assert.equal(reads, 1)
  look(jobSubmissionSchema.parse({ image: 'busybox', cpu: 2_000 }))
  assert.equal(reads, 2, 'it was changed')
  nowMs = 5_000
  look()
  assert.equal(reads, 3, 'others may have come')
  waiting.note('job', { givesUpMs: 60_000, answers })
  look()
  assert.equal(reads, 4, 'it was asked for anew')
})
