import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable, type Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import { type Pack, pack } from 'tar-stream'
import { digestOf } from '../../node/registry/manifest.ts'

/** A registry on loopback that does what it likes. */
export interface HostileRegistry {
  /** `127.0.0.1:PORT`. */
  host: string
  /** Offers an image; answers its reference. */
  offer(repository: string, image: HostileImage): string
  /** Paths that were asked for, in order. */
  asked: string[]
  /** Headers of each request, as `asked`. */
  authorizations: (string | undefined)[]
  /** What it says at `/v2/` that it wants to see, whatever is asked for; null where it says nothing. @default null */
  challenge: string | null
  close(): Promise<void>
}

export interface HostileImage {
  /** Answers instead of the registry; true where it did. */
  answer?: (request: IncomingMessage, response: ServerResponse, what: Asked) => boolean | Promise<boolean>
  layers?: HostileLayer[]
  /** What its configuration says beside what goes with the manifest. */
  config?: object
  /** What the manifest is made to say. */
  manifest?: (manifest: Manifest) => unknown
}

export interface HostileLayer {
  bytes: Buffer
  /** Digest of what it unpacks to. */
  diffId: string
}

export interface Asked {
  kind: 'manifest' | 'config' | 'layer' | 'tags'
  /** Of the layers, from 0. */
  layer: number
}

interface Manifest {
  schemaVersion: number
  config: { mediaType: string; digest: string; size: number }
  layers: { mediaType: string; digest: string; size: number }[]
}

export async function startHostileRegistry(): Promise<HostileRegistry> {
  const images = new Map<string, HostileImage>()
  const asked: string[] = []
  const authorizations: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    authorizations.push(request.headers.authorization)
    response.on('error', () => undefined) // whoever asked has enough
    if (request.url === '/v2/' && registry.challenge !== null) {
      response.setHeader('www-authenticate', registry.challenge)
      return refuse(response, 401, 'UNAUTHORIZED')
    }
    void answer(images, request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const registry: HostileRegistry = {
    ...{ host, asked, authorizations, challenge: null },
    offer(repository, image) {
      images.set(repository, image)
      return `${host}/${repository}:1`
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return registry
}

/** A layer with one file. */
export async function layerOf(content: Buffer | string = 'hello'): Promise<HostileLayer> {
  const files = pack()
  files.entry({ name: 'file', mtime: new Date(0) }, content)
  return await packed(files)
}

/** A layer of zeros that is packed with zstd, a few KiB for each GiB; made beside whatever else runs in this process. */
export async function zerosLayer(bytes: number): Promise<HostileLayer> {
  const files = pack()
  const piece = Buffer.alloc(2 ** 20)
  const zeros = Readable.from(Array.from({ length: Math.ceil(bytes / piece.length) }, () => piece))
  zeros.pipe(files.entry({ name: 'file', mtime: new Date(0), size: bytes }))
  return await packed(files, createZstdCompress())
}

/** A layer with a hard link to a file that is not there: an archive as any other, and nothing that can be unpacked. */
export async function brokenLayer(): Promise<HostileLayer> {
  const files = pack()
  files.entry({ name: 'link', type: 'link', linkname: 'nowhere' })
  return await packed(files)
}

/** A layer with a capability that is none: an engine only says that something is invalid, as of much that is its own. */
export async function unclearLayer(): Promise<HostileLayer> {
  const files = pack()
  files.entry({ name: 'file', pax: { 'SCHILY.xattr.security.capability': 'none' } }, '')
  return await packed(files)
}

async function packed(files: Pack, compress: Transform = createGzip()): Promise<HostileLayer> {
  files.finalize()
  const hash = createHash('sha256')
  const hashed = new PassThrough().on('data', (piece: Buffer) => hash.update(piece))
  const bytes = buffer(compress)
  await pipeline(files, hashed, compress)
  return { bytes: await bytes, diffId: `sha256:${hash.digest('hex')}` }
}

async function answer(images: Map<string, HostileImage>, request: IncomingMessage, response: ServerResponse) {
  const [, repository = '', kind, reference = ''] =
    /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^?]+)/.exec(request.url ?? '') ?? []
  const image = images.get(repository)
  if (image === undefined) return refuse(response, 404, 'NAME_UNKNOWN')
  const { layers = [await layerOf(repository)] } = image
  const architecture = { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch
  const config = json({
    ...{ architecture, os: 'linux', config: { Cmd: ['/x'] } },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    ...image.config,
  })
  const told = {
    schemaVersion: 2,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
    layers: layers.map(({ bytes }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      ...{ digest: digestOf(bytes), size: bytes.length },
    })),
  }
  const layer = told.layers.findIndex(({ digest }) => digest === reference)
  const what = kind === 'manifests' ? 'manifest' : kind === 'tags' ? 'tags' : layer < 0 ? 'config' : 'layer'
  if ((await image.answer?.(request, response, { kind: what, layer })) === true) return
  const { manifest = (same: unknown) => same } = image
  const bytes =
    what === 'manifest' ? json(manifest(told)) : what === 'config' ? config : (layers[layer]?.bytes ?? json({}))
  response.setHeader('docker-content-digest', digestOf(bytes))
  const [, from = '0'] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  if (from !== '0') response.statusCode = 206
  response.end(request.method === 'HEAD' ? undefined : bytes.subarray(Number(from)))
}

export function refuse(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status
  response.end(JSON.stringify({ errors: [{ code, message: 'words of a registry' }] }))
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
