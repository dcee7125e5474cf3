/** A piece of a command's output. */
export interface OutputPiece {
  stream: 'stdout' | 'stderr'
  bytes: Buffer
}

const HEADER_BYTES = 8

/**
 * Takes the engine's multiplexed output apart: frames of 1 byte stream, 3 bytes nothing, 4 bytes length, then the output.
 * Give it the bytes in pieces of any size; what a frame holds is passed on as it comes.
 */
export function createOutputFrames(): { push(chunk: Buffer): OutputPiece[] } {
  let header: Buffer = Buffer.alloc(0)
  let stream: OutputPiece['stream'] = 'stdout'
  let leftBytes = 0
  return {
    push(chunk) {
      const pieces: OutputPiece[] = []
      for (let at = 0; at < chunk.length; ) {
        if (leftBytes === 0) {
          const part = chunk.subarray(at, at + HEADER_BYTES - header.length)
          header = Buffer.concat([header, part])
          at += part.length
          if (header.length < HEADER_BYTES) break
          stream = header[0] === 2 ? 'stderr' : 'stdout'
          leftBytes = header.readUInt32BE(4)
          header = Buffer.alloc(0)
        } else {
          const bytes = chunk.subarray(at, at + leftBytes)
          pieces.push({ stream, bytes })
          at += bytes.length
          leftBytes -= bytes.length
        }
      }
      return pieces
    },
  }
}
