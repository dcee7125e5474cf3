import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeadError, requestHead } from '../../../gateway/http/http2/request-head.ts'

const head = (method: string, ...more: string[]): string[] => [
  ...[':method', method, ':scheme', 'https', ':authority', 'localhost', ':path', '/api/health'],
  ...more,
]

describe('the head of a request by HTTP/2', () => {
  it('has a body of GET or HEAD say its length, 64 KiB at most: nobody has to read it', () => {
    for (const method of ['GET', 'HEAD']) {
      assert.equal(requestHead(head(method, 'content-length', '65536'), false).bodyBytes, 65_536)
      assert.equal(requestHead(head(method), true).bodyBytes, null)
      for (const more of [[], ['content-length', '65537']]) {
        assert.throws(() => requestHead(head(method, ...more), false), HeadError, `${method} ${more}`)
      }
    }
    assert.equal(requestHead(head('POST'), false).bodyBytes, null)
    assert.equal(requestHead(head('POST', 'content-length', '65537'), false).bodyBytes, 65_537)
  })
})
