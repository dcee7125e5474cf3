import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { pageSchema, successSchema } from '../../../gateway/contract/envelope.ts'
import { scheduleSchema } from '../../../gateway/contract/schedules.ts'
import { openTestGateway, type TestGateway } from '../support/test-gateway.ts'

const SCHEDULES = '/api/plugin-core/jobs/schedules'
const MINUTE = 60_000
const START = Date.parse('2026-01-01T00:00:30Z')
let gateway: TestGateway

async function make(fields: object = {}): Promise<string> {
  const json = { name: 'Each minute', schedule: '* * * * *', config: { image: 'busybox' }, ...fields }
  const answer = await gateway.ask('POST', SCHEDULES, { json })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  return answer.data.id
}

async function runs(id: string): Promise<[string, string][]> {
  const answer = await gateway.ask('GET', `${SCHEDULES}/${id}`)
  const { data } = successSchema(scheduleSchema).parse(answer.body)
  return data.lastRuns.map(({ tick, outcome }) => [tick.slice(11, 19), outcome])
}

async function tickAt(iso: string): Promise<void> {
  gateway.time.nowMs = Date.parse(iso)
  await gateway.scheduler.tick()
}

const jobs = async () => (await gateway.store.list({ limit: 100 })).jobs

describe('schedules', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
    gateway.time.nowMs = START
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('make one job per tick, however often they are looked at', async () => {
    const id = await make()
    await tickAt('2026-01-01T00:00:59Z')
    assert.deepEqual(await runs(id), [])
    for (let i = 0; i < 3; i += 1) await tickAt('2026-01-01T00:01:00Z')
    await tickAt('2026-01-01T00:02:20Z')
    assert.deepEqual(await runs(id), [
      ['00:02:00', 'submitted'],
      ['00:01:00', 'submitted'],
    ])
    const made = await jobs()
    assert.equal(made.length, 2)
    assert.equal(made[0]?.origin.schedule, id)
  })

  it('make one job for a tick that a crash interrupted, also when keys are long forgotten', async () => {
    const id = await make({ catchUp: true })
    await tickAt('2026-01-01T00:01:00Z')
    const before = await jobs()
    // As a crash leaves it: the job submitted, the tick not yet noted.
    const tickMs = Date.parse('2026-01-01T00:01:00Z')
    const undone = { handledMs: START, submittingMs: tickMs, lastRuns: [], activeJobs: [] }
    await gateway.schedules.update(id, () => undone)
    await gateway.scheduler.tick()
    assert.deepEqual(
      (await jobs()).map((job) => job.id),
      before.map((job) => job.id),
    )
    assert.deepEqual(await runs(id), [['00:01:00', 'submitted']])
  })

  it('record ticks that were missed while the gateway was down', async () => {
    const id = await make({ schedule: '0 * * * *' })
    await tickAt('2026-01-01T05:30:00Z')
    assert.deepEqual(await runs(id), [['05:00:00', 'missed']])
    assert.equal((await jobs()).length, 0)
    await tickAt('2026-01-01T06:00:01Z')
    assert.equal((await jobs()).length, 1)
  })

  it('run missed ticks once where they are to catch up', async () => {
    const id = await make({ schedule: '0 * * * *', catchUp: true })
    await tickAt('2026-01-01T05:30:00Z')
    assert.deepEqual(await runs(id), [
      ['05:00:00', 'submitted'],
      ['04:00:00', 'missed'],
    ])
    assert.equal((await jobs()).length, 1)
  })

  it('come through a very long time of being down', async () => {
    const id = await make({ schedule: '* * * * * *' })
    await tickAt('2026-03-01T00:00:00Z')
    const [last, missed] = await runs(id)
    assert.deepEqual([last, missed?.[1]], [['00:00:00', 'submitted'], 'missed'])
  })

  it('entry 24: tick on each minute after the clock was set back, also over minutes that came before', async () => {
    const id = await make()
    await tickAt('2026-01-01T03:01:00Z')
    await tickAt('2026-01-01T03:02:00Z')
    assert.equal((await jobs()).length, 2)
    for (const back of ['2026-01-01T00:02:30Z', '2025-12-31T23:00:30Z']) {
      const before = (await jobs()).length
      await tickAt(back)
      const first = Date.parse(back) + MINUTE / 2
      for (let i = 0; i < 3; i += 1) await tickAt(new Date(first + i * MINUTE).toISOString())
      assert.equal((await jobs()).length, before + 3, back)
      assert.deepEqual(
        (await runs(id)).slice(0, 3).map(([, outcome]) => outcome),
        Array(3).fill('submitted'),
      )
    }
    // Corrected by seconds, as clocks are: nothing runs twice.
    const before = (await jobs()).length
    const { handledMs = 0 } = (await gateway.schedules.get(id)) ?? {}
    for (const offMs of [-30_000, -1_000, 0, 1_000]) await tickAt(new Date(handledMs + offMs).toISOString())
    assert.equal((await jobs()).length, before)
    // And forward over all that was before.
    await tickAt('2026-01-01T03:02:00Z')
    assert.equal((await jobs()).length, before + 1)
  })

  it('entry 51: that never tick are refused, and a number out of range is told as it was written', async () => {
    const cases: [string, RegExp][] = [
      ['0 0 30 2 *', /never comes/],
      ['0 0 31 2,4,6,9,11 *', /never comes/],
      ['0 0 1 13 *', /month 13 is out of range, write 1 to 12/],
      ['0 0 1 0 *', /month 0 is out of range/],
      ['0 0 32 * *', /day 32 is out of range, write 1 to 31/],
      ['0 0 0 * *', /day 0 is out of range/],
      ['60 0 * * *', /minute 60 is out of range, write 0 to 59/],
      ['0 24 * * *', /hour 24 is out of range/],
      ['0 0 * * 8', /weekday 8 is out of range/],
    ]
    for (const [schedule, message] of cases) {
      const json = { name: 'x', schedule, config: { image: 'busybox' } }
      for (const [method, path] of [
        ['POST', SCHEDULES],
        ['PUT', `${SCHEDULES}/${await make()}`],
      ] as const) {
        const answer = await gateway.ask(method, path, { json: method === 'POST' ? json : { schedule } })
        assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'], schedule)
        assert.equal(answer.body.error.details.fields[0].path, 'schedule')
        assert.match(answer.body.error.details.fields[0].message, message)
      }
    }
    await make({ schedule: '0 0 29 2 *' })
  })

  it('take a time zone as people type it, and say which it is', async () => {
    for (const [typed, zone, next] of [
      ['asia/calcutta', 'Asia/Calcutta', '2026-01-01T21:30:00.000Z'],
      ['UTC+2', 'Etc/GMT-2', '2026-01-01T01:00:00.000Z'],
      ['Berlin', 'Europe/Berlin', '2026-01-01T02:00:00.000Z'],
    ] as const) {
      const id = await make({ schedule: '0 3 * * *', timezone: typed })
      const { data } = await gateway.ask('GET', `${SCHEDULES}/${id}`)
      assert.deepEqual([data.timezone, data.nextRuns[0]], [zone, next])
      const changed = await gateway.ask('PUT', `${SCHEDULES}/${id}`, { json: { timezone: 'pst' } })
      assert.equal(changed.data.timezone, 'America/Los_Angeles')
    }
    const json = { name: 'x', schedule: '@daily', config: { image: 'busybox' }, timezone: 'Berlni' }
    const refused = await gateway.ask('POST', SCHEDULES, { json })
    assert.deepEqual([refused.status, refused.body.error.details.fields[0].path], [400, 'timezone'])
    assert.match(refused.body.error.details.fields[0].message, /write .*Europe\/Berlin/)
  })

  it('tell how each run ended', async () => {
    const id = await make()
    await tickAt('2026-01-01T00:01:00Z')
    await tickAt('2026-01-01T00:02:00Z')
    const [second, first] = (await jobs()).map((job) => job.id)
    await gateway.play.start(first ?? '')
    await gateway.play.complete(first ?? '')
    await gateway.play.start(second ?? '')
    const answer = await gateway.ask('GET', SCHEDULES)
    const { data } = pageSchema(scheduleSchema).parse(answer.body)
    const [{ lastRuns } = { lastRuns: [] }] = data
    assert.deepEqual(
      lastRuns.map(({ jobId, job }) => [
        jobId,
        job?.status,
        job?.startedAt === null,
        job?.endedAt === null,
        job?.error,
      ]),
      [
        [second, 'running', false, true, null],
        [first, 'completed', false, false, null],
      ],
    )
    await gateway.schedules.update(id, ({ lastRuns: before }) => {
      return { lastRuns: before.map((run) => ({ ...run, jobId: 'job_forgotten' })) }
    })
    assert.equal((await gateway.ask('GET', `${SCHEDULES}/${id}`)).data.lastRuns[0].job, null)
  })

  it('keep to their policy while a job runs', async () => {
    const [allow, forbid, replace] = [
      await make({ concurrencyPolicy: 'allow' }),
      await make({ concurrencyPolicy: 'forbid' }),
      await make({ concurrencyPolicy: 'replace' }),
    ]
    await tickAt('2026-01-01T00:01:00Z')
    await tickAt('2026-01-01T00:02:00Z')
    const outcomes = async (id: string) => (await runs(id)).map(([, outcome]) => outcome)
    assert.deepEqual(await outcomes(allow), ['submitted', 'submitted'])
    assert.deepEqual(await outcomes(forbid), ['skipped', 'submitted'])
    assert.deepEqual(await outcomes(replace), ['submitted', 'submitted'])
    const cancelled = (await jobs()).filter((job) => job.cancelRequestedAtMs !== null)
    assert.deepEqual(
      cancelled.map((job) => job.origin),
      [{ schedule: replace, tick: '2026-01-01T00:01:00.000Z' }],
    )
    const manual = await gateway.ask('POST', `${SCHEDULES}/${forbid}/run`)
    assert.deepEqual([manual.status, manual.code], [409, 'JOB_STATE_CONFLICT'])
  })

  it('run when asked, pause and resume without making up for it', async () => {
    const id = await make()
    const manual = await gateway.ask('POST', `${SCHEDULES}/${id}/run`)
    assert.deepEqual([manual.status, manual.data.origin.schedule], [201, id])
    assert.deepEqual((await gateway.ask('POST', `${SCHEDULES}/${id}/pause`)).data.nextRuns, [])
    await tickAt('2026-01-01T00:10:00Z')
    assert.equal((await jobs()).length, 1)
    const resumed = await gateway.ask('POST', `${SCHEDULES}/${id}/resume`)
    assert.equal(resumed.data.nextRuns[0], '2026-01-01T00:11:00.000Z')
    assert.equal(resumed.data.nextRuns.length, 5)
    await gateway.scheduler.tick()
    assert.equal((await jobs()).length, 1)
  })

  it('run from a template, and say so where it is gone', async () => {
    const body = { name: 'T', config: { image: 'nginx', secrets: { S: 'hidden' } } }
    const template = (await gateway.ask('POST', '/api/plugin-core/jobs/templates', { json: body })).data.id
    const id = await make({ config: undefined, templateId: template })
    await tickAt('2026-01-01T00:01:00Z')
    const [job] = await jobs()
    assert.equal(job?.spec.image, 'nginx')
    assert.deepEqual((await gateway.store.secrets(job?.id ?? '')).secrets, { S: 'hidden' })
    await gateway.ask('DELETE', `/api/plugin-core/jobs/templates/${template}`)
    await tickAt('2026-01-01T00:02:00Z')
    assert.equal((await runs(id))[0]?.[1], 'failed')
    await tickAt('2026-01-01T00:03:00Z')
    assert.equal((await runs(id)).length, 3)
  })

  it('are changed, deleted and kept from others', async () => {
    const id = await make()
    const changed = await gateway.ask('PUT', `${SCHEDULES}/${id}`, { json: { schedule: '@hourly', timezone: 'UTC' } })
    assert.deepEqual([changed.status, changed.data.nextRuns[0]], [200, '2026-01-01T01:00:00.000Z'])
    const bob = await gateway.keyFor('bob')
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/run'],
      ['POST', '/pause'],
      ['POST', '/resume'],
    ] as const) {
      const answer = await gateway.ask(method, `${SCHEDULES}/${id}${path}`, { key: bob })
      assert.deepEqual([answer.status, answer.code], [404, 'RESOURCE_NOT_FOUND'], `${method} ${path}`)
    }
    assert.equal((await gateway.ask('DELETE', `${SCHEDULES}/${id}`)).status, 200)
    await tickAt(new Date(START + 120 * MINUTE).toISOString())
    assert.equal((await jobs()).length, 0)
  })

  it('are refused where they cannot be read', async () => {
    for (const [fields, path] of [
      [{ schedule: 'often' }, 'schedule'],
      [{ timezone: 'Middle/Earth' }, 'timezone'],
      [{ config: undefined }, 'config'],
      [{ templateId: 'template_x' }, 'config'],
      [{ config: {} }, 'image'],
      [{ concurrencyPolicy: 'sometimes' }, 'concurrencyPolicy'],
    ] as const) {
      const json = { name: 'x', schedule: '* * * * *', config: { image: 'busybox' }, ...fields }
      const answer = await gateway.ask('POST', SCHEDULES, { json })
      assert.deepEqual([answer.status, answer.body.error?.details.fields[0].path], [400, path])
    }
  })
})
