import { type JobSpec, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { MERGED_FIELDS } from '../contract/job-defaults.ts'
import { assertSecretsStay, type KnownSecrets } from './kept-secrets.ts'

/** Every other field is replaced. */
const MAPS: ReadonlySet<string> = new Set(MERGED_FIELDS)

/**
 * A submission with some fields changed, checked as a whole.
 * @param overrides null takes a field, or a name of a map, out: see docs/decisions/0012-null-takes-out.md
 * @throws {ZodError}
 */
function withOverrides(base: Record<string, unknown>, overrides: Record<string, unknown>): JobSpec {
  const changed = Object.entries(overrides).map(([name, value]) => {
    const old = base[name]
    return [name, MAPS.has(name) && isMap(value) ? withoutNull({ ...(isMap(old) ? old : {}), ...value }) : value]
  })
  return jobSubmissionSchema.parse(withoutNull({ ...base, ...Object.fromEntries(changed) }))
}

/**
 * The same, of what was stored with secrets: they stay with what they were stored for.
 * @throws {ZodError} @throws {GatewayError} VALIDATION_ERROR
 */
export function withStoredSecrets(
  base: Record<string, unknown>,
  known: KnownSecrets,
  overrides: Record<string, unknown>,
): JobSpec {
  const before = { ...base, ...known }
  const spec = withOverrides(before, overrides)
  assertSecretsStay(before, spec, overrides)
  return spec
}

function withoutNull(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
