import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Channel } from '../../../node/network/index.ts'
import { enterWith, openReachAtOnce } from '../../../node/reach/open-reach.ts'
import { encode } from '../../../protocol/codec.ts'
import { ReachReplySchema } from '../../../protocol/gen/cortex/v1/reach_pb.js'
import { readReachHello } from '../../../protocol/reach-messages.ts'
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

  it('says what it is for to another stream where one broke that may have waited; what ran once runs no second time', async () => {
    const clock = createSimClock()
    const hub = createMemoryHub({ clock })
    const [buyer, seller] = [await hub.join(1), await hub.join(2)]
    seller.network.handle(Protocol.tunnel, async (channel) => {
      await channel.receive()
      await channel.send(encode(ReachReplySchema, { ok: true }))
      await channel.send(Buffer.from('in'))
    })
    let opened = 0
    const network = {
      async open(...how: Parameters<typeof buyer.network.open>) {
        opened += 1
        const channel = await buyer.network.open(...how)
        if (opened === 1) channel.abort(new Error('it waited too long'))
        return channel
      },
    }
    const rest = { addresses: [], protocol: Protocol.tunnel, signal: AbortSignal.any([]) }
    const provider = seller.network.peerId
    const hello = { provider, hello: new Uint8Array(), away: 'It is away' }
    await assert.rejects(enterWith({ network, clock }, { ...rest, ...hello }), { code: 'UNREACHABLE' })
    assert.equal(opened, 1)
    opened = 0
    const channel = await openReachAtOnce(
      { network, clock },
      {
        ...{ ...rest, jobId: 'job_01k8m3q7w9x2v5n4c6b8d0f1g3', lease: { provider, addresses: [], fence: 1 } },
        content: { case: 'tunnel', value: { port: 80, protocol: 'TCP' } },
      },
    )
    assert.equal(String(Buffer.from((await channel.receive()) ?? [])), 'in')
    assert.equal(opened, 2)
  })

  it('carries what is sent before it is let in, and says at what is received that it is not', async () => {
    const clock = createSimClock()
    const hub = createMemoryHub({ clock })
    const [buyer, seller] = [await hub.join(1), await hub.join(2)]
    let isOpen = true
    seller.network.handle(Protocol.tunnel, async (channel) => {
      const { jobId } = readReachHello((await channel.receive()) ?? new Uint8Array())
      const early = await channel.receive()
      await channel.send(encode(ReachReplySchema, isOpen ? { ok: true } : { code: 'NOT_LISTENING', message: 'Nobody' }))
      await channel.send(Buffer.concat([Buffer.from(`${jobId} `), early ?? Buffer.alloc(0)]))
      await channel.close()
    })
    const jobId = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'
    const open = async (): Promise<Channel> => {
      const channel = await openReachAtOnce(
        { network: buyer.network, clock },
        {
          ...{ jobId, lease: { provider: seller.network.peerId, addresses: [], fence: 1 }, protocol: Protocol.tunnel },
          content: { case: 'tunnel', value: { port: 80, protocol: 'TCP' } },
          signal: AbortSignal.any([]),
        },
      )
      await channel.send(Buffer.from('early'))
      return channel
    }
    assert.equal(String(Buffer.from((await (await open()).receive()) ?? [])), `${jobId} early`)
    isOpen = false
    await assert.rejects((await open()).receive(), { code: 'NOT_LISTENING', message: 'Nobody' })
  })
})
