import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { createImageHoldback } from '../../../provider-agent/images/holdback.ts'
import { type AgentRig, createAgentRig, type RigInit } from '../../support/agent-rig.ts'
import { createMemoryHub } from '../../support/memory-network.ts'
import { createSimClock } from '../../support/sim-clock.ts'
import { createTestRequester, type TestRequester } from '../../support/test-requester.ts'

const ALL = { inRequester: false, inPlatform: false }
const ME = { requester: 'me', platform: 'linux/amd64', digest: '', mayUseLocal: false }
const YOU = { ...ME, requester: 'you' }

describe('entry 26: an image that could not be got here', () => {
  it('is left to others for a minute, then for twice as long, up to a quarter of an hour, until it worked', async () => {
    const clock = createSimClock()
    const holdback = createImageHoldback({ clock })
    assert.equal(holdback.leftMs('a', ME), 0)
    for (const minutes of [1, 2, 4, 8, 15, 15]) {
      holdback.failed('a', ME, ALL)
      holdback.failed('a', ME, ALL)
      assert.equal(holdback.leftMs('a', ME), minutes * 60_000)
      await clock.advance(minutes * 60_000)
      assert.equal(holdback.leftMs('a', ME), 0)
    }
    holdback.worked('a', ME)
    holdback.failed('a', ME, ALL)
    assert.equal(holdback.leftMs('a', YOU), 60_000)
    assert.equal(holdback.leftMs('b', ME), 0)
  })

  it('with somebody’s credentials is so for that one alone', () => {
    const holdback = createImageHoldback({ clock: createSimClock() })
    holdback.failed('a', ME, { ...ALL, inRequester: true })
    assert.deepEqual([holdback.leftMs('a', ME), holdback.leftMs('a', YOU)], [60_000, 0])
  })

  it('as one platform is so for that one alone, until it worked', () => {
    const holdback = createImageHoldback({ clock: createSimClock() })
    const arm = { ...ME, platform: 'linux/arm64' }
    holdback.failed('a', { ...arm, requester: 'you' }, { ...ALL, inPlatform: true })
    assert.deepEqual([holdback.leftMs('a', arm), holdback.leftMs('a', ME)], [60_000, 0])
    holdback.worked('a', ME)
    assert.equal(holdback.leftMs('a', arm), 60_000)
    holdback.worked('a', arm)
    assert.equal(holdback.leftMs('a', arm), 0)
  })

  it('entry 10: is so for who has the same right to local copies, and for the same bytes', () => {
    const holdback = createImageHoldback({ clock: createSimClock() })
    const owner = { ...YOU, mayUseLocal: true }
    const pinned = { ...YOU, digest: `sha256:${'a'.repeat(64)}` }
    const left = () => [YOU, owner, pinned].map((use) => holdback.leftMs('a', use))
    holdback.failed('a', ME, ALL)
    assert.deepEqual(left(), [60_000, 0, 0])
    holdback.worked('a', owner)
    assert.deepEqual(left(), [60_000, 0, 0], 'what the owner has says nothing of the registry')
    holdback.failed('a', owner, ALL)
    holdback.worked('a', ME)
    assert.deepEqual(left(), [0, 60_000, 0])
    holdback.failed('a', { ...pinned, requester: 'me' }, ALL)
    assert.deepEqual(left(), [0, 60_000, 60_000])
  })

  it('takes no more memory for many names', () => {
    const holdback = createImageHoldback({ clock: createSimClock() })
    for (let i = 0; i < 10_000; i += 1) holdback.failed(`image-${i}`, ME, ALL)
    assert.deepEqual([holdback.leftMs('image-0', ME), holdback.leftMs('image-9999', ME)], [0, 60_000])
  })

  describe('by an agent', () => {
    let rig: AgentRig
    afterEach(async () => await rig.stop())

    const peerIdOf = async (seed: number) =>
      (await createMemoryHub({ clock: createSimClock() }).join(seed)).network.peerId
    const newcomer = async (seed: number) => createTestRequester({ peer: await rig.hub.join(seed), clock: rig.clock })

    async function failing(reason: string, { emulate = [] }: Pick<RigInit, 'emulate'> = {}) {
      rig = await createAgentRig({ emulate })
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
    it('for wrong-architecture: taken as another platform', async () => {
      assert.equal(await failing('wrong-architecture', { emulate: ['linux/arm64'] }), 'IMAGE_UNAVAILABLE')
      const { bid } = await (await rig.requester.ask({ image: 'a', platform: 'linux/arm64' })).answer()
      assert.equal(bid?.platform, 'linux/arm64')
    })
    it('for rate-limited: taken as no other platform either', async () => {
      await failing('rate-limited', { emulate: ['linux/arm64'] })
      const { decline } = await (await rig.requester.ask({ image: 'a', platform: 'linux/arm64' })).answer()
      assert.equal(decline?.code, 'IMAGE_UNAVAILABLE')
    })
    it('entry 10, entry 26: for a stranger is not so for the owner, who has it here', async () => {
      rig = await createAgentRig({ ownRequesters: [await peerIdOf(2)] })
      const pullError = new EngineError('IMAGE_PULL_ERROR', 'image a', { reason: 'rate-limited', image: 'a' })
      const [owner, stranger, other] = [rig.requester, await newcomer(3), await newcomer(4)]
      rig.engine.onPull = ({ mayUseLocal = false }) => {
        rig.engine.script = () => (mayUseLocal ? {} : { pullError })
      }
      const answerTo = async (who: TestRequester) => (await (await who.ask({ image: 'a' })).answer()).bid
      const asked = await stranger.ask({ image: 'a' })
      const { bid } = await asked.answer()
      assert.ok(bid !== null)
      await stranger.award(asked, bid)
      await rig.settle({ follow: await stranger.follow(rig.provider, asked.jobId, 1, 0, {}) })
      assert.deepEqual([await answerTo(stranger), await answerTo(other)], [null, null])
      assert.ok(await answerTo(owner))
      const own = await rig.run({ image: 'a' })
      ;(await rig.container(own.name)).exit(0)
      await rig.settle(own)
      assert.equal(await answerTo(other), null, 'the registry gives no more than before')
    })
    for (const reason of ['not-found', 'unauthorized', 'never-present', 'image-bomb']) {
      it(`for ${reason}, which says nothing of this machine: taken at once`, async () => {
        assert.equal(await failing(reason), 'bid')
      })
    }
  })
})
