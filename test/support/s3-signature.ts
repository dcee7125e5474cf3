/** Signature Version 4 of a request as a server sees it, made from its documents and from nothing of the product. */

import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const SCHEME =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/

/** What a request says of who made it, and whether that is so; null where it is not signed. */
export function signedBy(
  request: IncomingMessage,
  secretOf: (accessKeyId: string) => string,
): { accessKeyId: string; region: string; isRight: boolean } | null {
  const { authorization } = request.headers
  if (authorization === undefined) return null
  const [, accessKeyId = '', date = '', region = '', signed = '', signature = ''] = SCHEME.exec(authorization) ?? []
  const at = String(request.headers['x-amz-date'])
  const names = signed.split(';')
  const url = new URL(request.url ?? '', 'https://none')
  const query = [...url.searchParams].map((pair) => pair.map(encoded).join('=')).toSorted()
  const canonical = [
    request.method,
    decodeURIComponent((request.url ?? '').replace(/\?.*$/s, ''))
      .split('/')
      .map(encoded)
      .join('/'),
    query.join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim()}`),
    '',
    signed,
    request.headers['x-amz-content-sha256'],
  ].join('\n')
  const scope = `${date}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', at, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const key = [date, region, 's3', 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secretOf(accessKeyId)}`))
  const isFresh =
    Math.abs(Date.now() - Date.parse(at.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))) < 900_000
  const isWhole = names.includes('host') && names.includes('x-amz-date') && at.startsWith(date)
  return { accessKeyId, region, isRight: isFresh && isWhole && hmac(key, text).toString('hex') === signature }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}
