import { isDeepStrictEqual } from 'node:util'
import type { JobRecord, JobStore } from '../../node/store/index.ts'
import { secretsInputsName } from '../../protocol/job-inputs.ts'
import { secretsOutputsName } from '../../protocol/job-outputs.ts'
import { type JobSecrets, type JobSpec, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { GatewayError } from '../http/errors.ts'

/** What may change of a job that keeps its secrets: how large, how long, how dear; neither what runs nor where. */
const HARMLESS = new Set<keyof JobSpec>([
  'cpu',
  'memory',
  'storage',
  'shmSize',
  'maxNetwork',
  'gpu',
  'pids',
  'ulimits',
  'duration',
  'maxDuration',
  'autoExtend',
  'maxPrice',
  'providerStrategy',
  'maxAttempts',
  'retryOnFailure',
  'queueTimeout',
  'onDisconnect',
  'leaseTimeout',
  'labels',
  'name',
  'secrets',
  'registryCredentials',
])

/** Whom credentials of a registry are shown to. */
const WHERE = new Set<keyof JobSpec>(['image', 'provider', 'constraints', 'gpuRequirements', 'platform', 'isolation'])

type Fields = Record<string, unknown>

/** What was stored with a job or a configuration, and can be read back by nobody. */
export interface KnownSecrets {
  secrets?: Record<string, string> | undefined
  registryCredentials?: unknown
}

/**
 * Holds secrets to what they were stored for: who changes what runs with them, or where, gives them anew. See
 * docs/decisions/0067-secrets-stay-with-their-program.md.
 * @param before what they were stored with
 * @param after what is to have them
 * @param given those that whoever changes it says something of himself
 * @throws {GatewayError} VALIDATION_ERROR, naming each that must be given, and why
 */
export function assertSecretsStay(before: Fields & KnownSecrets, after: Fields & KnownSecrets, given: Fields): void {
  const kept = Object.keys(before.secrets ?? {}).filter((name) => {
    return Object.hasOwn(after.secrets ?? {}, name) && !Object.hasOwn((given.secrets ?? {}) as Fields, name)
  })
  const keepsCredentials =
    before.registryCredentials !== undefined &&
    after.registryCredentials !== undefined &&
    given.registryCredentials === undefined
  if (kept.length === 0 && !keepsCredentials) return
  const changed = changedFields(before, after).filter((name) => !HARMLESS.has(name))
  const moved = changed.filter((name) => WHERE.has(name))
  const fields = [
    ...(changed.length === 0 ? [] : kept.map((name) => missing(`secrets.${name}`, changed))),
    ...(keepsCredentials && moved.length > 0 ? [missing('registryCredentials', moved)] : []),
  ]
  const [first] = fields
  if (first === undefined) return
  throw new GatewayError('VALIDATION_ERROR', `${first.path} ${first.message}`, { details: { fields, in: 'body' } })
}

/** The secrets of a job; null where they do not open: they were sealed with another master key. */
export async function openedSecrets(store: Pick<JobStore, 'secrets'>, id: string): Promise<JobSecrets | null> {
  try {
    return await store.secrets(id)
  } catch {
    return null
  }
}

/** The same where they open; or else the names that the job itself tells, which is enough to check it. */
export async function secretsOrNames(
  store: Pick<JobStore, 'secrets'>,
  { id, spec }: Pick<JobRecord, 'id' | 'spec'>,
): Promise<KnownSecrets> {
  const named = [...secretsInputsName(spec), ...secretsOutputsName(spec.outputs)]
  const opened = await openedSecrets(store, id)
  return opened ?? { secrets: Object.fromEntries(named.map(({ secret }) => [secret, ''])) }
}

function missing(path: string, changed: string[]) {
  return {
    path,
    message: `must be given anew, or taken out: ${changed.join(' and ')} would change, and it was not stored for that`,
  }
}

/** Defaults that are spelled out change nothing. */
function changedFields(before: Fields, after: Fields): (keyof JobSpec)[] {
  const [old, now] = [whole(before), whole(after)]
  const names = new Set([...Object.keys(old), ...Object.keys(now)]) as Set<keyof JobSpec>
  return [...names].filter((name) => !isDeepStrictEqual(old[name], now[name]))
}

function whole(fields: Fields): Fields {
  const parsed = jobSubmissionSchema.safeParse(fields)
  return parsed.success ? parsed.data : fields
}
