import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { createOutside, OutsideError } from '../../../node/network/outside.ts'
import { createS3, type S3, S3Error, type S3Object } from '../../../node/network/s3.ts'
import type { S3Keys, S3Place } from '../../../protocol/s3.ts'
import { refuse, S3_KEYS, type S3Server, startS3Server } from '../../support/s3-server.ts'
import { signedBy } from '../../support/s3-signature.ts'
import { trustedCertificate } from '../../support/trusted-certificate.ts'

const { signal } = new AbortController()

/** Names that a signature is easily wrong about. */
const ODD = ['plain', 'a b+c', "it's (1)!*", 'ünï/çode', '100%/x=y&z', 'a~b-c_d.e', 'q?r#s']
const hex = (one: string): string => `%${one.charCodeAt(0).toString(16).toUpperCase()}`

describe('a bucket', () => {
  let server: S3Server
  const outside = () => createOutside({ isAllowed: ({ host }) => host === server.host })

  before(async () => {
    server = await startS3Server(trustedCertificate, { buckets: ['mine', 'many', 'open'], open: ['open'] })
  })
  after(async () => await server.close())

  function at(place: Partial<S3Place> = {}, keys: S3Keys | null = S3_KEYS): S3 {
    return createS3(
      { outside: outside(), clock: systemClock },
      { endpoint: server.endpoint, bucket: 'mine', ...place },
      keys,
    )
  }

  async function put(s3: S3, key: string, text: string): Promise<void> {
    const body = Readable.from([Buffer.from(text)])
    const headers = { 'content-length': String(Buffer.byteLength(text)) }
    const answer = await s3.send({ method: 'PUT', key, headers, body, signal })
    await buffer(answer)
  }

  async function listed(s3: S3, prefix: string): Promise<S3Object[]> {
    const all: S3Object[] = []
    for await (const one of s3.list(prefix, signal)) all.push(one)
    return all
  }

  async function refused(task: Promise<unknown>, code: S3Error['code'], said = /./): Promise<void> {
    await assert.rejects(task, (error: S3Error) => {
      assert.ok(error instanceof S3Error, String(error))
      assert.equal(error.code, code, error.message)
      assert.match(error.message, said)
      assert.doesNotMatch(error.message, /Secret|AKIA/)
      return true
    })
  }

  it('takes and gives objects of any name, each request signed', async () => {
    for (const key of ODD) {
      await put(at(), key, `it is ${key}`)
      const answer = await at().send({ method: 'GET', key, signal })
      assert.equal(String(await buffer(answer)), `it is ${key}`, key)
    }
  })

  it('asks for any name as it was signed', async () => {
    let url = ''
    server.meanwhile = (request, response) => {
      const by = signedBy(request, () => S3_KEYS.secretAccessKey)
      url = request.url ?? ''
      response.writeHead(by?.isRight === true ? 200 : 403).end()
      return true
    }
    for (const key of [...ODD, 'a//b', '/first', '//', 'x+%2B', '\u0001']) {
      await buffer(await at().send({ method: 'GET', key, query: { 'a b': '+&=*', z: '' }, signal }))
      assert.equal(
        url.replace(/\?.*/, ''),
        `/mine/${encodeURIComponent(key)
          .replaceAll('%2F', '/')
          .replace(/[!'()*]/g, hex)}`,
      )
    }
    server.meanwhile = () => false
  })

  it('lists what it has, page by page', async () => {
    for (const key of ['rows/b c', 'rows/a+b', 'rows/d/é', 'rowsbeside']) await put(at({ bucket: 'many' }), key, 'x')
    const all = await listed(at({ bucket: 'many' }), 'rows/')
    assert.deepEqual(all.map(({ key }) => key).toSorted(), ['rows/a+b', 'rows/b c', 'rows/d/é'])
    assert.ok(all.every(({ bytes, etag }) => bytes === 1 && /^"[0-9a-f]{32}"$/.test(etag)))
    assert.deepEqual(await listed(at({ bucket: 'many' }), 'nothing/'), [])
    const asked: (string | null)[] = []
    server.meanwhile = (request, response) => {
      const from = new URL(request.url ?? '', server.endpoint).searchParams.get('continuation-token')
      asked.push(from)
      const more = from === 'b+' ? '' : `<NextContinuationToken>${from === null ? 'a' : 'b+'}</NextContinuationToken>`
      const entry = `<Contents><Key>a%2Bb+c%0A${asked.length}</Key><Size>7</Size><ETag>&quot;e&quot;</ETag></Contents>`
      const head = `<EncodingType>url</EncodingType><IsTruncated>${more !== ''}</IsTruncated>`
      response.end(
        `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${head}${entry}${more}</ListBucketResult>`,
      )
      return true
    }
    const paged = await listed(at(), '')
    assert.deepEqual(
      paged,
      [1, 2, 3].map((i) => ({ key: `a+b c\n${i}`, bytes: 7, etag: '"e"' })),
    )
    assert.deepEqual(asked, [null, 'a', 'b+'])
    server.meanwhile = () => false
  })

  it('gives parts, and says that it is another by now', async () => {
    await put(at(), 'part', '0123456789')
    const [object] = await listed(at(), 'part')
    const headers = { range: 'bytes=3-5', 'if-match': object?.etag ?? '' }
    assert.equal(String(await buffer(await at().send({ method: 'GET', key: 'part', headers, signal }))), '345')
    await put(at(), 'part', 'abcdefghij')
    await refused(at().send({ method: 'GET', key: 'part', headers, signal }), 'changed')
  })

  it('is read without keys where everybody may', async () => {
    await put(at({ bucket: 'open' }), 'file', 'for all')
    const open = at({ bucket: 'open' }, null)
    assert.equal(String(await buffer(await open.send({ method: 'GET', key: 'file', signal }))), 'for all')
    await refused(at({}, null).send({ method: 'GET', key: 'plain', signal }), 'refused')
  })

  it('tells what is wrong', async () => {
    const get = { method: 'GET', key: 'plain', signal } as const
    await refused(at().send({ ...get, key: 'none' }), 'not-found', /NoSuchKey/)
    await refused(at({ bucket: 'nowhere' }).send(get), 'not-found', /NoSuchBucket/)
    await refused(at({}, { ...S3_KEYS, secretAccessKey: 'Secret' }).send(get), 'refused', /SignatureDoesNotMatch/)
    await refused(at({}, { ...S3_KEYS, accessKeyId: 'AKIANOBODY' }).send(get), 'refused', /InvalidAccessKeyId/)
    await refused(at({ region: 'eu-west-1' }).send(get), 'wrong-region', /is in us-east-1/)
  })

  it('is not followed elsewhere, and asked later where it cannot now', async () => {
    const get = { method: 'GET', key: 'plain', signal } as const
    server.meanwhile = (_request, response) => {
      response.writeHead(307, { location: 'https://169.254.169.254/latest' }).end()
      return true
    }
    const before = server.asked.length
    await refused(at().send(get), 'not-given', /307/)
    assert.equal(server.asked.length, before + 1)
    for (const [status, code] of [
      [503, 'SlowDown'],
      [403, 'RequestTimeTooSkewed'],
      [429, ''],
    ] as const) {
      server.meanwhile = (_request, response) => {
        refuse(response, status, code)
        return true
      }
      await assert.rejects(at().send(get), (error) => error instanceof OutsideError && error.code === 'unreachable')
    }
    server.meanwhile = (_request, response) => {
      response.writeHead(200).end(`<ListBucketResult>${'<a>'.repeat(10)}`)
      return true
    }
    await assert.rejects(listed(at(), ''), OutsideError, 'no XML')
    server.meanwhile = () => false
  })

  it('lies at no address inside', async () => {
    for (const endpoint of ['https://169.254.169.254', 'https://localhost:9', 'https://[::1]', 'https://10.0.0.1']) {
      const task = at({ endpoint }).send({ method: 'GET', key: 'x', signal })
      await assert.rejects(task, (error) => error instanceof OutsideError && error.code === 'not-open', endpoint)
    }
  })
})
