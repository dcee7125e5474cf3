import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { openDatabase } from '../../../node/store/database.ts'
import { openJournal } from '../../../provider-agent/journal/journal.ts'
import type { LeaseProgress } from '../../../provider-agent/journal/records.ts'
import { until } from '../../support/until.ts'

const run = promisify(execFile)

const skip =
  process.getuid?.() === 0 && process.platform === 'linux' ? false : 'mounting a small disk needs root on Linux'

describe('journal on a full disk', () => {
  it('writes nothing while there is no room, everything once there is, and has it all when it is opened again', {
    skip,
  }, async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-full-'))
    await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder])
    test.after(async () => {
      await run('umount', [folder])
      await rm(folder, { recursive: true, force: true })
    })
    const open = async () => {
      const database = await openDatabase(join(folder, 'data'))
      const limits = { maxLeaseBytes: 2 ** 30, maxJournalBytes: 2 ** 30 }
      return await openJournal({ database, clock: systemClock, logger: silentLogger }, limits)
    }
    const journal = await open()
    const ballast = join(folder, 'ballast')
    await writeFile(ballast, Buffer.alloc(5 * 2 ** 20))

    const message = Buffer.alloc(20_000, 'x')
    const progress = { lastSequence: 0 } as LeaseProgress
    const writes: Promise<void>[] = []
    const write = (): void => {
      const sequence = writes.length + 1
      writes.push(journal.save('job_000000000000-1', progress, { sequence, message, kind: 'state' }))
    }
    while (journal.problem() === null) {
      write()
      if (writes.length > 500) assert.fail('the disk never filled')
      await Promise.race([writes.at(-1), until(() => journal.problem() !== null)])
    }
    assert.match(journal.problem() ?? '', /No space left/)
    write()
    write()
    await rm(ballast)
    await Promise.all(writes)
    write()
    await writes.at(-1)
    assert.equal(journal.problem(), null)
    await journal.close()

    const again = await open()
    const sequences: number[] = []
    for (let batch = await again.read('job_000000000000-1', 0); batch.length > 0; ) {
      sequences.push(...batch.map(({ sequence }) => sequence))
      batch = await again.read('job_000000000000-1', sequences.at(-1) ?? 0)
    }
    assert.deepEqual(
      sequences,
      writes.map((_, i) => i + 1),
    )
    await again.close()
  })
})
