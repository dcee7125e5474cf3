import assert from 'node:assert/strict'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { sawOutOfMemory } from '../../../../provider-agent/engine/endings/kernel-log.ts'

const [CONTAINER, OTHER] = ['ab'.repeat(32), 'cd'.repeat(32)]

/** As Linux 6 writes it. */
const oomKill = ({ constraint = 'CONSTRAINT_MEMCG', limit = '', task = '' }) =>
  `6,495,5917033474,-;oom-kill:constraint=${constraint},nodemask=(null),cpuset=x,mems_allowed=0,${limit},task_memcg=/docker/${task},task=tail,pid=19,uid=0\n`

/** What it says of `CONTAINER` with this log. */
async function sees(...records: string[]): Promise<boolean> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'cortex-kernel-log-'))
  const log = join(folder.path, 'kmsg')
  await writeFile(log, records.join(''))
  return await sawOutOfMemory(CONTAINER, log)
}

describe("the kernel's log", () => {
  it('tells which container was at its limit of memory', async () => {
    const [inDocker, inPodman] = [`oom_memcg=/docker/${CONTAINER}`, `oom_memcg=/libpod_parent/libpod-${CONTAINER}`]
    assert.equal(await sees('6,1,2,-;hello\n', oomKill({ limit: inDocker, task: CONTAINER })), true)
    assert.equal(await sees(oomKill({ limit: inPodman, task: CONTAINER })), true)
  })

  it('says nothing of another container, or of a machine that has no memory itself', async () => {
    assert.equal(await sees('6,1,2,-;hello\n'), false)
    assert.equal(await sees(oomKill({ limit: `oom_memcg=/docker/${OTHER}`, task: OTHER })), false)
    const ofAll = oomKill({ constraint: 'CONSTRAINT_NONE', limit: 'global_oom', task: CONTAINER })
    assert.equal(await sees(ofAll), false)
  })

  it('says nothing where it cannot be read', async () => {
    assert.equal(await sawOutOfMemory(CONTAINER, join(import.meta.dirname, 'none')), false)
  })
})
