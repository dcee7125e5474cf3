import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { createOutputSpool } from '../../../provider-agent/outputs/spool.ts'

const MIB = 2 ** 20
const DAY_MS = 24 * 3_600_000
const never = new AbortController().signal
const plain = (...chunks: Buffer[]) => ({ tar: Readable.from(chunks), leftOut: () => [] })

describe('outputs at their provider', () => {
  it('are kept for a while, and half of one is not', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-spool-'))
    t.after(async () => await rm(folder, { recursive: true }))
    const owner = { jobId: 'job_01k8m3q7w9x2v5n4c6b8d0f1g3', fence: 1, requester: 'somebody' }
    let nowMs = Date.now()
    const clock = { ...systemClock, nowMs: () => nowMs, sinceBoot: () => ({ bootId: 'boot', ms: nowMs }) }
    const init = { folder: join(folder, 'other'), roomBytes: 3 * MIB, retentionMs: DAY_MS }
    const first = createOutputSpool({ clock, logger: silentLogger }, init)
    await first.start()
    const kept = await first.keep(owner, async () => plain(Buffer.alloc(MIB)), MIB, never)
    const late = async () => plain(Buffer.alloc(MIB), Buffer.alloc(MIB))
    await assert.rejects(first.keep({ ...owner, fence: 2 }, late, MIB, never), { name: 'OutputProblem' })
    await first.keep({ ...owner, fence: 3 }, late, 2 * MIB, never)
    const one = async () => plain(Buffer.alloc(MIB))
    await assert.rejects(first.keep({ ...owner, fence: 4 }, one, MIB, never), {
      name: 'OutputProblem',
      message: /--output-room/,
    })
    const tight = createOutputSpool({ clock, logger: silentLogger }, { ...init, minFreeBytes: 2 ** 60 })
    await tight.start()
    await assert.rejects(tight.keep({ ...owner, fence: 5 }, one, MIB, never), { name: 'OutputProblem' })
    await writeFile(join(init.folder, 'half.tar.part'), 'half')
    const second = createOutputSpool({ clock, logger: silentLogger }, init)
    await second.start()
    assert.equal((await second.find(owner))?.sha256, kept.sha256)
    assert.equal((await stat(init.folder)).mode & 0o777, 0o700)
    nowMs += 2 * DAY_MS
    const third = createOutputSpool({ clock, logger: silentLogger }, init)
    await third.start()
    assert.deepEqual([await third.find(owner), await readdir(init.folder)], [null, []])
  })
})
