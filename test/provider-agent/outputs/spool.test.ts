import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { createOutputSpool } from '../../../provider-agent/outputs/spool.ts'
import type { OutputOwner } from '../../../provider-agent/outputs/spool-folder.ts'

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
    const init = {
      ...{ folder: join(folder, 'other'), roomBytes: 3 * MIB, retentionMs: DAY_MS },
      ownRequesters: [owner.requester],
    }
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
  it('of one requester leave room for those of others, also after a restart', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-spool-'))
    t.after(async () => await rm(folder, { recursive: true }))
    const init = { folder, roomBytes: 10 * MIB, retentionMs: DAY_MS }
    const spoolOf = async (maxClientShare: number) => {
      const spool = createOutputSpool({ clock: systemClock, logger: silentLogger }, { ...init, maxClientShare })
      await spool.start()
      return spool
    }
    const [greedy, modest] = ['greedy', 'modest'].map((requester) => (fence: number) => {
      return { jobId: 'job_01k8m3q7w9x2v5n4c6b8d0f1g3', fence, requester }
    }) as [(fence: number) => OutputOwner, (fence: number) => OutputOwner]
    const tar = (mib: number) => async () => plain(...Array.from({ length: mib }, () => Buffer.alloc(MIB)))
    const isTooMuch = { name: 'OutputProblem', message: /--max-client-share/ }
    // Half of the room, though it may have all of the machine.
    const first = await spoolOf(1)
    await first.keep(greedy(1), tar(3), 10 * MIB, never)
    await assert.rejects(first.keep(greedy(2), tar(3), 10 * MIB, never), isTooMuch)
    await first.keep(greedy(3), tar(2), 10 * MIB, never)
    await first.keep(modest(1), tar(4), 10 * MIB, never)
    const second = await spoolOf(1)
    await assert.rejects(second.keep(greedy(4), tar(1), 10 * MIB, never), isTooMuch)
    await second.drop(greedy(1))
    await second.keep(greedy(4), tar(1), 10 * MIB, never)
    // And no more than of the machine.
    const third = await spoolOf(0.3)
    await assert.rejects(third.keep(greedy(5), tar(1), 10 * MIB, never), isTooMuch)
    await assert.rejects(third.keep(modest(2), tar(1), 10 * MIB, never), isTooMuch)
  })
})
