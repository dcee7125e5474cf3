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
  /** Offers an image, in place of what was offered under that name; by its digest that is there still. Answers its reference. */
  add(repository: string, image: TestImage): Promise<string>
  /** Of what is offered under that name now: `sha256:…`. */
  digest(repository: string): string
  /** Requests so far whose path matches. */
  count(path: RegExp): number
  close(): Promise<void>
}

export interface TestImage {
  /** Docker's name of it. @default that of this machine */
  architecture?: string
  /** An index of images for these, as `linux/arm64`. @default one image, without an index */
  platforms?: string[]
  /** Its `/bin/sh`. @default it has none */
  shell?: Buffer
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
  /** By digest, with what was there before under that name. */
  manifests: Map<string, { bytes: Buffer; mediaType: string }>
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
      const offer = await makeOffer(repository, image)
      const before = offers.get(repository)
      for (const [digest, manifest] of before?.manifests ?? []) offer.manifests.set(digest, manifest)
      for (const [digest, blob] of before?.blobs ?? []) offer.blobs.set(digest, blob)
      offers.set(repository, offer)
      return `${host}/${repository}:1`
    },
    digest: (repository) => digestOf(offers.get(repository)?.manifest ?? Buffer.alloc(0)),
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
    const isDigest = reference?.startsWith('sha256:') === true
    const named = isDigest ? offer.manifests.get(reference) : { bytes: offer.manifest, mediaType: offer.mediaType }
    if (named === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown')
    response.setHeader('content-type', named.mediaType)
    response.setHeader('docker-content-digest', digestOf(named.bytes))
    response.setHeader('content-length', named.bytes.length)
    return void response.end(request.method === 'HEAD' ? undefined : named.bytes)
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
  if (image.shell !== undefined) files.entry({ name: 'bin/sh', mode: 0o755 }, image.shell)
  files.finalize()
  const tar = await buffer(files)
  const layer = gzipSync(tar)
  const own = image.architecture ?? { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch
  const manifestType = `${media}.distribution.manifest.v2+json`
  const listType = `${media}.distribution.manifest.list.v2+json`
  const made = (image.platforms ?? [`linux/${own}`]).map((text) => {
    const [os, architecture, variant] = text.split('/')
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) }
    const config = json({
      ...platform,
      config: { Cmd: ['/hello'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    })
    const manifest = json({
      schemaVersion: 2,
      mediaType: manifestType,
      config: descriptor(`${media}.container.image.v1+json`, config),
      layers: [descriptor(`${media}.image.rootfs.diff.tar.gzip`, layer)],
    })
    return { config, manifest, platform: image.indexOnly ? { os: 'linux', architecture: 's390x' } : platform }
  })
  const entries = made.map(({ manifest, platform }) => ({ ...descriptor(manifestType, manifest), platform }))
  // As builders add them.
  const attestation = {
    ...{ mediaType: manifestType, size: 1, digest: digestOf(Buffer.from('attestation')) },
    platform: { os: 'unknown', architecture: 'unknown' },
  }
  const index = json({ schemaVersion: 2, mediaType: listType, manifests: [...entries, attestation] })
  const isIndex = image.indexOnly === true || image.platforms !== undefined
  const [first] = made
  const manifest = isIndex ? index : (first?.manifest ?? index)
  const mediaType = isIndex ? listType : manifestType
  const manifests = new Map(
    made.map((one) => [digestOf(one.manifest), { bytes: one.manifest, mediaType: manifestType }]),
  )
  manifests.set(digestOf(manifest), { bytes: manifest, mediaType })
  const blobs = new Map([layer, ...made.map(({ config }) => config)].map((blob) => [digestOf(blob), blob]))
  return { ...image, manifest, mediaType, manifests, blobs }
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
