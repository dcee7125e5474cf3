import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Channel, OpenOptions } from '../../../node/network/index.ts'
import { createStreamsAhead } from '../../../node/reach/streams-ahead.ts'

/** A network whose channels only know which they are, and whether they were given up. */
function fakeNetwork() {
  const opened: { peer: string; isGivenUp: boolean; channel: Channel }[] = []
  const open = async (peer: string, _protocol: string, _options: OpenOptions): Promise<Channel> => {
    const abort = (): void => {
      one.isGivenUp = true
    }
    const one = { peer, isGivenUp: false, channel: { abort } as unknown as Channel }
    opened.push(one)
    return one.channel
  }
  return { opened, open }
}

const options = { maxMessageBytes: 1 }

describe('streams that are opened ahead', () => {
  it('wait after the first one, one at each provider', async () => {
    const network = fakeNetwork()
    const ahead = createStreamsAhead(network)
    const first = await ahead.open('a', 'p', options)
    assert.equal(first, network.opened[0]?.channel)
    assert.equal(network.opened.length, 1)
    await turn()
    await ahead.open('b', 'p', options)
    await turn()
    assert.deepEqual(
      network.opened.map(({ peer }) => peer),
      ['a', 'a', 'b', 'b'],
    )
    assert.equal(await ahead.open('a', 'p', options), network.opened[1]?.channel)
    const [, further] = [await ahead.open('a', 'p', options), network.opened[4]]
    assert.equal(further?.peer, 'a')
  })

  it('end where nobody needs them', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const network = fakeNetwork()
      const ahead = createStreamsAhead(network)
      await ahead.open('a', 'p', options)
      await turn()
      mock.timers.tick(3_999)
      assert.equal(network.opened[1]?.isGivenUp, false)
      mock.timers.tick(1)
      assert.equal(network.opened[1]?.isGivenUp, true)
      assert.equal(await ahead.open('a', 'p', options), network.opened[2]?.channel)
      assert.equal(network.opened[0]?.isGivenUp, false)
    } finally {
      mock.timers.reset()
    }
  })

  it('end with the signal of whoever took them', async () => {
    const network = fakeNetwork()
    const ahead = createStreamsAhead(network)
    await ahead.open('a', 'p', options)
    await turn()
    const over = new AbortController()
    await ahead.open('a', 'p', { ...options, signal: over.signal })
    assert.equal(network.opened[1]?.isGivenUp, false)
    over.abort(new Error('enough'))
    assert.equal(network.opened[1]?.isGivenUp, true)
  })
})
