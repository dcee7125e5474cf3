import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { daysAfter, daysIn } from '../../gateway/analytics/days.ts'
import { forecastOf } from '../../gateway/analytics/forecast.ts'
import { forecastWords, trendWords } from '../../gateway/contract/cost-words.ts'
import { openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'
import { PROVIDER } from './support/test-node.ts'

const COSTS = '/api/plugin-core/analytics/costs'
const NOTHING = { spent: 0, final: 0, volumes: 0, running: 0, projected: 0, actual: 0, estimated: 0 }
let gateway: TestGateway

describe('cost analytics', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('adds up estimated costs, the grace included, and actual ones by day, provider and label', async () => {
    const alice = await gateway.keyFor('alice')
    for (const [team, key] of [
      ['a', undefined],
      ['a', undefined],
      ['b', alice],
    ] as const) {
      const id = await submit(gateway, { labels: { team }, duration: 7000, stopGraceSeconds: 200 }, key)
      await gateway.play.start(id)
      await gateway.play.complete(id, { meteredMs: 3_600_000 })
    }
    await submit(gateway)
    const byTeam = (await gateway.ask('GET', `${COSTS}?groupBy=label.team`)).data
    const ended = { running: 0, projected: 0, volumes: 0 }
    assert.deepEqual(byTeam.rows, [
      { group: 'a', jobs: 2, spent: 0.02, final: 0.02, actual: 0.02, estimated: 0.04, ...ended },
      { group: 'b', jobs: 1, spent: 0.01, final: 0.01, actual: 0.01, estimated: 0.02, ...ended },
      { group: 'none', jobs: 1, ...NOTHING },
    ])
    const total = { spent: 0.03, final: 0.03, actual: 0.03, estimated: 0.06, ...ended }
    assert.deepEqual(byTeam.total, { jobs: 4, ...total })
    const hers = (await gateway.ask('GET', `${COSTS}?groupBy=provider`, { key: alice })).data
    assert.deepEqual(
      hers.rows,
      [byTeam.rows[1]].map((row) => ({ ...row, group: PROVIDER })),
    )
    const days = (await gateway.ask('GET', COSTS)).data
    assert.deepEqual([days.groupBy, days.rows.length, days.total.jobs], ['day', 1, 4])
    assert.match(days.rows[0].group, /^\d{4}-\d\d-\d\d$/)
  })

  it('tells what was spent for good from what runs, and what that comes to at most', async () => {
    const ended = await submit(gateway, { duration: 7000, stopGraceSeconds: 200 })
    await gateway.play.start(ended)
    await gateway.play.complete(ended, { meteredMs: 3_600_000 })
    const running = await submit(gateway, { duration: 7000, stopGraceSeconds: 200 })
    await gateway.play.start(running)
    const { total } = (await gateway.ask('GET', COSTS)).data
    assert.deepEqual([total.jobs, total.spent, total.final, total.projected], [2, 0.01, 0.01, 0.02])
    assert.equal(total.actual, total.final + total.running)
  })

  it('takes days of the zone that is asked for, and the time between two moments', async () => {
    await submit(gateway)
    const dayIn = async (timezone: string): Promise<string> =>
      (await gateway.ask('GET', `${COSTS}?timezone=${timezone}`)).data.rows[0].group
    assert.ok((await dayIn('Etc/GMT%2B12')) < (await dayIn('Pacific/Kiritimati')))
    const [from, to] = [new Date(Date.now() - 60_000).toISOString(), new Date(Date.now() + 60_000).toISOString()]
    const jobs = async (query: string): Promise<number> =>
      (await gateway.ask('GET', `${COSTS}?${query}`)).data.total.jobs
    assert.deepEqual([await jobs(`from=${from}&to=${to}`), await jobs(`to=${from}`)], [1, 0])
  })

  it('tells what more time costs, and when the job ends then, without asking for it', async () => {
    const id = await submit(gateway, { duration: 3500, stopGraceSeconds: 100 })
    const look = async () =>
      await gateway.ask('POST', `/api/plugin-core/jobs/${id}/extend?dryRun=true`, { json: { additional: 1800 } })
    const early = await look()
    assert.deepEqual(
      [early.status, early.data.duration, early.data.endsAt, early.data.extends],
      [200, 5300, null, null],
    )
    await gateway.play.start(id)
    const { data: job } = await gateway.ask('GET', `/api/plugin-core/jobs/${id}`)
    const { data } = await look()
    assert.deepEqual(data, {
      ...{ additional: 1800, duration: 5300, cost: 0.005, projected: 0.015, currency: 'USD', extends: true },
      endsAt: new Date(Date.parse(job.startedAt) + 5_300_000).toISOString(),
    })
    assert.equal((await gateway.ask('GET', `/api/plugin-core/jobs/${id}`)).data.duration, 3500)
    // Thirty days are the most, whether it is asked for or only looked at.
    for (const query of ['', '?dryRun=true']) {
      const json = { additional: 30 * 86_400 - 3500 + 1 }
      const { status, body } = await gateway.ask('POST', `/api/plugin-core/jobs/${id}/extend${query}`, { json })
      assert.deepEqual(
        [status, body.error.code, body.error.details.fields[0].path],
        [400, 'VALIDATION_ERROR', 'additional'],
      )
    }
    await gateway.play.complete(id)
    assert.deepEqual([(await look()).status, (await look()).code], [409, 'JOB_STATE_CONFLICT'])
  })

  it('expects of a month what the last whole days cost', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.complete(id, { meteredMs: 3_600_000 })
    const ask = async () => (await gateway.ask('GET', '/api/plugin-core/analytics/forecast?timezone=Asia/Kolkata')).data
    const today = await ask()
    assert.deepEqual([today.basis.days, today.month.spent, today.month.expected], [0, 0.01, null])
    assert.match(today.month.from, /T18:30:00.000Z$/)
    gateway.time.nowMs = Date.now() + 86_400_000
    const { basis } = await ask()
    assert.deepEqual([basis.days, basis.spent, basis.perDay, basis.perDayBefore], [1, 0.01, 0.01, null])
    // A month later nobody is a newcomer, though nothing was spent of late.
    gateway.time.nowMs = Date.now() + 60 * 86_400_000
    const { basis: idle, month } = await ask()
    assert.deepEqual([idle.days, idle.perDay, month.expected], [7, 0, 0])
  })

  it('leaves out what is older than the period, and refuses what it does not know', async () => {
    await submit(gateway)
    gateway.time.nowMs = Date.now() + 8 * 86_400_000
    assert.equal((await gateway.ask('GET', `${COSTS}?period=7d`)).data.total.jobs, 0)
    assert.equal((await gateway.ask('GET', `${COSTS}?period=30d`)).data.total.jobs, 1)
    for (const [query, path] of [
      ['?period=1y', 'period'],
      ['?groupBy=colour', 'groupBy'],
      ['?groupBy=label.', 'groupBy'],
      ['?timezone=Mars/Olympus', 'timezone'],
      ['?from=2026-02-01&to=2026-01-01', 'from'],
      ['?from=2999-01-01', 'from'],
      ['?from=2024-01-01&to=2026-01-01', 'from'],
    ]) {
      const answer = await gateway.ask('GET', `${COSTS}${query}`)
      assert.deepEqual([answer.status, answer.body.error.details.fields[0].path], [400, path])
    }
  })
})

