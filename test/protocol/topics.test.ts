import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DEFAULT_NETWORK, NETWORK_NAME, Protocol, topicName } from '../../protocol/topics.ts'

describe('names on the wire', () => {
  it('are fixed: changing one splits the network', () => {
    assert.equal(topicName('main', 'announcements'), '/cortex/1/main/announcements')
    assert.equal(topicName('main', 'requests'), '/cortex/1/main/requests')
    assert.deepEqual(Protocol, {
      ask: '/cortex/ask/1.0.0',
      bid: '/cortex/bid/1.0.0',
      award: '/cortex/award/1.0.0',
      lease: '/cortex/lease/1.0.0',
      tunnel: '/cortex/tunnel/1.0.0',
      volumeFiles: '/cortex/volume-files/1.0.0',
      exec: '/cortex/exec/1.0.0',
      input: '/cortex/input/1.0.0',
      output: '/cortex/output/1.0.0',
      directory: '/cortex/directory/1.0.0',
      files: '/cortex/files/1.0.0',
      volumes: '/cortex/volumes/1.0.0',
    })
  })

  it('keep networks apart: no name of a network reaches into another', () => {
    assert.match(DEFAULT_NETWORK, NETWORK_NAME)
    for (const name of ['a', 'team-7', '0', 'a'.repeat(32)]) assert.match(name, NETWORK_NAME)
    for (const name of ['', '-a', 'A', 'a/b', 'a b', 'a\n', '..', 'a'.repeat(33)])
      assert.doesNotMatch(name, NETWORK_NAME)
  })
})
