import { z } from 'zod'
import { fieldErrors, type JobSpec, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { MAX_TOLD_OF_ROW } from './limits.ts'
import type { RowProblem } from './rows.ts'

/** Maps of a job that columns set entry by entry, e.g. `env.NAME`. */
const MAPS = ['env', 'secrets', 'labels'] as const
const PLACEHOLDER = /\$\{([^{}]+)\}/g

export type Checked = { spec: JobSpec; problems: [] } | { spec: null; problems: RowProblem[] }

/** Makes jobs of a base and rows of cells. A cell that is null was empty: it sets nothing. */
export interface RowJobs {
  /** Columns that would do nothing: neither a field of a job nor anywhere in the base. */
  unusedColumns(): string[]
  job(cells: (string | null)[]): Checked
}

export function createRowJobs(base: Record<string, unknown>, columns: string[]): RowJobs {
  const placeholders = new Map(Object.entries(base).map(([name, value]) => [name, placeholdersIn(value, columns)]))
  const replaced = new Set([...placeholders.values()].flat())

  /** The column that a problem at this path comes from; the path itself where none does. */
  function columnAt(path: string): string {
    const field = path.split(/[.[]/)[0] ?? ''
    if (columns.includes(path)) return path
    if (columns.includes(field)) return field
    return placeholders.get(field)?.[0] ?? path
  }

  return {
    unusedColumns: () => columns.filter((name) => name !== '' && !replaced.has(name) && targetOf(name) === null),
    job(cells) {
      const values = new Map(columns.map((name, i) => [name, cells[i] ?? null]))
      const job: Record<string, unknown> = {}
      for (const [name, value] of Object.entries(base)) job[name] = filled(name, value, values)
      for (const [name, text] of values) {
        const target = text === null ? null : targetOf(name)
        if (target === null || text === null) continue
        if (target.key === null) job[target.field] = fromText(target.field, text)
        else job[target.field] = { ...asMap(job[target.field]), [target.key]: text }
      }
      return checkJob(job, columnAt)
    },
  }
}

/** A job, or what is wrong with it. */
export function checkJob(job: unknown, columnAt: (path: string) => string = (path) => path): Checked {
  const result = jobSubmissionSchema.safeParse(job)
  if (result.success) return { spec: result.data, problems: [] }
  const problems = fieldErrors(result.error).slice(0, MAX_TOLD_OF_ROW)
  return { spec: null, problems: problems.map(({ path, message }) => ({ column: columnAt(path), reason: message })) }
}

/** The field that a column sets, and the entry of it where it is a map; null where it sets none. */
function targetOf(column: string): { field: string; key: string | null } | null {
  if (Object.hasOwn(jobSubmissionSchema.shape, column)) return { field: column, key: null }
  const map = MAPS.find((name) => column.startsWith(`${name}.`))
  return map === undefined ? null : { field: map, key: column.slice(map.length + 1) }
}

function placeholdersIn(value: unknown, columns: string[]): string[] {
  if (typeof value === 'string') {
    return [...value.matchAll(PLACEHOLDER)].map(([, name]) => name ?? '').filter((name) => columns.includes(name))
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap((part) => placeholdersIn(part, columns))
}

/** The value with its placeholders replaced, once: what a cell holds is never looked at again. Others stay, as `${HOME}`. */
function filled(field: string, value: unknown, cells: Map<string, string | null>): unknown {
  const replace = (text: string) => text.replaceAll(PLACEHOLDER, (whole, name) => cellText(cells, name) ?? whole)
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return replace(part)
    if (Array.isArray(part)) return part.map(walk)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, walk(inner)]))
  }
  const result = walk(value)
  // `"cpu": "${cores}"` means a number.
  return typeof result === 'string' && result !== value && !isList(field) ? fromText(field, result) : result
}

function cellText(cells: Map<string, string | null>, name: string): string | undefined {
  return cells.has(name) ? (cells.get(name) ?? '') : undefined
}

function isList(field: string): boolean {
  return kindOf(field) === 'array'
}

/** A field's value from text. What is not of the field's form stays text, and is refused with the field's own reason. */
function fromText(field: string, text: string): unknown {
  const trimmed = text.trim()
  switch (kindOf(field)) {
    case 'number':
      return /^[+-]?\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : text
    case 'boolean':
      return /^(?:true|false)$/i.test(trimmed) ? trimmed.toLowerCase() === 'true' : text
    case 'array':
      // One argument, unless it is a list of them.
      return trimmed.startsWith('[') ? fromJson(text) : [text]
    case 'string':
    case 'enum':
    case 'union':
      return text
    default:
      return trimmed.startsWith('{') ? fromJson(text) : text
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // not JSON: the field's schema says what it must be
  }
}

/** The kind of schema that a field of a job has, e.g. `number`. */
function kindOf(field: string): string {
  let schema: z.core.$ZodType | undefined = jobSubmissionSchema.shape[field as keyof typeof jobSubmissionSchema.shape]
  while (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    schema = schema.def.innerType
  }
  return schema?._zod.def.type ?? 'unknown'
}

function asMap(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
