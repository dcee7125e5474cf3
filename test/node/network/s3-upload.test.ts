import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { createOutside, OutsideError } from '../../../node/network/outside.ts'
import { createS3, type S3, S3Error } from '../../../node/network/s3.ts'
import { isInParts, type ObjectSource, uploadObject } from '../../../node/network/s3-upload.ts'
import { refuse, S3_KEYS, type S3Server, startS3Server } from '../../support/s3-server.ts'
import { signedBy } from '../../support/s3-signature.ts'
import { trustedCertificate } from '../../support/trusted-certificate.ts'

const { signal } = new AbortController()
/** Four parts, the last of three bytes. */
const LARGE = randomBytes(24 * 2 ** 20 + 3)

type Answer = (...asked: Parameters<RequestListener>) => boolean

describe('an object that is put into a bucket', () => {
  let server: S3Server
  let s3: S3

  before(async () => {
    server = await startS3Server(trustedCertificate, { buckets: ['mine'] })
    const outside = createOutside({ isAllowed: ({ host }) => host === server.host, answerMs: 2_000 })
    s3 = createS3({ outside, clock: systemClock }, { endpoint: server.endpoint, bucket: 'mine' }, S3_KEYS)
  })
  after(async () => await server.close())
  beforeEach(() => {
    server.asked.length = 0
    server.abandoned.length = 0
    server.meanwhile = () => false
  })

  const of = (bytes: Buffer): ObjectSource => ({
    bytes: bytes.length,
    // In pieces as a file gives them.
    open: async (offset, length) => {
      const part = bytes.subarray(offset, offset + length)
      const pieces = Array.from({ length: Math.ceil(part.length / 65_536) }, (_, i) => i * 65_536)
      return Readable.from(pieces.map((at) => part.subarray(at, at + 65_536)))
    },
  })
  const put = async (key: string, bytes: Buffer): Promise<string> =>
    await uploadObject({ s3, clock: systemClock, onFailed: () => undefined }, key, of(bytes), signal)
  const stored = async (key: string): Promise<Buffer> => await buffer(await s3.send({ method: 'GET', key, signal }))
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const kind = ({ method, path }: { method?: string; path?: string }): string => {
    const { searchParams } = new URL(path ?? '', server.endpoint)
    if (searchParams.has('uploads')) return 'begin'
    if (searchParams.has('partNumber')) return `part ${searchParams.get('partNumber')}`
    return searchParams.has('uploadId') ? (method === 'DELETE' ? 'abandon' : 'complete') : String(method)
  }
  const kinds = (): string[] => server.asked.map(kind)
  /** Answers what is of one kind, in place of the server, as often as there are answers. */
  const instead = (what: string, ...answers: Answer[]): void => {
    server.meanwhile = (request, response) => {
      if (kind({ method: request.method ?? '', path: request.url ?? '' }) !== what) return false
      return answers.shift()?.(request, response) ?? false
    }
  }
  const saying =
    (status: number, code: string): Answer =>
    (request, response) => {
      request.resume()
      refuse(response, status, code)
      return true
    }

  it('is there as it was, whatever its size, each request signed with what it holds', async () => {
    server.meanwhile = (request, response) => {
      const hash = String(request.headers['x-amz-content-sha256'])
      const isSigned = signedBy(request, () => S3_KEYS.secretAccessKey)?.isRight === true
      if (request.method === 'GET' || (isSigned && /^[0-9a-f]{64}$/.test(hash))) return false
      refuse(response, 403, 'SignatureDoesNotMatch')
      return true
    }
    for (const bytes of [0, 1, 16 * 2 ** 20, 16 * 2 ** 20 + 1].map((length) => LARGE.subarray(0, length))) {
      assert.equal(await put(`deep/a b+${bytes.length}`, bytes), sha256(bytes), String(bytes.length))
      assert.equal(sha256(await stored(`deep/a b+${bytes.length}`)), sha256(bytes), String(bytes.length))
    }
    server.asked.length = 0
    assert.equal(await put('large', LARGE), sha256(LARGE))
    assert.deepEqual(kinds().toSorted(), ['begin', 'complete', 'part 1', 'part 2', 'part 3', 'part 4'])
    const parts = server.asked.filter((one) => kind(one).startsWith('part'))
    const lengths = parts.map((one) => [kind(one), one.headers['content-length']])
    assert.deepEqual(Object.fromEntries(lengths), {
      ...{ 'part 1': '8388608', 'part 2': '8388608', 'part 3': '8388608', 'part 4': '3' },
    })
    const second = parts.find((one) => kind(one) === 'part 2')?.headers['x-amz-content-sha256']
    assert.equal(second, sha256(LARGE.subarray(8 * 2 ** 20, 16 * 2 ** 20)))
    assert.deepEqual([isInParts(16 * 2 ** 20), isInParts(16 * 2 ** 20 + 1)], [false, true])
    assert.equal(sha256(await stored('large')), sha256(LARGE))
  })

  it('sends a part that failed again, and no other', async () => {
    const cut: Answer = (request) => {
      request.destroy()
      return true
    }
    instead('part 2', saying(503, 'SlowDown'), cut, saying(400, 'XAmzContentSHA256Mismatch'))
    assert.equal(await put('again', LARGE), sha256(LARGE))
    assert.deepEqual(kinds().toSorted(), [
      ...['begin', 'complete', 'part 1', 'part 2', 'part 2', 'part 2', 'part 2', 'part 3', 'part 4'],
    ])
    assert.equal(sha256(await stored('again')), sha256(LARGE))
    assert.deepEqual(server.abandoned, [])
  })

  it('is taken back where it is refused, or does not go in five tries', async () => {
    instead('part 3', saying(403, 'AccessDenied'))
    await assert.rejects(put('refused', LARGE), (error) => error instanceof S3Error && error.code === 'refused')
    assert.equal(server.abandoned.length, 1)
    server.abandoned.length = 0
    server.asked.length = 0
    instead('part 1', ...Array.from({ length: 9 }, () => saying(503, 'SlowDown')))
    await assert.rejects(put('refused', LARGE), (error) => error instanceof OutsideError)
    assert.equal(kinds().filter((one) => one === 'part 1').length, 5)
    assert.equal(kinds().includes('complete'), false)
    assert.equal(server.abandoned.length, 1)
    await assert.rejects(stored('refused'), /NoSuchKey/)
  })

  it('is taken back where nobody waits any more', async () => {
    const over = new AbortController()
    instead('part 1', () => {
      over.abort(new Error('over'))
      return true
    })
    const components = { s3, clock: systemClock, onFailed: () => undefined }
    await assert.rejects(uploadObject(components, 'over', of(LARGE), over.signal), /over/)
    assert.equal(server.abandoned.length, 1)
  })

  it('is whole only where the server says so, whatever its status', async () => {
    instead('complete', saying(200, 'InternalError'))
    assert.equal(await put('joined', LARGE), sha256(LARGE))
    assert.equal(kinds().filter((one) => one === 'complete').length, 2)
    instead('complete', saying(200, 'InvalidPart'))
    await assert.rejects(put('joined', LARGE), /InvalidPart/)
    assert.equal(server.abandoned.length, 1)
  })

  it('is there where the answer of its end was lost', async () => {
    await put('lost', LARGE)
    server.abandoned.length = 0
    const cut: Answer = (request) => {
      request.destroy()
      return true
    }
    instead('complete', cut, saying(404, 'NoSuchUpload'))
    assert.equal(await put('lost', LARGE), sha256(LARGE))
    assert.deepEqual(server.abandoned, [])
    instead('complete', cut, saying(404, 'NoSuchUpload'))
    await assert.rejects(put('other', LARGE), (error) => error instanceof S3Error && error.code === 'not-found')
    assert.equal(server.abandoned.length, 1)
  })

  it('is led nowhere else', async () => {
    const led: Answer = (request, response) => {
      request.resume()
      response.writeHead(307, { location: 'https://169.254.169.254/latest' }).end()
      return true
    }
    instead('PUT', led)
    await assert.rejects(put('led', Buffer.from('x')), (error) => error instanceof S3Error && /307/.test(error.message))
    assert.deepEqual(kinds(), ['PUT'])
  })
})
