import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import type { LeaseEnd, LeaseRecord } from '../../../provider-agent/journal/records.ts'
import { volumeName } from '../../../provider-agent/lease/container.ts'
import { createVolumeKeeper } from '../../../provider-agent/lease/volume-keeper.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const RETENTION_MS = 600_000
const JOB = { jobId: 'job_1', requester: 'somebody' }
const NAME = volumeName('me', JOB, 'data')
const MORE = volumeName('me', JOB, 'more')
const LABELS = { 'cortex.job': 'job_1', 'cortex.requester': 'somebody' }
/** Made by the job, and one of the same requester's other job. */
const THERE = [
  { name: NAME, labels: LABELS },
  { name: MORE, labels: LABELS },
  { name: 'other', labels: { ...LABELS, 'cortex.job': 'job_2' } },
]

function record(names: string[] = ['data']): LeaseRecord {
  const volumes = names.map((name) => ({ name, mountPath: `/${name}`, sizeBytes: 1 }))
  return { ...JOB, fence: 1, job: { volumes } } as unknown as LeaseRecord
}

const ended = (outcome: LeaseEnd['outcome'], exitCode: number | null): LeaseEnd =>
  ({ outcome, exitCode }) as unknown as LeaseEnd

function setUp(there: { name: string; labels: Record<string, string> }[] = []) {
  const clock = createSimClock()
  const scope = new AbortController()
  const removed: string[] = []
  const running = new Set<string>()
  const engine = { isAway: false, errors: 0 }
  const keeper = createVolumeKeeper(
    {
      engine: {
        volumes: async (owner) => (owner === 'me' ? there : []),
        removeVolume: async (name) => {
          if (engine.isAway) throw new EngineError('ENGINE_UNAVAILABLE', 'it does not answer')
          if (name.includes('busy')) throw new Error('in use')
          if (engine.errors > 0) {
            engine.errors -= 1
            throw new EngineError('ENGINE_ERROR', 'database not open')
          }
          removed.push(name)
        },
      },
      ...{ clock, logger: silentLogger },
      isRunning: ({ jobId, requester }) => running.has(`${requester} ${jobId}`),
    },
    { owner: 'me', retentionMs: RETENTION_MS },
    scope.signal,
  )
  return { clock, scope, removed, running, keeper, engine }
}

describe('volume keeper', () => {
  const ends: [what: string, end: LeaseEnd | null, goesAtOnce: boolean][] = [
    ['ended well', ended('exited', 0), true],
    ['cancelled', ended('cancelled', null), true],
    ['ended badly', ended('exited', 1), false],
    ['failed', ended('failed', 137), false],
    ['never began', null, false],
  ]
  for (const [what, end, goesAtOnce] of ends) {
    it(`${what}: its volumes ${goesAtOnce ? 'go at once' : 'wait for another attempt'}`, async () => {
      const { keeper, clock, removed } = setUp(THERE)
      keeper.ended(record(['data', 'more']), end)
      await clock.advance(RETENTION_MS - 1)
      const both = [NAME, MORE]
      assert.deepEqual(removed, goesAtOnce ? both : [])
      await clock.advance(1)
      assert.deepEqual(removed, both)
    })
  }

  it('another attempt that came meanwhile keeps them; its end sees to them', async () => {
    const { keeper, clock, removed, running } = setUp(THERE.slice(0, 1))
    keeper.ended(record(), ended('exited', 1))
    running.add('somebody job_1')
    await clock.advance(2 * RETENTION_MS)
    assert.deepEqual(removed, [])
    running.clear()
    keeper.ended(record(), ended('exited', 0))
    await clock.advance(0)
    assert.deepEqual(removed, [NAME])
  })

  it('a job without volumes waits for nothing', () => {
    const { keeper, clock } = setUp()
    keeper.ended(record([]), null)
    keeper.ended({ ...record(), job: {} } as unknown as LeaseRecord, null)
    assert.equal(clock.pending(), 0)
  })

  it('what an earlier process left goes after a while, unless its job runs on', async () => {
    const labelled = (name: string, job: string): { name: string; labels: Record<string, string> } => ({
      name,
      labels: { 'cortex.job': job, 'cortex.requester': 'somebody' },
    })
    const { keeper, clock, removed, running } = setUp([
      labelled('a', 'job_1'),
      labelled('b', 'job_2'),
      labelled('c', ''),
    ])
    running.add('somebody job_1')
    await keeper.start()
    assert.deepEqual(removed, [])
    await clock.advance(RETENTION_MS)
    assert.deepEqual(removed, ['b', 'c'])
  })

  it('one that cannot be removed does not keep the others', async () => {
    const labels = { 'cortex.job': 'job_1', 'cortex.requester': 'somebody' }
    const { keeper, clock, removed } = setUp(['busy', 'idle'].map((name) => ({ name, labels })))
    await keeper.start()
    await clock.advance(RETENTION_MS)
    assert.deepEqual(removed, ['idle'])
  })

  it('goes although the engine answered with an error, as one does that is being stopped', async () => {
    const { keeper, clock, removed, engine } = setUp(THERE.slice(0, 1))
    engine.errors = 2
    keeper.ended(record(), ended('exited', 0))
    await clock.advance(30_000)
    assert.deepEqual(removed, [NAME])
  })

  it('goes once the engine is back that was away, unless another attempt came meanwhile', async () => {
    for (const isTaken of [false, true]) {
      const { keeper, clock, removed, engine, running } = setUp(THERE.slice(0, 1))
      engine.isAway = true
      keeper.ended(record(), ended('exited', 0))
      await clock.advance(60_000)
      assert.deepEqual(removed, [])
      if (isTaken) running.add('somebody job_1')
      engine.isAway = false
      await clock.advance(6_000)
      assert.deepEqual(removed, isTaken ? [] : [NAME])
    }
  })

  it('stopping ends the waiting, and removes nothing', async () => {
    const { keeper, clock, removed, scope } = setUp()
    keeper.ended(record(), ended('exited', 1))
    scope.abort(new Error('stops'))
    await keeper.stop()
    await clock.advance(2 * RETENTION_MS)
    assert.deepEqual(removed, [])
  })

  it('entry 48: a volume’s name is its agent’s, its job’s, its requester’s and its own', () => {
    const names = [
      volumeName('me', JOB, 'data'),
      volumeName('another agent', JOB, 'data'),
      volumeName('me', JOB, 'Data'),
      volumeName('me', { ...JOB, requester: 'another' }, 'data'),
      volumeName('me', { ...JOB, jobId: 'job_2' }, 'data'),
    ]
    assert.equal(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^cortex-job_\d-[0-9a-f]{8}-[0-9a-f]{8}$/)
  })
})
