/** Rows about what jobs bring. */

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { JobRecord } from '../../../../node/store/index.ts'
import type { SellerInit } from '../../../integration/support/market.ts'
import { sha256Of, startFileServer } from '../../../support/file-server.ts'
import { startGitServer } from '../../../support/git-server.ts'
import { putObjects, refuse, S3_KEYS, startS3Server } from '../../../support/s3-server.ts'
import { trustedCertificate } from '../../../support/trusted-certificate.ts'
import { addPair, type Pair, type Stage, type Ways } from './stage.ts'

// Before any market is opened.
const TLS = trustedCertificate

/** Servers inside that sellers may fetch from: each row's, once it is there. */
const hosts: string[] = []
/** What the sellers of all rows are. */
export const FETCHING: SellerInit = { agent: { allowInputHosts: hosts } }

let hasty: Promise<Pair> | undefined
/** The same at sellers that wait for no byte for long. */
async function atHasty(stage: Stage): Promise<Stage> {
  const agent = { allowInputHosts: hosts, inputStallMs: 500, urlPatience: { graceMs: 1_000, leastRate: 2 ** 20 } }
  hasty ??= addPair(stage.market, 'hasty', () => ({ agent }))
  return await stage.at(await hasty)
}

/** From a server inside, which answers so. */
async function fetched(stage: Stage, answer: RequestListener): Promise<JobRecord> {
  const server = await startFileServer()
  stage.market.defer(server.close)
  server.on('/file', answer)
  hosts.push(server.host)
  return await stage.run('true', from(server.url('/file')))
}

