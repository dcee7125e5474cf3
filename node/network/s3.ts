/**
 * A bucket that a stranger names, over the one way to what strangers name: requests signed with Signature Version 4, and answers
 * told apart by what they mean to whoever asked. Nothing is led on: a server that sends elsewhere has said no. See
 * docs/decisions/0085-inputs-from-s3.md.
 */

import { AwsV4Signer } from 'aws4fetch'
import { DEFAULT_S3_REGION, type S3Keys, type S3Place, s3Base } from '../../protocol/s3.ts'
import type { Clock } from '../clock.ts'
import { isForNow, type Outside, type OutsideAnswer, OutsideError, type OutsideRequest } from './outside.ts'
import { childrenOf, readXml, textOf, type XmlElement } from './xml.ts'

/** An error's text, in bytes; a list's page of a thousand names, each of which may be a kilobyte and is written as `%XX`. */
const MAX_ERROR_BYTES = 64 * 1024
const MAX_PAGE_BYTES = 6 * 2 ** 20
/** A no that is not of what was asked, whatever its status: of a clock, of a way that is slow, or that changed what was sent. */
const LATER = new Set([
  'RequestTimeTooSkewed',
  'RequestTimeout',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
])
/** Pages of one list: those of a million keys, and some. */
const MAX_PAGES = 1_100

