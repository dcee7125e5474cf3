import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { until } from '../../support/until.ts'
import { openReceiver, type Receiver } from '../support/receiver.ts'
import { openTestGateway, submit, type TestGateway } from '../support/test-gateway.ts'

const WEBHOOKS = '/api/plugin-core/webhooks'
let gateway: TestGateway
let receiver: Receiver

async function make(fields: object = {}): Promise<string> {
  const json = { url: receiver.url, events: ['job.created'], ...fields }
  const answer = await gateway.ask('POST', WEBHOOKS, { json })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  return answer.data.id
}

const history = async (id: string, query = '') => await gateway.ask('GET', `${WEBHOOKS}/${id}/history${query}`)

describe('an endpoint of a webhook that refuses', () => {
  beforeEach(async () => {
    receiver = await openReceiver()
    gateway = await openTestGateway({ allowPrivateWebhooks: true })
  })
  afterEach(async () => {
    await gateway.close()
    await receiver.close()
  })

  it('entry 31: an event that is refused holds up later ones of its job, and no other job’s', async () => {
    const events = ['job.created', 'job.scheduled', 'job.started', 'job.completed']
    const id = await make({ events })
    await gateway.start()
    const refused = await submit(gateway)
    receiver.answer(({ text }) => (JSON.parse(text).data.job.id === refused ? 500 : 200))
    await gateway.play.start(refused)
    await gateway.play.complete(refused)
    const others = [await submit(gateway), await submit(gateway)]
    for (const other of others) {
      await gateway.play.start(other)
      await gateway.play.complete(other)
    }
    const arrived = (job: string) =>
      receiver.received
        .map(({ text }) => JSON.parse(text))
        .flatMap((event) => (event.data.job.id === job ? [event.type] : []))
    for (const other of others) {
      await until(() => arrived(other).length === events.length)
      assert.deepEqual(arrived(other), events)
    }
    assert.deepEqual(new Set(arrived(refused)), new Set(['job.created']))
    receiver.answer(200)
    for (const delivery of (await history(id, '?status=retrying')).data) {
      await gateway.ask('POST', `${WEBHOOKS}/${id}/history/${delivery.id}/retry`)
    }
    await until(() => arrived(refused).includes('job.completed'))
    assert.deepEqual([...new Set(arrived(refused))], events)
  })

  it('entry 31: one that is dead is shown failing, and well again once something arrives', async () => {
    const id = await make()
    const failing = async () => (await gateway.ask('GET', `${WEBHOOKS}/${id}`)).data.failing
    assert.equal(await failing(), null)
    receiver.answer(503)
    await gateway.start()
    await submit(gateway)
    await submit(gateway)
    await until(async () => (await failing())?.attempts === 2)
    const { since, ...rest } = await failing()
    assert.deepEqual(rest, { attempts: 2, responseCode: 503, error: 'answered 503' })
    assert.ok(Date.parse(since) <= Date.now())
    receiver.answer(200)
    await submit(gateway)
    await until(async () => (await failing()) === null)
  })

  it('entry 24: a retry that a clock set back put far ahead is made at once', async () => {
    receiver.answer(500)
    gateway.time.nowMs = Date.parse('2026-01-01T12:00:00Z')
    const id = await make()
    await gateway.start()
    await submit(gateway)
    await until(async () => (await history(id)).data[0]?.attempts === 1)
    receiver.answer(200)
    gateway.time.nowMs -= 3 * 3600 * 1000
    gateway.dispatcher.wake(id)
    await until(async () => (await history(id)).data[0].status === 'delivered')
  })
})

describe('webhooks where private addresses are not allowed', () => {
  it('are refused at their creation', async () => {
    const closed = await openTestGateway({}, async (host) => {
      if (host === 'nowhere.example') throw new Error('getaddrinfo ENOTFOUND nowhere.example')
      return [{ address: host === 'inward.example' ? '10.0.0.1' : '93.184.216.34', family: 4 }]
    })
    try {
      const cases: [string, number][] = [
        ['https://receiver.example/hook', 201],
        ['http://127.0.0.1/hook', 400],
        ['http://2130706433/', 400],
        ['http://0x7f.1/', 400],
        ['http://[::1]/', 400],
        ['http://[::ffff:10.0.0.1]/', 400],
        ['http://169.254.169.254/latest/meta-data', 400],
        ['https://inward.example/', 400],
        ['https://nowhere.example/', 400],
        ['ftp://receiver.example/', 400],
        ['https://me:pw@receiver.example/', 400],
        ['nonsense', 400],
      ]
      for (const [url, status] of cases) {
        const answer = await closed.ask('POST', WEBHOOKS, { json: { url, events: ['job.created'] } })
        assert.equal(answer.status, status, url)
        if (status === 400) assert.equal(answer.body.error.details.fields[0].path, 'url', url)
      }
    } finally {
      await closed.close()
    }
  })
})