/** From a bucket inside, which answers so from its second answer on. */
async function fromBucket(
  stage: Stage,
  s3: { bucket?: string; key?: string; prefix?: string; region?: string },
  answer?: RequestListener,
): Promise<JobRecord> {
  const server = await startS3Server(TLS, { buckets: ['mine'] })
  stage.market.defer(server.close)
  await putObjects(server, 'mine', { file: 'content' })
  server.asked.length = 0
  server.meanwhile = (...asked) => {
    if (answer === undefined || (s3.prefix === undefined && server.asked.length < 2)) return false
    answer(...asked)
    return true
  }
  hosts.push(server.host)
  const secrets = { ID: S3_KEYS.accessKeyId, KEY: S3_KEYS.secretAccessKey }
  const keys = { accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' } }
  const what = s3.prefix === undefined ? { key: 'file' } : {}
  const source = { endpoint: server.endpoint, bucket: 'mine', ...what, ...keys, ...s3 }
  return await stage.run('true', { secrets, inputs: [{ path: '/in', from: { s3: source } }] })
}

/** From a repository inside, which is at this path of its server. */
async function fromRepository(stage: Stage, name: string, answer?: RequestListener): Promise<JobRecord> {
  const server = await startGitServer(TLS)
  stage.market.defer(server.close)
  if (answer !== undefined) {
    server.meanwhile = (...asked) => {
      answer(...asked)
      return true
    }
  }
  hosts.push(server.host)
  return await stage.run('true', { inputs: [{ path: '/in', from: { git: { url: server.url(name) } } }] })
}

/** One whose commit has a submodule of which `.gitmodules` says nothing. */
async function withSubmodule(stage: Stage): Promise<JobRecord> {
  const server = await startGitServer(TLS)
  stage.market.defer(server.close)
  await mkdir(join(server.folder, 'linking'))
  for (const words of [
    ['init', '--quiet', '-b', 'main'],
    ['update-index', '--add', '--cacheinfo', `160000,${'a'.repeat(40)},lib`],
    ['commit', '--quiet', '-m', 'first'],
  ]) {
    server.git('linking', ...words)
  }
  hosts.push(server.host)
  return await stage.run('true', {
    inputs: [{ path: '/in', from: { git: { url: server.url('linking'), submodules: true } } }],
  })
}

/** Of a digest of its own: sellers fetch the same once. */
const from = (url: string) => ({ inputs: [{ path: '/in', from: { url, sha256: sha256Of(Buffer.from(url)) } }] })

/** Gives the bytes; answers their digest. */
async function give({ node, owner }: Stage, bytes: Buffer, folder = false): Promise<string> {
  const { id } = await node.uploads.begin({ owner, folder, name: '', length: bytes.length })
  const { sha256 } = await node.uploads.append({ owner, id, offset: 0 }, Readable.from([bytes]), true)
  return `sha256:${sha256}`
}

/** Where it is kept of what was given under the digest. */
async function fileOf({ market }: Stage, digest: string): Promise<string> {
  const wanted = `${digest.slice('sha256:'.length)}.blob`
  const all = await readdir(market.folder, { recursive: true, withFileTypes: true })
  const found = all.find(({ name }) => name === wanted)
  if (found === undefined) throw new Error(`${wanted} is nowhere`)
  return join(found.parentPath, found.name)
}

const at = (upload: string, mode: 'ro' | 'rw' = 'ro') => ({ inputs: [{ path: '/in', from: { upload }, mode }] })

export const inputWays: Ways = {
  DATA_ERROR: {
    how: 'a requester whose disk has lost what it was given',
    async bring(stage) {
      const upload = await give(stage, Buffer.from('lost'))
      await rm(await fileOf(stage, upload))
      return await (await atHasty(stage)).run('true', at(upload))
    },
  },
  'DATA_ERROR upload-gone': {
    how: 'a digest of nothing that was given',
    bring: async (stage) => await stage.run('true', at(`sha256:${'0'.repeat(64)}`)),
  },
  'DATA_ERROR output-gone': {
    how: 'an output of a job that keeps none',
    async bring(stage) {
      const { id } = await stage.run('true')
      return await stage.run('true', { inputs: [{ path: '/in', from: { job: id } }] })
    },
  },
  'DATA_ERROR digest-mismatch': {
    how: 'a requester on whose disk it was changed',
    async bring(stage) {
      const upload = await give(stage, Buffer.from('right'))
      await writeFile(await fileOf(stage, upload), 'wrong')
      return await stage.run('true', at(upload))
    },
  },
  'DATA_ERROR unsafe-archive': {
    how: 'a folder that is no tar',
    bring: async (stage) => await stage.run('true', at(await give(stage, Buffer.alloc(2_048, 'x'), true))),
  },
  'DATA_ERROR larger-than-storage': {
    how: 'a copy that is larger than the storage',
    bring: async (stage) =>
      await stage.run('true', { ...at(await give(stage, Buffer.alloc(2 ** 21)), 'rw'), storage: '1Mi' }),
  },
  'DATA_ERROR url-not-given': {
    how: 'a URL of which its server says no',
    bring: async (stage) => await fetched(stage, (_request, response) => void response.writeHead(404).end()),
  },
  'DATA_ERROR url-not-allowed': {
    how: 'the address of the metadata of clouds',
    bring: async (stage) => await stage.run('true', from('http://169.254.169.254/latest/meta-data')),
  },
  'DATA_ERROR url-unreachable': {
    how: 'a server that says each time that it cannot now',
    bring: async (stage) => await fetched(stage, (_request, response) => void response.writeHead(503).end()),
  },
  'DATA_ERROR url-too-slow': {
    how: 'a server that sends a byte now and then',
    async bring(stage) {
      const slowly: RequestListener = (_request, response) => {
        response.writeHead(200, { 'content-length': 10_000 })
        const more = (): void => void (response.destroyed || response.write('x', () => setTimeout(more, 50)))
        more()
      }
      return await fetched(await atHasty(stage), slowly)
    },
  },
  'DATA_ERROR bucket-not-found': {
    how: 'a key of no object',
    bring: async (stage) => await fromBucket(stage, { key: 'none' }),
  },
  'DATA_ERROR bucket-refused': {
    how: 'a bucket that says that these keys may not read the object',
    bring: async (stage) => await fromBucket(stage, {}, (_request, response) => refuse(response, 403, 'AccessDenied')),
  },
  'DATA_ERROR bucket-elsewhere': {
    how: 'a region in which the bucket is not',
    bring: async (stage) => await fromBucket(stage, { region: 'eu-west-1' }),
  },
  'DATA_ERROR bucket-changed': {
    how: 'a bucket in which the object is another by the second request',
    bring: async (stage) =>
      await fromBucket(stage, {}, (_request, response) => refuse(response, 412, 'PreconditionFailed')),
  },
  'DATA_ERROR bucket-too-many': {
    how: 'a bucket that lists names without end',
    bring: async (stage) =>
      await fromBucket(stage, { prefix: 'many/' }, (request, response) => {
        const page = Number(new URL(request.url ?? '', 'https://bucket').searchParams.get('continuation-token'))
        const entries = Array.from({ length: 1_000 }, (_, i) => {
          return `<Contents><Key>many/${'n'.repeat(1_000)}${page}-${i}</Key><Size>0</Size></Contents>`
        })
        const more = `<IsTruncated>true</IsTruncated><NextContinuationToken>${page + 1}</NextContinuationToken>`
        response.end(`<ListBucketResult>${more}${entries.join('')}</ListBucketResult>`)
      }),
  },
  'DATA_ERROR bucket-not-given': {
    how: 'a bucket that leads on',
    bring: async (stage) =>
      await fromBucket(stage, {}, (_request, response) => {
        response.writeHead(302, { location: 'https://169.254.169.254/' }).end()
      }),
  },
  'DATA_ERROR git-not-found': {
    how: 'a repository that is not there',
    bring: async (stage) => await fromRepository(stage, 'nowhere'),
  },
  'DATA_ERROR git-refused': {
    how: 'a repository that wants a token',
    bring: async (stage) => await fromRepository(stage, 'private'),
  },
  'DATA_ERROR git-not-given': {
    how: 'a server that knows nothing of git',
    bring: async (stage) =>
      await fromRepository(stage, 'mine', (_request, response) => void response.writeHead(200).end('hello')),
  },
  'DATA_ERROR git-submodule': { how: 'a submodule without a url', bring: withSubmodule },
  'DATA_ERROR no-space': {
    how: 'sellers without room for anything',
    async bring(stage) {
      const pair = await addPair(stage.market, 'without room', () => ({ agent: { cacheRoomBytes: 0 } }))
      return await (await stage.at(pair)).run('true', at(await give(stage, Buffer.from('small'))))
    },
  },
}
