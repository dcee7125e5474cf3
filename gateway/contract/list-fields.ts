import { z } from 'zod'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100
const MAX_PAGE = 1_000_000

const whole = (max: number) => z.coerce.number<string>().int().min(1).max(max)

/** Query parameters of every list. */
export const pagingFields = {
  page: whole(MAX_PAGE).default(1).describe('From 1. Of jobs, the first 100,000 can be reached by it.'),
  limit: whole(MAX_LIMIT).default(DEFAULT_LIMIT).describe('Objects a page.'),
  cursor: z
    .string()
    .max(512)
    .optional()
    .describe('`nextCursor` of the page before; costs the same at any depth. `page` is then passed over.'),
}

/** `sort=field:asc|desc`, with the fields a list has an order for. */
export function sortField<const F extends string>(fields: readonly [F, ...F[]], preset: `${F}:asc` | `${F}:desc`) {
  const names = fields.join('|')
  return z
    .string()
    .regex(
      new RegExp(`^(?:${names})(?::(?:asc|desc))?$`),
      `must be FIELD:asc or FIELD:desc, FIELD one of ${fields.join(', ')}`,
    )
    .default(preset)
    .describe(`\`FIELD:asc\` or \`FIELD:desc\`; FIELD is one of ${fields.join(', ')}.`)
    .transform((text): Sort<F> => {
      const [field, order = 'asc'] = text.split(':')
      return { field: field as F, order: order as 'asc' | 'desc' }
    })
}
/** An order of a list, as {@link sortField} reads it. */
export interface Sort<F extends string> {
  field: F
  order: 'asc' | 'desc'
}

/** `fields=a,b,c`, with the fields the object has. */
export function fieldsField(object: z.ZodObject) {
  const known = new Set(Object.keys(object.shape))
  return z
    .string()
    .optional()
    .describe('Only these fields, comma-separated.')
    .transform((text) => text?.split(',').map((field) => field.trim()))
    .superRefine((fields, context) => {
      for (const field of fields ?? []) {
        if (!known.has(field)) {
          context.addIssue({ code: 'custom', message: `has no field ${field}: choose of ${[...known].join(', ')}` })
        }
      }
    })
}

const isoTime = z.union([z.iso.datetime({ offset: true, local: true }), z.iso.date()])

/** An ISO 8601 date or time, as ms since the epoch; without a zone a time is that of this machine, and a date begins in UTC. */
export const timeField = z
  .string()
  .max(64, { abort: true })
  .refine((text) => isoTime.safeParse(text).success, 'must be a time that there is, such as 2026-01-31T12:00:00Z')
  .transform((text) => Date.parse(text))
  .meta({ examples: ['2026-01-31T12:00:00Z'] })

/** `a,b,c` as the list of its parts, each one of `values`. */
export function listField<const V extends string>(values: readonly V[]) {
  return z
    .string()
    .optional()
    .describe(`One or more of ${values.join(', ')}, comma-separated.`)
    .transform((text) => text?.split(',').map((part) => part.trim() as V))
    .superRefine((parts, context) => {
      for (const part of parts ?? []) {
        if (!values.includes(part)) {
          context.addIssue({ code: 'custom', message: `must be of ${values.join(', ')}; ${part} is none` })
        }
      }
    })
}

/** `true` or `false`. */
export const flagField = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')

/** One of the names of an object. */
export function keysOf<const T extends Record<string, unknown>>(object: T) {
  return z.enum(Object.keys(object) as (keyof T & string)[])
}
