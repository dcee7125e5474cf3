import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStanding } from '../../provider-agent/standing.ts'
import { createSimClock } from '../support/sim-clock.ts'

function setUp() {
  const clock = createSimClock()
  return { clock, standing: createStanding({ clock }) }
}

/** Lets bids lapse so often, each time long after the one before. */
async function lapse(times: number, { clock, standing }: ReturnType<typeof setUp>): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    standing.lapsed('r')
    await clock.advance(6_000)
  }
}

describe('standing', () => {
  it('forgives the first lapse, and halves the share with each further one', async () => {
    const shares: number[] = []
    const setup = setUp()
    for (let i = 0; i < 4; i += 1) {
      await lapse(1, setup)
      shares.push(setup.standing.share('r'))
    }
    assert.deepEqual(shares, [1, 1 / 2, 1 / 4, 1 / 8])
    assert.equal(setup.standing.share('somebody else'), 1)
  })

  it('counts many bids that lapse together once: a requester that crashed', () => {
    const { standing } = setUp()
    for (let i = 0; i < 50; i += 1) standing.lapsed('r')
    assert.equal(standing.share('r'), 1)
  })

  it('never falls below a 64th', async () => {
    const setup = setUp()
    await lapse(9, setup)
    assert.equal(setup.standing.share('r'), 1 / 64)
  })

  it('rises again with time', async () => {
    const setup = setUp()
    await lapse(3, setup)
    await setup.clock.advance(60_000)
    assert.equal(setup.standing.share('r'), 1 / 2)
    await setup.clock.advance(600_000)
    assert.equal(setup.standing.share('r'), 1)
  })

  it('remembers who has awarded a bid', () => {
    const { standing } = setUp()
    standing.awarded('r')
    assert.deepEqual([standing.hasAwarded('r'), standing.hasAwarded('somebody else')], [true, false])
  })

  it('rises again with awards', async () => {
    const setup = setUp()
    await lapse(3, setup)
    setup.standing.awarded('r')
    assert.equal(setup.standing.share('r'), 1 / 2)
  })
})
