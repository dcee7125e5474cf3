/** An image as engines take it by `load`: Docker's archive, which Podman and containerd read as well. */

import { Header } from 'tar/header'

/** An image whose layers are read as the engine takes them. */
export interface ArchivedImage {
  /** What the engine is to call it. */
  name: string
  /** Its configuration, as its registry sent it. */
  config: { digest: string; bytes: Buffer }
  /** From the lowest on. Those without content are there already. */
  layers: { size: number; content: (() => AsyncIterable<Buffer>) | null }[]
}

const BLOCK = 512

/** The list that makes an image of it all comes last: what breaks off before is none. */
export async function* archiveOf({ name, config, layers }: ArchivedImage): AsyncGenerator<Buffer> {
  const configName = `${config.digest.slice('sha256:'.length)}.json`
  const layerName = (i: number): string => `${i}.tar`
  for (const [i, { size, content }] of layers.entries()) {
    if (content === null) continue
    yield headerOf(layerName(i), size)
    yield* content()
    yield padding(size)
  }
  yield* fileOf(configName, config.bytes)
  const list = [{ Config: configName, RepoTags: [name], Layers: layers.map((_, i) => layerName(i)) }]
  yield* fileOf('manifest.json', Buffer.from(JSON.stringify(list)))
  yield Buffer.alloc(2 * BLOCK)
}

function* fileOf(path: string, bytes: Buffer): Generator<Buffer> {
  yield headerOf(path, bytes.length)
  yield bytes
  yield padding(bytes.length)
}

function headerOf(path: string, size: number): Buffer {
  const header = new Header({ path, size, type: 'File', mode: 0o644, mtime: new Date(0) })
  header.encode()
  if (header.block === undefined) throw new TypeError('no header was made')
  return header.block
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
}
