import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JobQuery, JobRecord, VolumeRecord } from '../../../node/store/index.ts'
import { usersOf } from '../../../node/volumes/users.ts'
import { volumeIdOf } from '../../../protocol/job-volumes.ts'

const record = (id: string, provider: string, inUse: boolean) => ({ id, provider, inUse }) as VolumeRecord
const job = (id: string, volumes: object[]) => ({ id, spec: { volumes } }) as unknown as JobRecord

describe('the jobs that have a volume', () => {
  it('are those that left it and those that took it up, at its provider', async () => {
    const left = volumeIdOf('job_a', 'p', 'data')
    const asked: JobQuery[] = []
    const store = {
      async list(query: JobQuery) {
        asked.push(query)
        const shared = Array.from({ length: 20 }, (_, i) => job(`job_${i}`, [{ volume: 'vol_shared', shared: true }]))
        const plain = [{ name: 'scratch', mountPath: '/s', size: '1Gi' }]
        const jobs = [
          job('job_a', [{ name: 'data', mountPath: '/data', keep: 60 }, ...plain]),
          job('job_b', [{ volume: 'vol_b' }, { volume: 'vol_idle' }]),
          ...shared,
        ]
        return { jobs, total: jobs.length } as never
      },
    }
    const records = [left, 'vol_b', 'vol_shared'].map((id) => record(id, 'p', true))
    const users = await usersOf(store, [...records, record('vol_idle', 'q', false)])
    assert.deepEqual([users.get(left), users.get('vol_b'), users.get('vol_idle')], [['job_a'], ['job_b'], undefined])
    assert.equal(users.get('vol_shared')?.length, 16)
    assert.deepEqual(
      asked.map(({ provider, statuses }) => [provider, statuses]),
      [['p', ['scheduled', 'running']]],
    )
  })

  it('are not looked for where nobody has one', async () => {
    const store = { list: () => assert.fail('it is asked') }
    assert.equal((await usersOf(store, [record('vol_a', 'p', false)])).size, 0)
  })
})
