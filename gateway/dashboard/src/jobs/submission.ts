import type { Job, JobOverrides, JobSubmission, Template } from '../../../client/index.ts'
import { JOB_DEFAULTS, MERGED_FIELDS } from '../../../contract/job-defaults.ts'
import type { JobRow } from './job-row.ts'

/** A job under construction: what the form and the JSON beside it both show. */
export type Draft = Partial<JobSubmission>

/** What somebody could have submitted to get this job; secrets are not known to anybody but its provider. */
export function submissionOf(job: Job | JobRow): Draft {
  const {
    name,
    image,
    command,
    args,
    cpu,
    memory,
    storage,
    gpu,
    duration,
    labels,
    provider,
    maxAttempts,
    config = {},
  } = job
  // Extensions may have taken it beyond what it asked for at first.
  const { maxDuration } = config
  const longest = typeof maxDuration === 'number' && { maxDuration: Math.max(maxDuration, duration ?? 0) }
  const all: Record<string, unknown> = { name, image, provider, command, args, cpu, memory, storage, gpu, duration }
  return withoutDefaults({ ...all, ...config, ...longest, labels, maxAttempts })
}

/** What is shown even where it is the default: what a job costs most by. */
const SHOWN = new Set(['cpu', 'memory', 'storage', 'duration'])

/** The same job, shorter. */
function withoutDefaults(fields: Record<string, unknown>): Draft {
  return Object.fromEntries(
    Object.entries(fields)
      .map(([name, value]) => [name, name === 'constraints' ? withoutEmpty(value) : value] as const)
      .filter(([name, value]) => !isEmpty(value) && (SHOWN.has(name) || defaultOf(name) !== value)),
  )
}

function defaultOf(name: string): unknown {
  return Object.hasOwn(JOB_DEFAULTS, name) ? JOB_DEFAULTS[name as keyof typeof JOB_DEFAULTS] : undefined
}

function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, part]) => !isEmpty(part) && part !== 0))
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

type Fields = Record<string, unknown>

/** The draft with a change that helps: null takes a field out. */
export function withChanges(draft: Draft, changes: Fields): Draft {
  const changed = Object.entries({ ...draft, ...changes })
    .map(([name, value]) => [name, name === 'constraints' ? withoutEmpty(value) : value] as const)
    .filter(([, value]) => !isEmpty(value))
  return Object.fromEntries(changed)
}

const MAPS: ReadonlySet<string> = new Set(MERGED_FIELDS.filter((name) => name !== 'secrets'))

/** What a template has and does not show. */
export type Hidden = NonNullable<Template['hidden']>

/** Of a configuration that shows all that it has. */
export const NOTHING_HIDDEN: Hidden = { secrets: [], registryCredentials: false }

/**
 * What makes a draft of a configuration: the fields that differ, and null for those that are no longer there.
 * @param leftOut of what the configuration has and does not show; what the draft gives anew is there all the same
 */
export function changesTo(config: Fields, draft: Draft, leftOut: Hidden = NOTHING_HIDDEN): JobOverrides {
  const after = draft as Fields
  const changes = differences(config, after, (name) =>
    MAPS.has(name) && isFields(config[name]) && isFields(after[name])
      ? differences(config[name], after[name], (inner) => (after[name] as Fields)[inner])
      : after[name],
  )
  const without = Object.fromEntries(leftOut.secrets.map((name) => [name, null]))
  return {
    ...(leftOut.registryCredentials ? { registryCredentials: null } : {}),
    ...changes,
    ...(leftOut.secrets.length === 0 ? {} : { secrets: { ...without, ...draft.secrets } }),
  }
}

function differences(before: Fields, after: Fields, changeOf: (name: string) => unknown): Fields {
  return Object.fromEntries(
    [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
      .map((name) => [name, changeOf(name) ?? null]),
  )
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** The command line that submits the same job again. */
export function curlOf(draft: Draft, origin: string): string {
  const body = JSON.stringify(draft, null, 2).replaceAll("'", `'\\''`)
  return [
    `curl -X POST ${origin}/api/plugin-core/jobs`,
    '-H "Authorization: Bearer $CORTEX_KEY"',
    "-H 'Content-Type: application/json'",
    `-d '${body}'`,
  ].join(' \\\n  ')
}