describe('days of a time zone', () => {
  const cases: [zone: string, day: string, start: string, hours: number][] = [
    ['UTC', '2026-01-31', '2026-01-31T00:00:00.000Z', 24],
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00.000Z', 23],
    ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00.000Z', 25],
    ['Asia/Kathmandu', '2026-01-31', '2026-01-30T18:15:00.000Z', 24],
    ['Australia/Lord_Howe', '2026-04-05', '2026-04-04T13:00:00.000Z', 24.5],
    ['Africa/Cairo', '2026-04-24', '2026-04-23T22:00:00.000Z', 23],
    ['Pacific/Kiritimati', '2026-01-01', '2025-12-31T10:00:00.000Z', 24],
    ['Etc/GMT+12', '2026-01-01', '2026-01-01T12:00:00.000Z', 24],
  ]
  for (const [zone, day, start, hours] of cases) {
    it(`begin where clocks there say so: ${day} in ${zone}`, () => {
      const days = daysIn(zone)
      const startMs = days.startOf(day)
      assert.equal(new Date(startMs).toISOString(), start)
      assert.equal((days.startOf(daysAfter(day, 1)) - startMs) / 3_600_000, hours)
      assert.deepEqual([days.of(startMs - 1), days.of(startMs)], [daysAfter(day, -1), day])
    })
  }
})

