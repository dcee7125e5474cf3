import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { createImageHoldback } from '../../../provider-agent/images/holdback.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { createSimClock } from '../../support/sim-clock.ts'

describe('entry 26: an image that could not be got here', () => {
  it('is left to others for a minute, then for twice as long, up to a quarter of an hour, until it worked', async () => {
    const clock = createSimClock()
    const holdback = createImageHoldback({ clock })
    assert.equal(holdback.leftMs('a', 'me'), 0)
    for (const minutes of [1, 2, 4, 8, 15, 15]) {
      holdback.failed('a', null)
      holdback.failed('a', null)
      assert.equal(holdback.leftMs('a', 'me'), minutes * 60_000)
      await clock.advance(minutes * 60_000)
      assert.equal(holdback.leftMs('a', 'me'), 0)
    }
    holdback.worked('a')
    holdback.failed('a', null)
    assert.equal(holdback.leftMs('a', 'you'), 60_000)
    assert.equal(holdback.leftMs('b', 'me'), 0)
  })

  it('with somebody’s credentials is so for that one alone', () => {
    const holdback = createImageHoldback({ clock: createSimClock() })
    holdback.failed('a', 'me')
    assert.deepEqual([holdback.leftMs('a', 'me'), holdback.leftMs('a', 'you')], [60_000, 0])
  })

  it('takes no more memory for many names', () => {
    const holdback = createImageHoldback({ clock: createSimClock() })
    for (let i = 0; i < 10_000; i += 1) holdback.failed(`image-${i}`, null)
    assert.deepEqual([holdback.leftMs('image-0', ''), holdback.leftMs('image-9999', '')], [0, 60_000])
  })

  describe('by an agent', () => {
    let rig: AgentRig
    afterEach(async () => await rig.stop())

    async function failing(reason: string) {
      rig = await createAgentRig()
      const pullError = new EngineError('IMAGE_PULL_ERROR', 'image a', { reason, image: 'a' })
      rig.engine.script = ({ image }) => (image === 'a' ? { pullError } : {})
      await rig.settle(await rig.run({ image: 'a' }))
      const answer = await (await rig.requester.ask({ image: 'a' })).answer()
      return answer.bid === null ? answer.decline.code : 'bid'
    }

    for (const reason of [
      'rate-limited',
      'registry-unreachable',
      'registry-not-allowed',
      'no-space',
      'wrong-architecture',
    ]) {
      it(`for ${reason}: declined, and taken again later; other images are not affected`, async () => {
        assert.equal(await failing(reason), 'IMAGE_UNAVAILABLE')
        assert.ok((await (await rig.requester.ask({ image: 'b' })).answer()).bid)
        await rig.clock.advance(61_000)
        assert.ok((await (await rig.requester.ask({ image: 'a' })).answer()).bid)
      })
    }
    for (const reason of ['not-found', 'unauthorized', 'never-present', 'image-bomb']) {
      it(`for ${reason}, which says nothing of this machine: taken at once`, async () => {
        assert.equal(await failing(reason), 'bid')
      })
    }
  })
})
