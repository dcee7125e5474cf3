import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { answerStreams, receiveWithin } from '../../../node/network/answer-streams.ts'
import { WireError } from '../../../protocol/wire-error.ts'
import { createMemoryHub } from '../../support/memory-network.ts'

const PROTOCOL = '/cortex/test/1.0.0'
const OPTIONS = { maxMessageBytes: 64 }

/** What a stream came to, and what the peer that opened it was blamed for. */
async function answered(answer: Parameters<typeof answerStreams>[3]) {
  const hub = createMemoryHub()
  const [server, client] = [await hub.join(), await hub.join()]
  answerStreams({ network: server.network, logger: silentLogger, name: 'test' }, PROTOCOL, OPTIONS, answer)
  const channel = await client.network.open(server.network.peerId, PROTOCOL, OPTIONS)
  await channel.send(Uint8Array.of(1))
  const result = await channel.receive().then(
    (bytes) => bytes?.[0],
    (error) => error.code,
  )
  return { result, refused: server.network.counters().refused }
}

describe('answering streams', () => {
  it('leaves one that went well to its handler', async () => {
    const { result, refused } = await answered(async (channel) => {
      await channel.send((await channel.receive()) ?? Uint8Array.of(0))
      await channel.close()
    })
    assert.deepEqual([result, refused], [1, {}])
  })

  it('ends one whose message was wrong, and blames who sent it', async () => {
    const { result, refused } = await answered(async () => {
      throw new WireError('MALFORMED', 'No such message')
    })
    assert.deepEqual([result, refused], ['CHANNEL_BROKEN', { 'penalty:test: MALFORMED': 1 }])
  })

  it('ends one that failed here, and blames nobody', async () => {
    const { result, refused } = await answered(async () => {
      throw new Error('The disk is full')
    })
    assert.deepEqual([result, refused], ['CHANNEL_BROKEN', {}])
  })

  it('waits for a message no longer than it is told', async () => {
    const { result } = await answered(async (channel) => {
      await channel.receive()
      await receiveWithin(channel, { clock: systemClock, ms: 1 })
    })
    assert.equal(result, 'CHANNEL_BROKEN')
  })
})
