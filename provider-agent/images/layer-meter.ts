/**
 * What a layer takes once it is unpacked, counted while it is on its way to the engine: a few MiB may unpack to more than
 * any disk holds, and an engine that has begun to unpack cannot be stopped.
 */

import { createHash } from 'node:crypto'
import { finished } from 'node:stream/promises'
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib'
import { RegistryFailure } from '../../node/registry/failure.ts'
import { createTarMeter } from './tar-meter.ts'

/** Takes in one layer as it is sent. */
export interface LayerMeter {
  /** The next bytes of the layer. Resolves when more may come. @throws {RegistryFailure} */
  write(bytes: Buffer): Promise<void>
  /** The layer is whole. @throws {RegistryFailure} */
  end(): Promise<void>
  /** Lets go of it, whole or not. */
  close(): void
}

/** How bzip2, xz and frames that zstd skips begin; the last after one byte. */
const OTHER_PACKING = ['BZh', '7zXZ', '*M'].map((text) => Buffer.from(text))

/** A layer may unpack to this many bytes more than {@link MAX_RATIO} times itself: a base of zeros is no attack. */
const RATIO_SLACK_BYTES = 256 * 2 ** 20
/** How often larger a layer may be unpacked; deflate's most is about 1,030, programs and libraries have 2 to 5. */
const MAX_RATIO = 100

/**
 * @param layer its size as it is sent, and the digest of what it unpacks to: an engine that has a layer of that digest does
 *   not look at what is sent for it, and nobody is to have one that he cannot send
 * @param check called with the bytes that it takes so far; throws where that is too much
 */
export function createLayerMeter(
  { size: sizeBytes, diffId }: { size: number; diffId: string },
  check: (bytes: number) => void,
): LayerMeter {
  const hash = createHash('sha256')
  const tar = createTarMeter()
  let unpacker: Gunzip | ZstdDecompress | null = null
  let begun = false
  let sentBytes = 0
  let failure: unknown = null
  let release: () => void = () => undefined

  function push(piece: Buffer): void {
    if (failure !== null) return
    try {
      hash.update(piece)
      tar.write(piece)
      if (tar.streamed() > RATIO_SLACK_BYTES + MAX_RATIO * sizeBytes) {
        throw new RegistryFailure('image-bomb', `a layer of ${sizeBytes} bytes unpacks to more than ${tar.streamed()}`)
      }
      check(tar.bytes())
    } catch (error) {
      failure = error
      unpacker?.destroy()
    }
  }

  function begin(head: Buffer): void {
    const options = { chunkSize: 256 * 1024 }
    if (head[0] === 0x1f && head[1] === 0x8b) unpacker = createGunzip(options)
    else if (head.readUInt32LE(0) === 0xfd2fb528) unpacker = createZstdDecompress(options)
    // Engines look at what comes rather than at what it is called, and unpack these, too.
    else if (OTHER_PACKING.some((magic) => head.includes(magic) && head.indexOf(magic) <= 1)) {
      throw new RegistryFailure('invalid-image', 'a layer is packed with neither gzip nor zstd')
    }
    unpacker?.on('data', push)
    unpacker?.on('close', () => release())
    unpacker?.on('error', (error) => {
      failure ??= new RegistryFailure('invalid-image', 'a layer cannot be unpacked', { cause: error })
    })
  }

  function throwIfFailed(): void {
    if (failure !== null) throw failure
  }

  let early = Buffer.alloc(0)

  async function feed(bytes: Buffer): Promise<void> {
    sentBytes += bytes.length
    if (unpacker === null) push(bytes)
    else {
      const { promise, resolve } = Promise.withResolvers<void>()
      release = resolve
      unpacker.write(bytes, () => resolve())
      await promise
    }
    throwIfFailed()
  }

  return {
    async write(bytes) {
      throwIfFailed()
      if (begun) return await feed(bytes)
      early = Buffer.concat([early, bytes])
      if (early.length < 8) return
      begun = true
      begin(early)
      await feed(early)
    },
    async end() {
      if (!begun) throw new RegistryFailure('invalid-image', 'a layer is empty')
      if (unpacker !== null) {
        unpacker.end()
        await finished(unpacker).catch(() => undefined) // told by what it left
        throwIfFailed()
        if (unpacker.bytesWritten !== sentBytes) {
          throw new RegistryFailure('invalid-image', 'a layer has something behind its end')
        }
      }
      tar.end()
      if (`sha256:${hash.digest('hex')}` === diffId) return
      throw new RegistryFailure('invalid-image', 'a layer is not what the configuration says')
    },
    close: () => void unpacker?.destroy(),
  }
}
