/** A layer as it comes from its registry: resumed where the connection breaks, never slower than the least rate, checked. */

import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { RegistryFailure } from '../../node/registry/failure.ts'
import type { Layer } from '../../node/registry/manifest.ts'
import type { RegistrySession } from '../../node/registry/session.ts'
import { createLayerMeter } from './layer-meter.ts'
import type { Patience } from './patience.ts'

/** What one layer is brought with, and who is told how far it is. */
export interface LayerTransfer {
  session: Pick<RegistrySession, 'stream'>
  patience: Patience
  signal: AbortSignal
  /** Called with what of the layer has come, in bytes. */
  onBytes: (bytes: number) => void
  /** Called with what the layer takes unpacked as far as is known, in bytes; throws where that is too much. */
  onUnpacked: (bytes: number) => void
}

/** Connections that may break while one layer comes. */
const MAX_BREAKS = 4

/** All of the layer's bytes as they are sent. @throws {RegistryFailure} before the last of them where it is not what it says */
export async function* readLayer(layer: Layer & { diffId: string }, transfer: LayerTransfer): AsyncGenerator<Buffer> {
  const { onBytes, onUnpacked } = transfer
  const hash = createHash('sha256')
  const meter = createLayerMeter(layer, onUnpacked)
  let received = 0
  try {
    for await (const piece of pieces(layer, transfer)) {
      received += piece.length
      hash.update(piece)
      await meter.write(piece)
      onBytes(received)
      yield piece
    }
    if (`sha256:${hash.digest('hex')}` !== layer.digest) {
      throw new RegistryFailure('invalid-image', `the registry sent something else than ${layer.digest}`)
    }
    await meter.end()
  } finally {
    meter.close()
  }
}

async function* pieces({ digest, size }: Layer, transfer: LayerTransfer): AsyncGenerator<Buffer> {
  const { session, patience, signal } = transfer
  let received = 0
  for (let breaks = 0; received < size; breaks += 1) {
    const answer = await session.stream(digest, received)
    try {
      for await (const piece of patiently(answer, patience)) {
        received += piece.length
        if (received > size) throw new RegistryFailure('invalid-image', 'a layer is larger than the manifest says')
        yield piece
      }
      if (received < size) throw new RegistryFailure('invalid-image', 'a layer is smaller than the manifest says')
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof RegistryFailure) throw error
      if (breaks === MAX_BREAKS) {
        throw new RegistryFailure('registry-unreachable', 'the connection broke again and again', { cause: error })
      }
    } finally {
      answer.destroy()
    }
  }
}

async function* patiently(answer: IncomingMessage, patience: Patience): AsyncGenerator<Buffer> {
  const iterator = (answer as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  for (;;) {
    const piece = await patience.wait(
      async () => {
        const { done, value } = await iterator.next()
        return done === true ? null : value
      },
      () => answer.destroy(),
    )
    if (piece === null) return
    yield piece
  }
}
