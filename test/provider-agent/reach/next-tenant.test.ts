import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import type { Channel } from '../../../node/network/index.ts'
import { encode } from '../../../protocol/codec.ts'
import { ReachHelloSchema, ReachReplySchema } from '../../../protocol/gen/cortex/v1/reach_pb.js'
import { Protocol } from '../../../protocol/topics.ts'
import type { ContainerAccess } from '../../../provider-agent/engine/access.ts'
import { type AgentRig, createAgentRig, type Running } from '../../support/agent-rig.ts'
import { until } from '../../support/until.ts'

describe('what reaches into a container once its address may be the next one’s', () => {
  let rig: AgentRig
  let tenant: Socket
  let removal: PromiseWithResolvers<void>
  let heard: string[]

  beforeEach(async () => {
    removal = Promise.withResolvers()
    heard = []
    tenant = createSocket('udp4')
    tenant.on('message', (datagram) => heard.push(String(datagram)))
    tenant.bind(0, '127.0.0.1')
    await once(tenant, 'listening')
    const endpoint = { host: '127.0.0.1', port: tenant.address().port, published: null }
    const access = {
      locate: async () => endpoint,
      look: async () => ({ health: null, ports: [] }),
    } as Partial<ContainerAccess> as ContainerAccess
    rig = await createAgentRig({
      components: { access },
      offers: { networkProblem: null, countsTraffic: true },
    })
    const { remove } = rig.engine
    rig.engine.remove = async (name, options) => {
      await removal.promise
      await remove(name, options)
    }
  })

  afterEach(async () => {
    removal.resolve()
    await rig.stop()
    tenant.close()
  })

  async function begin(): Promise<Running> {
    const running = await rig.run({ ports: [{ port: 53, protocol: 'UDP' }] })
    await running.follow.report('started')
    return running
  }

  /** A flow to the port, and the first answer on it. */
  async function reach({ asked: { jobId } }: Running): Promise<{ channel: Channel; code: string }> {
    const channel = await rig.requester.network.open(rig.provider, Protocol.tunnel, { maxMessageBytes: 2 ** 20 })
    const content = { case: 'tunnel' as const, value: { port: 53, protocol: 'UDP' } }
    await channel.send(encode(ReachHelloSchema, { jobId, fence: 1, content }))
    const { code } = fromBinary(ReachReplySchema, (await channel.receive()) ?? new Uint8Array())
    return { channel, code }
  }

  async function openFlow(running: Running): Promise<Channel> {
    const { channel, code } = await reach(running)
    assert.equal(code, '')
    await channel.send(Buffer.from('own'))
    await until(() => heard.includes('own'))
    return channel
  }

  /** Whoever has the address now hears nothing of it. */
  async function assertOver(channel: Channel): Promise<void> {
    let isOver = false
    const ending = (async () => {
      while ((await channel.receive()) !== null);
    })()
    void ending
      .catch(() => undefined)
      .finally(() => {
        isOver = true
      })
    await channel.send(Buffer.from('strange')).catch(() => undefined)
    await until(() => isOver || heard.includes('strange'))
    assert.deepEqual(heard, ['own'])
  }

  it('ends, and lets nobody in, before a stale one is removed', async () => {
    const running = await begin()
    const channel = await openFlow(running)
    await running.follow.command({ case: 'stale', value: {} })
    await until(() => rig.engine.containers.get(running.name)?.state === 'exited')
    assert.equal((await reach(running)).code, 'NOT_RUNNING')
    await assertOver(channel)
  })

  it('lets nobody in to a stale one that takes its time to end', async () => {
    rig.engine.script = () => ({ onStop: 'ignore' })
    const running = await begin()
    await running.follow.command({ case: 'stale', value: {} })
    await running.follow.over
    assert.equal((await reach(running)).code, 'NOT_RUNNING')
    assert.equal(rig.engine.containers.get(running.name)?.state, 'running')
    await rig.clock.advance(60_000)
  })

  it('ends, and lets nobody in, as soon as it has ended, whatever is still to be told of it', async () => {
    rig.engine.script = () => ({ logLagMs: 60_000 })
    const running = await begin()
    const channel = await openFlow(running)
    rig.engine.containers.get(running.name)?.exit(0)
    await until(async () => (await reach(running)).code === 'NOT_RUNNING')
    await assertOver(channel)
    assert.equal(
      running.follow.reports.some(({ content }) => content.case === 'ended'),
      false,
    )
    await rig.clock.advance(200_000)
  })
})
