import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { fakeEngine, json } from '../fake-server.ts'

const STARTED = Date.parse('2026-11-26T12:00:00.000Z')
const ENDED = STARTED + 2_500
const ID = '0a'.repeat(32)

const oom = { Action: 'oom', Actor: { Attributes: {} } }
const kill = (signal: string) => ({ Action: 'kill', Actor: { Attributes: { signal } } })

/** What waiting for a container says that ended this way, and what the engine was asked for its events. */
async function wait(
  test: TestContext,
  init: { exitCode: number; oomKilled?: boolean; events?: object[]; late?: object[] },
) {
  const { exitCode, oomKilled: marked = false, events = [], late = [] } = init
  let isLater = false
  const state = {
    ...{ Status: 'exited', ExitCode: exitCode, OOMKilled: marked },
    ...{ StartedAt: new Date(STARTED).toISOString(), FinishedAt: new Date(ENDED).toISOString() },
  }
  const { engine, requests } = await fakeEngine(test, {
    'GET /containers/one/json': json({
      Id: ID,
      State: state,
      HostConfig: { NetworkMode: 'none' },
      Config: { Labels: {} },
    }),
    'POST /containers/one/wait': json({ StatusCode: exitCode }),
    'GET /events': (response: ServerResponse) => {
      for (const event of isLater ? [...events, ...late] : events) response.write(`${JSON.stringify(event)}\n`)
      isLater = true
      response.end()
    },
  })
  const { oomKilled, unseen } = await engine.wait('one')
  const [asked] = requests.filter(({ path }) => path.startsWith('GET /events'))
  return {
    oomKilled,
    unseen,
    asked: asked === undefined ? null : new URL(asked.path.slice(4), 'http://engine').searchParams,
  }
}

describe('an end for want of memory', () => {
  it('is believed where the engine marks it, and not asked for again', async (test) => {
    assert.deepEqual(await wait(test, { exitCode: 137, oomKilled: true }), {
      oomKilled: true,
      unseen: undefined,
      asked: null,
    })
    assert.deepEqual(await wait(test, { exitCode: 1, oomKilled: true }), {
      oomKilled: true,
      unseen: undefined,
      asked: null,
    })
  })

  it('is none where the program went on to end well, or was not killed', async (test) => {
    assert.deepEqual(await wait(test, { exitCode: 0, oomKilled: true }), {
      oomKilled: false,
      unseen: undefined,
      asked: null,
    })
    assert.equal((await wait(test, { exitCode: 3, events: [oom] })).oomKilled, false)
  })

  it('is seen where the engine heard of it after the end', async (test) => {
    const { oomKilled, asked } = await wait(test, { exitCode: 137, events: [kill('15'), oom] })
    assert.equal(oomKilled, true)
    assert.deepEqual(JSON.parse(asked?.get('filters') ?? ''), { container: [ID], event: ['oom', 'kill', 'die'] })
    // From the start until a second after the end, by the engine's clock.
    assert.equal(Number(asked?.get('since')) * 1_000, STARTED)
    assert.equal(Number(asked?.get('until')) * 1_000, ENDED + 1_000)
  })

  it('is none where the program was killed by somebody, or by itself', async (test) => {
    assert.equal((await wait(test, { exitCode: 137, events: [kill('15'), kill('9')] })).oomKilled, false)
    assert.equal((await wait(test, { exitCode: 137 })).oomKilled, false)
  })
})

describe('an end while the engine was away', () => {
  const die = { Action: 'die', Actor: { Attributes: {} } }
  const other = { Action: 'start', Actor: { Attributes: {} } }

  it('is what the engine does not tell of, unless it has told of so much since that it may have forgotten', async (test) => {
    assert.equal((await wait(test, { exitCode: 0, events: [die] })).unseen, undefined)
    assert.equal((await wait(test, { exitCode: 0, events: Array(255).fill(other) })).unseen, true)
    assert.equal((await wait(test, { exitCode: 137, events: [oom] })).unseen, true)
    assert.equal((await wait(test, { exitCode: 0, events: Array(256).fill(other) })).unseen, undefined)
  })

  it('is none that a busy engine tells of late', async (test) => {
    assert.equal((await wait(test, { exitCode: 0, late: [die] })).unseen, undefined)
    assert.equal((await wait(test, { exitCode: 0, late: [other] })).unseen, true)
  })
})
