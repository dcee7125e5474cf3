import type { JobSubmission } from '../../protocol/job-spec.ts'
import { CliError } from './cli-error.ts'

type S3 = NonNullable<NonNullable<JobSubmission['inputs']>[number]['from']['s3']>

const NAMES = ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const
/** What may stand behind a `#`. */
const PARTICULARS = ['region', 'endpoint', ...NAMES] as const
const SOURCE = new RegExp(`^s3://([^/]*)/(.*?)(?:#((?:${PARTICULARS.join('|')})=.*))?$`, 's')

/** What the tools of Amazon call them: taken where secrets of these names are given, and nothing is said. */
const USUAL = {
  accessKeyId: 'AWS_ACCESS_KEY_ID',
  secretAccessKey: 'AWS_SECRET_ACCESS_KEY',
  sessionToken: 'AWS_SESSION_TOKEN',
} as const

/**
 * Reads `s3://bucket/key`, or `s3://bucket/folder/` with a slash at its end, and what says more of it behind a `#`, such as
 * `#region=eu-central-1&accessKeyId=NAME&secretAccessKey=NAME`; null where it is something else.
 *
 * @param secrets of the job, by name
 * @throws {CliError}
 */
export function s3Flag(source: string, secrets: Readonly<Record<string, string>>): S3 | null {
  if (!source.startsWith('s3://')) return null
  const [, bucket, name, more = ''] = SOURCE.exec(source) ?? []
  if (bucket === undefined || name === undefined) {
    throw new CliError(`--input: ${source} names no object: write s3://BUCKET/KEY, or s3://BUCKET/FOLDER/`, 125)
  }
  const said = new Map(more.split('&').flatMap((part): [string, string][] => pairOf(part)))
  const unknown = [...said.keys()].find((key) => !PARTICULARS.some((one) => one === key))
  if (unknown !== undefined) {
    throw new CliError(`--input: ${unknown} says nothing of a bucket: behind # stand ${PARTICULARS.join(', ')}`, 125)
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

function pairOf(part: string): [string, string][] {
  const at = part.indexOf('=')
  return at < 0 ? [] : [[part.slice(0, at), part.slice(at + 1)]]
}
