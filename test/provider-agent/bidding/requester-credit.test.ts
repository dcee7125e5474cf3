import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRequesterCredit } from '../../../provider-agent/bidding/requester-credit.ts'
import { createSimClock } from '../../support/sim-clock.ts'

function setUp() {
  const clock = createSimClock()
  return { clock, credit: createRequesterCredit({ clock }) }
}

/** Lets bids lapse so often, each time long after the one before. */
async function lapse(times: number, { clock, credit }: ReturnType<typeof setUp>): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    credit.lapsed('r')
    await clock.advance(6_000)
  }
}

describe('credit', () => {
  it('forgives the first lapse, and halves the share with each further one', async () => {
    const shares: number[] = []
    const setup = setUp()
    for (let i = 0; i < 4; i += 1) {
      await lapse(1, setup)
      shares.push(setup.credit.share('r'))
    }
    assert.deepEqual(shares, [1, 1 / 2, 1 / 4, 1 / 8])
    assert.equal(setup.credit.share('somebody else'), 1)
  })

  it('counts many bids that lapse together once: a requester that crashed', () => {
    const { credit } = setUp()
    for (let i = 0; i < 50; i += 1) credit.lapsed('r')
    assert.equal(credit.share('r'), 1)
  })

  it('never falls below a 64th', async () => {
    const setup = setUp()
    await lapse(9, setup)
    assert.equal(setup.credit.share('r'), 1 / 64)
  })

  it('rises again with time', async () => {
    const setup = setUp()
    await lapse(3, setup)
    await setup.clock.advance(60_000)
    assert.equal(setup.credit.share('r'), 1 / 2)
    await setup.clock.advance(600_000)
    assert.equal(setup.credit.share('r'), 1)
  })

  it('remembers who has awarded a bid', () => {
    const { credit } = setUp()
    credit.awarded('r')
    assert.deepEqual([credit.hasAwarded('r'), credit.hasAwarded('somebody else')], [true, false])
  })

  it('rises again with awards', async () => {
    const setup = setUp()
    await lapse(3, setup)
    setup.credit.awarded('r')
    assert.equal(setup.credit.share('r'), 1 / 2)
  })
})
