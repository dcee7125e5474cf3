import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createOutputFrames } from '../../../provider-agent/reach/output-frames.ts'

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

describe('the frames of a command’s output', () => {
  const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'err'), frame(1, ''), frame(1, 'more')])

  it('come apart the same in pieces of any size', () => {
    for (let size = 1; size <= bytes.length; size += 1) {
      const frames = createOutputFrames()
      const said = { stdout: '', stderr: '' }
      for (let at = 0; at < bytes.length; at += size) {
        for (const piece of frames.push(bytes.subarray(at, at + size))) said[piece.stream] += piece.bytes.toString()
      }
      assert.deepEqual(said, { stdout: 'outmore', stderr: 'err' }, `pieces of ${size}`)
    }
  })
})
