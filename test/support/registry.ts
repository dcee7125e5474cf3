import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

/** A container registry on loopback with images of one small layer; enough of its protocol for an engine to pull. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`, in front of a repository's name. */
  host: string
  /** Offers an image. Answers its reference. */
  add(repository: string, image: TestImage): Promise<string>
  /** Requests so far whose path matches. */
  count(path: RegExp): number
  close(): Promise<void>
}

export interface TestImage {
  /** Docker's name of it. @default that of this machine */
  architecture?: string
  /** Whether only an index of architectures is offered, without this machine's. */
  indexOnly?: boolean
  /** The layer is sent once this resolves. */
  hold?: Promise<void>
}

interface Credentials {
  username: string
  password: string
}

interface Offer extends TestImage {
  manifest: Buffer
  mediaType: string
  blobs: Map<string, Buffer>
}

const media = 'application/vnd.docker'

/** @param credentials Who may pull; without, everybody. */
export async function startRegistry(credentials?: Credentials): Promise<TestRegistry> {
  const offers = new Map<string, Offer>()
  const paths: string[] = []
  const server = createServer((request, response) => {
    paths.push(request.url ?? '')
    if (credentials === undefined || isAllowed(request, credentials)) return void answer(offers, request, response)
    response.setHeader('www-authenticate', 'Basic realm="test"')
    refuse(response, 401, 'UNAUTHORIZED', 'authentication required')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    async add(repository, image) {
      offers.set(repository, await makeOffer(repository, image))
      return `${host}/${repository}:1`
    },
    count: (path) => paths.filter((seen) => path.test(seen)).length,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function answer(offers: Map<string, Offer>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, repository, kind, reference] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? []
  const offer = offers.get(repository ?? '')
  if (request.url === '/v2/') return void response.end('{}')
  if (offer === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown')
  if (kind === 'manifests') {
    response.setHeader('content-type', offer.mediaType)
    response.setHeader('docker-content-digest', digestOf(offer.manifest))
    response.setHeader('content-length', offer.manifest.length)
    return void response.end(request.method === 'HEAD' ? undefined : offer.manifest)
  }
  const blob = offer.blobs.get(reference ?? '')
  if (blob === undefined) return refuse(response, 404, 'BLOB_UNKNOWN', 'blob unknown')
  if (blob[0] === 0x1f) await offer.hold // A layer, gzipped.
  response.setHeader('content-length', blob.length)
  response.end(blob)
}

function isAllowed({ headers }: IncomingMessage, { username, password }: Credentials): boolean {
  return headers.authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ errors: [{ code, message }] }))
}

async function makeOffer(repository: string, image: TestImage): Promise<Offer> {
  const files = pack()
  files.entry({ name: 'hello' }, `${repository} ${Math.random()}`)
  files.finalize()
  const tar = await buffer(files)
  const layer = gzipSync(tar)
  const architecture = image.architecture ?? { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch
  const config = json({
    architecture,
    os: 'linux',
    config: { Cmd: ['/hello'] },
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
  })
  const manifest = json({
    schemaVersion: 2,
    mediaType: `${media}.distribution.manifest.v2+json`,
    config: descriptor(`${media}.container.image.v1+json`, config),
    layers: [descriptor(`${media}.image.rootfs.diff.tar.gzip`, layer)],
  })
  const index = json({
    schemaVersion: 2,
    mediaType: `${media}.distribution.manifest.list.v2+json`,
    manifests: [
      {
        ...descriptor(`${media}.distribution.manifest.v2+json`, manifest),
        platform: { os: 'linux', architecture: 's390x' },
      },
    ],
  })
  const kind = image.indexOnly ? 'manifest.list' : 'manifest'
  return {
    ...image,
    manifest: image.indexOnly ? index : manifest,
    mediaType: `${media}.distribution.${kind}.v2+json`,
    blobs: new Map([config, layer].map((blob) => [digestOf(blob), blob])),
  }
}

function descriptor(mediaType: string, bytes: Buffer) {
  return { mediaType, size: bytes.length, digest: digestOf(bytes) }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
