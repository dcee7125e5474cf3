import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { benchSubmission, figuresSchema } from '../../../node/benchmark/bench-job.ts'
import { measure } from '../../../node/benchmark/program.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { FIGURES } from '../../../protocol/measured.ts'

describe('what a machine does in a second', () => {
  it('is measured, and leaves nothing in the folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-benchmark-'))
    try {
      const figures = await measure({ folder, seconds: 0.2 })
      assert.equal(figures.method, 'cortex-1')
      for (const figure of FIGURES) assert.ok(Number.isSafeInteger(figures[figure]), figure)
      assert.ok(figures.cpuSingle > 0 && figures.cpuAll > 0 && figures.memoryBandwidth > 0)
      assert.deepEqual(await readdir(folder), [])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('is measured by the text of a job, too, which is a valid one', async () => {
    const submission = await benchSubmission('12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo')
    const { command, args } = jobSubmissionSchema.parse(submission)
    const [, ...flags] = command
    const [text = ''] = args
    assert.doesNotMatch(text, /from '\./)
    const quick = text.replace('seconds: 1 ', 'seconds: 0.1 ')
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, quick])
    assert.ok(figuresSchema.parse(JSON.parse(stdout)).cpuSingle > 0)
  })
})
