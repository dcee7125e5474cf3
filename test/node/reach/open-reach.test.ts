import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { enterWith } from '../../../node/reach/open-reach.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { createMemoryHub } from '../../support/memory-network.ts'
import { createSimClock } from '../../support/sim-clock.ts'

describe('a way into a job', () => {
  it('says of a provider whose version has none that it is older, and of one that is not there that it is away', async () => {
    const clock = createSimClock()
    const hub = createMemoryHub({ clock })
    const [buyer, seller] = [await hub.join(1), await hub.join(2)]
    const enter = async (provider: string) =>
      await enterWith(
        { network: buyer.network, clock },
        {
          ...{ provider, addresses: [], protocol: Protocol.exec, hello: new Uint8Array() },
          ...{ signal: AbortSignal.any([]), away: 'It is away' },
        },
      )
    await assert.rejects(enter(seller.network.peerId), { code: 'UNREACHABLE', message: /version is older/ })
    const nobody = '12D3KooWGzBXwNHB3cXmXsCLzHCLcTAzGHXcMEeeWkTvLxNVBgDz'
    await assert.rejects(enter(nobody), { code: 'UNREACHABLE', message: 'It is away' })
  })
})
