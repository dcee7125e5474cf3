/** A bucket as jobs name one, for what they bring and what they leave, and the keys to it: names of the job's secrets. */

import { z } from 'zod'
import { namedSecretField, type SecretName } from './named-secret.ts'

/** Bytes of UTF-8 in the name of an object (S3's own limit). */
export const MAX_S3_KEY_BYTES = 1_024

/** Where a bucket is. */
export interface S3Place {
  /** `https://` and a host, with a path where it has one; `http://` where providers allow that. @default that of AWS, for the region */
  endpoint?: string | undefined
  /** @default us-east-1 */
  region?: string | undefined
  bucket: string
}

/** What opens a bucket. */
export interface S3Keys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** The same as a job says it: each is a name among its secrets. All absent is what everybody may read. */
export interface S3KeyNames {
  accessKeyId?: SecretName | undefined
  secretAccessKey?: SecretName | undefined
  sessionToken?: SecretName | undefined
}

/** What is taken for the region where a job names none. */
export const DEFAULT_S3_REGION = 'us-east-1'

/** Its address, with the bucket in the name where that is the rule of those who give the certificates. Ends with a slash. */
export function s3Base({ endpoint, region = DEFAULT_S3_REGION, bucket }: S3Place): string {
  if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, '')}/${bucket}/`
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  // A certificate for one name does not hold for what has a dot more.
  const isName = !bucket.includes('.')
  return isName ? `https://${bucket}.s3.${region}.${suffix}/` : `https://s3.${region}.${suffix}/${bucket}/`
}

/** Whether it is asked without TLS. */
export function isPlainS3({ endpoint = '' }: Pick<S3Place, 'endpoint'>): boolean {
  return /^http:/i.test(endpoint)
}

function endpointProblem(text: string): string | null {
  if (!/^https?:\/\/[\x21-\x7e]+$/i.test(text) || !URL.canParse(text)) return 'must be a URL that begins with https://'
  const { username, password, search, hash } = new URL(text)
  if (username !== '' || password !== '')
    return 'must have no user and no password: name secrets as accessKeyId and secretAccessKey'
  if (search !== '' || hash !== '' || /[?#%]/.test(text))
    return 'must be a host, or a host and a path: leave out ?, # and %'
  return null
}

/** Whether the name of an object, or the beginning of names, can be asked for: URLs know no parts of dots. */
function isAskable(key: string): boolean {
  const isText = key.isWellFormed() && !key.includes('\0') && Buffer.byteLength(key) <= MAX_S3_KEY_BYTES
  return isText && !key.split('/').some((part) => part === '.' || part === '..')
}

/** A name of an object, or the beginning of names. */
export function s3NameField() {
  return z
    .string()
    .max(MAX_S3_KEY_BYTES, { abort: true })
    .refine(isAskable, `must be at most ${MAX_S3_KEY_BYTES} bytes of UTF-8, with no part that is . or ..`)
}

/** Fields that say which bucket, and by which keys. */
export const s3PlaceFields = {
  endpoint: z
    .string()
    .max(512, { abort: true })
    .superRefine((text, context) => {
      const message = endpointProblem(text)
      if (message !== null) context.addIssue({ code: 'custom', message })
    })
    .optional()
    .describe(
      'Of a server that is not Amazon’s, such as `https://minio.example.com`; the bucket is then the first part of the path. `http://` reaches what a provider’s owner allows by name (`--allow-input-host`), and nothing else: anybody on the way sees what goes there, and may change what comes.',
    ),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'must be the name of a region, such as eu-central-1')
    .optional()
    .describe('Of the bucket. Where it is left out: us-east-1.'),
  bucket: z
    .string()
    .regex(
      /^[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/,
      'must be the name of a bucket: 3 to 63 of a-z, 0-9, . and -',
    )
    .describe('Its name.'),
  accessKeyId: namedSecretField('The access key').optional(),
  secretAccessKey: namedSecretField('The secret to it').optional(),
  sessionToken: namedSecretField('Of keys that are good for some time').optional(),
}

/** What is wrong with the keys that are named, and under which field; null where nothing is. */
export function keyNamesProblem(
  names: { [Name in keyof S3KeyNames]: SecretName | undefined },
): [keyof S3KeyNames, string] | null {
  const { accessKeyId, secretAccessKey, sessionToken } = names
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const missing = accessKeyId === undefined ? 'accessKeyId' : 'secretAccessKey'
    return [missing, 'must be there: give both keys, or none for a bucket that everybody may read']
  }
  return sessionToken === undefined || accessKeyId !== undefined ? null : ['accessKeyId', 'must be beside sessionToken']
}

/** Those that are there, by their fields. */
export function keyNamesOf({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: S3KeyNames): [keyof S3KeyNames, SecretName][] {
  const names = Object.entries({ accessKeyId, secretAccessKey, sessionToken }) as [keyof S3KeyNames, SecretName?][]
  return names.flatMap(([name, secret]) => (secret === undefined ? [] : [[name, secret]]))
}

/** The keys that these names stand for; null where there are none. @throws {RangeError} where a secret is not there */
export function keysOf(names: S3KeyNames, secrets: Readonly<Record<string, string>>): S3Keys | null {
  const { accessKeyId, secretAccessKey, sessionToken } = names
  if (accessKeyId === undefined || secretAccessKey === undefined) return null
  const of = ({ secret }: SecretName): string => {
    const value = secrets[secret]
    if (value === undefined) throw new RangeError(`There is no secret ${secret}`)
    return value
  }
  const keys = { accessKeyId: of(accessKeyId), secretAccessKey: of(secretAccessKey) }
  return sessionToken === undefined ? keys : { ...keys, sessionToken: of(sessionToken) }
}
