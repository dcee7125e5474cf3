/** Buckets as people write them: `s3://bucket/key#region=…`, on the command line and in forms. Loads no package. */

import type { SecretName } from './named-secret.ts'

/** Names of a job's secrets. */
const NAMES = ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const
/** What may stand behind a `#`. */
const PARTICULARS = ['region', 'endpoint', ...NAMES] as const
const TEXT = new RegExp(`^s3://([^/]*)/(.*?)(?:#((?:${PARTICULARS.join('|')})=.*))?$`, 's')

/** What the tools of Amazon call them: taken where secrets of these names are given, and nothing is said. */
const USUAL = {
  accessKeyId: 'AWS_ACCESS_KEY_ID',
  secretAccessKey: 'AWS_SECRET_ACCESS_KEY',
  sessionToken: 'AWS_SESSION_TOKEN',
} as const

/** What is read: one of `key` and `prefix` is there. */
export interface S3Words {
  endpoint?: string | undefined
  region?: string | undefined
  bucket: string
  key?: string | undefined
  prefix?: string | undefined
  accessKeyId?: SecretName | undefined
  secretAccessKey?: SecretName | undefined
  sessionToken?: SecretName | undefined
}

/**
 * Reads `s3://bucket/key`, or `s3://bucket/folder/` with a slash at its end, and what says more of it behind a `#`, such as
 * `#region=eu-central-1&accessKeyId=NAME&secretAccessKey=NAME`.
 *
 * @param secrets of the job, by name
 * @returns text for people where it cannot be read
 */
export function readS3Text(text: string, secrets: Readonly<Record<string, unknown>>): S3Words | string {
  const [, bucket, name, more = ''] = TEXT.exec(text) ?? []
  if (bucket === undefined || name === undefined) {
    return `${text} names no object: write s3://BUCKET/KEY, or s3://BUCKET/FOLDER/`
  }
  const said = new Map(more.split('&').flatMap((part): [string, string][] => pairOf(part)))
  const unknown = [...said.keys()].find((key) => !PARTICULARS.some((one) => one === key))
  if (unknown !== undefined) {
    return `${unknown} says nothing of a bucket: behind # stand ${PARTICULARS.join(', ')}`
  }
  const [region, endpoint] = [said.get('region'), said.get('endpoint')]
  const isUsual = !NAMES.some((one) => said.has(one)) && USUAL.accessKeyId in secrets
  const keys = NAMES.flatMap((one) => {
    const secret = isUsual ? (USUAL[one] in secrets ? USUAL[one] : undefined) : said.get(one)
    return secret === undefined ? [] : [[one, { secret }]]
  })
  const where = { ...(endpoint !== undefined && { endpoint }), ...(region !== undefined && { region }), bucket }
  const isFolder = name === '' || name.endsWith('/')
  return { ...where, ...(isFolder ? { prefix: name } : { key: name }), ...Object.fromEntries(keys) }
}

/** The same as text, with a slash behind a prefix that has none. */
export function s3Text({ bucket, key, prefix = '', ...more }: S3Words): string {
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  const said = PARTICULARS.flatMap((one) => {
    const value = more[one]
    return value === undefined ? [] : [`${one}=${typeof value === 'string' ? value : value.secret}`]
  })
  return `s3://${bucket}/${key ?? folder}${said.length === 0 ? '' : `#${said.join('&')}`}`
}

function pairOf(part: string): [string, string][] {
  const at = part.indexOf('=')
  return at < 0 ? [] : [[part.slice(0, at), part.slice(at + 1)]]
}