describe('what is expected of a month', () => {
  const UTC = daysIn('UTC')
  const DAY_MS = 86_400_000
  const noon = (day: string): number => Date.parse(day) + DAY_MS / 2
  const spent = (first: string, count: number, each: bigint) =>
    new Map(Array.from({ length: count }, (_, at) => [daysAfter(first, at), each]))

  it('is not known before a whole day is over', () => {
    for (const [name, costs] of [
      ['no job', new Map()],
      ['of today', spent('2026-01-10', 1, 5n)],
    ] as const) {
      const { basis, perDayBefore, month } = forecastOf(costs, UTC, noon('2026-01-10'), false)
      assert.deepEqual([basis.days, basis.perDay, perDayBefore, month.expected], [0, null, null, null], name)
    }
  })

  it('goes on as on the days since the first cost', () => {
    const { basis, month } = forecastOf(
      new Map([
        ['2026-01-08', 10n],
        ['2026-01-10', 3n],
      ]),
      UTC,
      noon('2026-01-10'),
      false,
    )
    assert.deepEqual([basis.days, basis.spent, basis.perDay], [2, 10n, 5n])
    // Half of the 10th, and 21 days more.
    assert.deepEqual([month.spent, month.expected], [13n, 13n + (10n * 43n) / 4n])
  })

  it('counts the days on which nothing was spent, too, where somebody had jobs before', () => {
    const costs = spent('2026-01-09', 1, 70n)
    assert.deepEqual(
      [false, true].map((isOlder) => forecastOf(costs, UTC, noon('2026-01-10'), isOlder).basis.perDay),
      [70n, 10n],
    )
    const { basis, month } = forecastOf(new Map(), UTC, noon('2026-01-10'), true)
    assert.deepEqual([basis.days, basis.perDay, month.expected], [7, 0n, 0n])
  })

  it('rests on seven days, and is held against the seven before, over the end of a month', () => {
    const costs = new Map([...spent('2026-01-19', 7, 2n), ...spent('2026-01-26', 7, 3n), ['2026-02-02', 1n]])
    const { basis, perDayBefore, month } = forecastOf(costs, UTC, Date.parse('2026-02-02'), false)
    assert.deepEqual([basis.days, basis.perDay, perDayBefore], [7, 3n, 2n])
    assert.deepEqual([month.spent, month.expected], [4n, 4n + 27n * 3n])
  })

  it('counts the hours that there are where clocks are changed', () => {
    const berlin = daysIn('Europe/Berlin')
    const startMs = berlin.startOf('2026-04-01')
    const { basis, month } = forecastOf(spent('2026-03-25', 7, 167n), berlin, startMs, false)
    // 167 hours, for one was skipped; 30 days of 24 hours follow.
    assert.equal(basis.toMs - basis.fromMs, 167 * 3_600_000)
    assert.equal(month.expected, 7n * 720n)
  })

  it('keeps every nano-dollar of what no float could', () => {
    const each = 9_007_199_254_740_993n
    const { month } = forecastOf(spent('2026-01-01', 9, each), UTC, noon('2026-01-09'), false)
    assert.equal(month.spent, 9n * each)
  })

  it('is said with what it rests on', () => {
    const time = { from: '2026-01-24T00:00:00Z', to: '2026-02-01T00:00:00Z' }
    const basis = { ...time, days: 7, spent: 2.8, perDay: 0.4, perDayBefore: 0.35 }
    const forecast = {
      timezone: 'UTC',
      currency: 'USD' as const,
      basis,
      month: { ...time, spent: 11.2, expected: 11.4 },
    }
    const words = 'if it goes on as on the last 7 whole days, at $0.4 a day.'
    assert.equal(
      forecastWords(forecast),
      `This month $11.20 was spent so far; $11.40 is expected by 31 January, ${words}`,
    )
    assert.equal(trendWords(forecast), '14 % more than in the week before')
    for (const perDayBefore of [null, 0]) {
      assert.equal(trendWords({ ...forecast, basis: { ...basis, perDayBefore } }), null)
    }
  })
})
