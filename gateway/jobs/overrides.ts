import { z } from 'zod'
import { envChangesField, labelChangesField } from '../../protocol/job-fields.ts'
import { type JobSpec, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { changesOf, partialOf } from '../partial.ts'

const submission = z.strictObject(jobSubmissionSchema.shape)

/** Any fields of a submission: what templates and schedules keep. */
export const configSchema = partialOf(submission).meta({ id: 'JobConfig' })

/** Changes to a configuration; what they make together with the rest is checked as a whole. */
export const overridesSchema = changesOf(
  z.strictObject({
    ...submission.shape,
    env: envChangesField,
    secrets: envChangesField,
    labels: labelChangesField,
  }),
).meta({
  id: 'JobOverrides',
  description: 'Null takes a field out, and null at a name of `env`, `secrets` or `labels` that name.',
})

/** What an answer shows of a configuration: never its secrets. */
export const shownConfigSchema = z
  .record(z.string(), z.unknown())
  .describe('Fields of a submission, without secrets and registry credentials.')

/** Maps that overrides change name by name; every other field is replaced. */
const MAPS = new Set(['env', 'secrets', 'labels'])

/**
 * A submission with some fields changed, checked as a whole.
 * @param overrides null takes a field, or a name of a map, out: see docs/decisions/0021-null-takes-out.md
 * @throws {ZodError}
 */
export function withOverrides(base: Record<string, unknown>, overrides: Record<string, unknown>): JobSpec {
  const changed = Object.entries(overrides).map(([name, value]) => {
    const old = base[name]
    return [name, MAPS.has(name) && isMap(value) ? withoutNull({ ...(isMap(old) ? old : {}), ...value }) : value]
  })
  return jobSubmissionSchema.parse(withoutNull({ ...base, ...Object.fromEntries(changed) }))
}

function withoutNull(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