/** A server's no. The message is for the job's owner, and holds no key and no name of an object. */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  /**
   * `not-found`: no such object, or bucket; `refused`: these keys may not; `wrong-region`: the bucket is elsewhere; `changed`: it
   * is not what it was a moment ago; `not-given`: any other no; `range`: it has no such part.
   */
  readonly code: 'not-found' | 'refused' | 'wrong-region' | 'changed' | 'not-given' | 'range'

  constructor(code: S3Error['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** An object, as a list has it. */
export interface S3Object {
  key: string
  bytes: number
  /** As the server writes it, quotes and all. */
  etag: string
}

/** A request of a bucket. */
export interface S3Request extends Pick<OutsideRequest, 'method' | 'signal' | 'body'> {
  /** @default the bucket itself */
  key?: string
  query?: Record<string, string>
  headers?: Record<string, string>
}

/** A bucket, with the keys to it. */
export interface S3 {
  /** Where it is, for people. */
  host: string
  /**
   * An answer of status 2xx, whose body is not read yet: its reader destroys it. A body that is sent is part of the signature
   * where `x-amz-content-sha256` is among the headers.
   *
   * @throws {S3Error} @throws {OutsideError} where another try may do better
   */
  send(request: S3Request): Promise<OutsideAnswer>
  /** What begins so, in the server's order, page by page. @throws as {@link S3.send} */
  list(prefix: string, signal: AbortSignal): AsyncGenerator<S3Object>
}

/** What {@link createS3} works with. */
export interface S3Components {
  outside: Outside
  clock: Clock
}

/** Asks nobody by itself. @param keys null for what everybody may read */
export function createS3({ outside, clock }: S3Components, place: S3Place, keys: S3Keys | null): S3 {
  const { bucket, region = DEFAULT_S3_REGION } = place
  const base = s3Base(place)
  const { host } = new URL(base)

  async function headersOf(url: URL, { method, headers = {} }: S3Request): Promise<Record<string, string>> {
    const plain = { 'accept-encoding': 'identity', 'user-agent': 'cortex-node' }
    if (keys === null) return { ...headers, ...plain }
    const datetime = new Date(clock.nowMs()).toISOString().replace(/[:-]|\.\d{3}/g, '')
    const what = { method, url: url.href, headers, service: 's3', region, datetime }
    const signed = await new AwsV4Signer({ ...what, ...keys }).sign()
    return { ...Object.fromEntries(signed.headers), ...plain }
  }

  async function send(request: S3Request): Promise<OutsideAnswer> {
    const { method, key = '', query = {}, signal, body } = request
    const url = new URL(`${base}${key.split('/').map(encoded).join('/')}${queryOf(query)}`)
    const headers = await headersOf(url, request)
    // Without TLS what the owner of this machine allows by name, and nothing else.
    const sent = { method, headers, signal, plain: 'allowed' as const, ...(body !== undefined && { body }) }
    const answer = await outside.send(url, sent)
    const { statusCode = 0 } = answer
    if (statusCode >= 200 && statusCode < 300) return answer
    try {
      throw await refusalOf(answer)
    } finally {
      answer.destroy()
    }
  }

  async function refusalOf(answer: OutsideAnswer): Promise<Error> {
    const { statusCode = 0, headers } = answer
    const said = await readXml(answer, MAX_ERROR_BYTES).catch(() => null)
    const code = (said === null ? '' : textOf(said, 'Code')).replace(/[^\w.-]/g, '').slice(0, 64)
    const isLater = isForNow(statusCode) || LATER.has(code)
    const what = code === '' ? `answered ${statusCode}` : `answered ${statusCode} ${code}`
    if (isLater) return new OutsideError('unreachable', `${host} ${what}`)
    const itsRegion = regionSaid(said, headers['x-amz-bucket-region'])
    if (itsRegion !== null && itsRegion !== region) {
      return new S3Error('wrong-region', `${bucket} is in ${itsRegion}, and not in ${region}`)
    }
    return new S3Error(kindOf(statusCode, code), `${host} ${what}`)
  }

  async function pageOf(prefix: string, from: string, signal: AbortSignal): Promise<XmlElement> {
    const after: Record<string, string> = from === '' ? {} : { 'continuation-token': from }
    const query = { 'list-type': '2', 'encoding-type': 'url', 'max-keys': '1000', prefix, ...after }
    const answer = await send({ method: 'GET', query, signal })
    try {
      return await readXml(answer, MAX_PAGE_BYTES)
    } catch (error) {
      signal.throwIfAborted()
      throw new OutsideError('unreachable', `${host} sent no list`, { cause: error })
    } finally {
      answer.destroy()
    }
  }

  async function* list(prefix: string, signal: AbortSignal): AsyncGenerator<S3Object> {
    let from = ''
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const page = await pageOf(prefix, from, signal)
      const isEncoded = textOf(page, 'EncodingType') === 'url'
      for (const entry of childrenOf(page, 'Contents')) yield objectOf(entry, isEncoded, host)
      from = textOf(page, 'NextContinuationToken')
      if (textOf(page, 'IsTruncated') !== 'true' || from === '') return
    }
    throw new S3Error('not-given', `${host} lists without end`)
  }

  return { host, send, list }
}

function kindOf(status: number, code: string): S3Error['code'] {
  if (status === 404) return 'not-found'
  if (status === 401 || status === 403) return 'refused'
  if (status === 412 || status === 409) return 'changed'
  if (status === 416) return 'range'
  return ['InvalidAccessKeyId', 'InvalidToken', 'ExpiredToken'].includes(code) ? 'refused' : 'not-given'
}

function regionSaid(said: XmlElement | null, header: string | string[] | undefined): string | null {
  const text = typeof header === 'string' ? header : said === null ? '' : textOf(said, 'Region')
  return /^[a-z0-9-]{1,32}$/.test(text) ? text : null
}

function objectOf(entry: XmlElement, isEncoded: boolean, host: string): S3Object {
  const size = textOf(entry, 'Size')
  const name = textOf(entry, 'Key')
  try {
    const key = isEncoded ? decodeURIComponent(name.replaceAll('+', ' ')) : name
    if (key !== '' && /^\d{1,15}$/.test(size)) return { key, bytes: Number(size), etag: textOf(entry, 'ETag') }
  } catch {
    // Told below.
  }
  throw new S3Error('not-given', `${host} sent a list that cannot be read`)
}

/** As a signature has it. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}

function queryOf(query: Record<string, string>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}
