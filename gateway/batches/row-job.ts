import { z } from 'zod'
import { breathe } from '../../node/turns.ts'
import { fieldErrors, type JobSpec, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { MAX_JOB_TEXT_LENGTH } from '../../protocol/limits.ts'
import { MAX_JOB_VALUES, MAX_PLACEHOLDERS, MAX_TOLD_OF_ROW } from '../contract/batch-limits.ts'
import { holdsMoreThan } from '../http/value-count.ts'
import type { RowProblem } from './rows.ts'

/** Maps of a job that columns set entry by entry, e.g. `env.NAME`; fields of a field are set the same way. */
const MAPS = ['env', 'secrets', 'labels'] as const

type Checked = { spec: JobSpec; problems: [] } | { spec: null; problems: RowProblem[] }

/** Makes jobs of a base and rows of cells. A cell that is null was empty: it sets nothing. */
export interface RowJobs {
  /** Columns that would do nothing: neither a field of a job nor anywhere in the base. */
  unusedColumns(): string[]
  job(cells: (string | null)[]): Checked & { length: number }
}

/** Reads the base once, in turns, for all rows. @param columns names of the cells, in order */
export async function createRowJobs(base: Record<string, unknown>, columns: string[]): Promise<RowJobs> {
  const index = new Map(columns.map((name, i) => [name, i]))
  const { uses, places, spelled } = await usesOf(base, index)
  const placeholders = [...uses.values()].reduce((sum, times) => sum + times, 0)
  // Made for the first row that is worth it.
  let template: { field: string; fill: Fill }[] | null = null
  const whole = JSON.stringify(base).length
  const literal = Math.max(0, whole - spelled)
  const targets = columns.map(targetOf)

  /** The column that a problem at this path comes from; the path itself where none does. */
  function columnAt(path: string): string {
    const field = path.split(/[.[]/)[0] ?? ''
    if (index.has(path)) return path
    if (index.has(field)) return field
    const used = places.find((place) => isWithin(place.path, path) || isWithin(path, place.path))
    return used === undefined ? path : (columns[used.column] ?? path)
  }

  /** A job that is beyond all measure is told by its size alone: nothing of that size is ever made. */
  function measured(cells: (string | null)[]): { length: number; problem: RowProblem | null } {
    let length = literal
    let most = { column: '', length: 0 }
    for (const [i, times] of uses) {
      const put = times * (cells[i]?.length ?? 0)
      length += put
      if (put > most.length) most = { column: columns[i] ?? '', length: put }
    }
    if (length <= MAX_JOB_TEXT_LENGTH && placeholders <= MAX_PLACEHOLDERS) return { length, problem: null }
    if (length <= MAX_JOB_TEXT_LENGTH) {
      const reason = `is put together of ${placeholders} placeholders, and a job of at most ${MAX_PLACEHOLDERS}: use fewer in base`
      return { length: literal, problem: { column: '', reason } }
    }
    const reason = `makes a job of ${length} characters, and one has at most ${MAX_JOB_TEXT_LENGTH}: shorten the cell, or use it less often in base`
    return { length: literal, problem: { column: most.column, reason } }
  }

  return {
    unusedColumns: () => columns.filter((name, i) => name !== '' && !uses.has(i) && targets[i] === null),
    job(cells) {
      const { length, problem } = measured(cells)
      if (problem !== null) return { spec: null, problems: [problem], length }
      template ??= Object.entries(base).map(([field, value]) => ({ field, fill: compiled(value, index) }))
      const job = new Map(template.map(({ field, fill }) => [field, fill(field, cells)]))
      const maps = new Map<string, Map<string, unknown>>()
      targets.forEach((target, i) => {
        const text = cells[i] ?? null
        if (target === null || text === null) return
        if (target.key === null) {
          job.set(target.field, fromText(schemaOf(target.field), text))
          maps.delete(target.field)
          return
        }
        const map = maps.get(target.field) ?? new Map(Object.entries(asMap(job.get(target.field))))
        maps.set(target.field, map.set(target.key, fromText(partOf(target.field, target.key), text)))
      })
      for (const [field, map] of maps) job.set(field, Object.fromEntries(map))
      // What a row costs is also what is looked through for it, however little comes of it.
      return { ...checkJob(Object.fromEntries(job), columnAt), length: Math.max(length, whole) + cellsLength(cells) }
    },
  }
}

/** A job, or what is wrong with it. */
export function checkJob(job: unknown, columnAt: (path: string) => string = (path) => path): Checked {
  if (holdsMoreThan(job, MAX_JOB_VALUES)) {
    const reason = `holds more than ${MAX_JOB_VALUES} values: no job has as many`
    return { spec: null, problems: [{ column: '', reason }] }
  }
  const result = jobSubmissionSchema.safeParse(job)
  if (result.success) return { spec: result.data, problems: [] }
  const problems = fieldErrors(result.error).slice(0, MAX_TOLD_OF_ROW)
  return { spec: null, problems: problems.map(({ path, message }) => ({ column: columnAt(path), reason: message })) }
}

/** The field that a column sets, and the entry of it where it is a map; null where it sets none. */
function targetOf(column: string): { field: string; key: string | null } | null {
  if (Object.hasOwn(jobSubmissionSchema.shape, column)) return { field: column, key: null }
  const [field = '', key = ''] = column.split(/\.(.*)/s)
  const isEntry = MAPS.some((name) => name === field) || partOf(field, key) !== undefined
  return isEntry && key !== '' ? { field, key } : null
}

/** Puts a field of the base together for a row. */
type Fill = (field: string, cells: (string | null)[]) => unknown

/** Placeholders are replaced once: what a cell holds is never looked at again. Others stay, as `${HOME}`. */
function compiled(value: unknown, index: Map<string, number>): Fill {
  const text = (whole: string): ((cells: (string | null)[]) => string) => {
    const parts: (string | number)[] = []
    let end = 0
    for (const { column, from, to } of placeholdersOf(whole, index)) {
      if (column === undefined) continue
      parts.push(whole.slice(end, from), column)
      end = to
    }
    if (parts.length === 0) return () => whole
    parts.push(whole.slice(end))
    return (cells) => parts.map((part) => (typeof part === 'string' ? part : (cells[part] ?? ''))).join('')
  }
  const part = (of: unknown): ((cells: (string | null)[]) => unknown) => {
    if (typeof of === 'string') return text(of)
    if (Array.isArray(of)) {
      const items = of.map(part)
      return (cells) => items.map((item) => item(cells))
    }
    if (typeof of !== 'object' || of === null) return () => of
    const entries = Object.entries(of).map(([name, inner]) => [name, part(inner)] as const)
    return (cells) => Object.fromEntries(entries.map(([name, inner]) => [name, inner(cells)]))
  }
  const made = part(value)
  return (field, cells) => {
    const result = made(cells)
    // `"cpu": "${cores}"` means a number.
    return typeof result === 'string' && result !== value && !isList(field) ? fromText(schemaOf(field), result) : result
  }
}

function cellsLength(cells: (string | null)[]): number {
  return cells.reduce((sum, cell) => sum + (cell?.length ?? 0), 0)
}

interface Placeholder {
  /** Place of the column that it names; undefined where it names none. */
  column: number | undefined
  from: number
  to: number
}

/** Each `${NAME}`; a name holds no braces. */
function* placeholdersOf(text: string, index: Map<string, number>): Generator<Placeholder> {
  let at = text.indexOf('${')
  while (at >= 0) {
    const close = text.indexOf('}', at)
    if (close < 0) return
    const open = text.lastIndexOf('{', close)
    const isOne = text[open - 1] === '$' && close > open + 1
    yield { column: isOne ? index.get(text.slice(open + 1, close)) : undefined, from: open - 1, to: close + 1 }
    at = text.indexOf('${', close)
  }
}

interface Uses {
  /** How often each column is used, by its place. */
  uses: Map<number, number>
  /** Where in the base the first of them stand, as `inputs[0].from.url`. */
  places: { path: string; column: number }[]
  /** Characters of the placeholders' own spelling. */
  spelled: number
}

/** Places of placeholders that are known, so that a problem there is told by its column: more has no base that people write. */
const MAX_PLACES = 1_000

/** Placeholders that are counted before others get their turn: less than a millisecond. */
const COUNTED_AT_ONCE = 1024

/** Counts, and makes nothing: a base may hold hundreds of thousands. */
async function usesOf(base: Record<string, unknown>, index: Map<string, number>): Promise<Uses> {
  const uses = new Map<number, number>()
  const places: Uses['places'] = []
  let spelled = 0
  let counted = 0
  for (const [field, value] of Object.entries(base)) {
    for (const { text, path } of textsOf(value, () => field)) {
      for (const { column, from, to } of placeholdersOf(text, index)) {
        counted += 1
        if (counted % COUNTED_AT_ONCE === 0) await breathe()
        if (column === undefined) continue
        uses.set(column, (uses.get(column) ?? 0) + 1)
        if (places.length < MAX_PLACES) places.push({ path: path(), column })
        spelled += to - from
      }
    }
  }
  return { uses, places, spelled }
}

/** @param path of the value, as problems name it: only made where somebody asks */
function* textsOf(value: unknown, path: () => string): Generator<{ text: string; path: () => string }> {
  if (typeof value === 'string') yield { text: value, path }
  else if (typeof value === 'object' && value !== null) {
    const isList = Array.isArray(value)
    for (const [name, inner] of Object.entries(value)) {
      yield* textsOf(inner, () => `${path()}${isList ? `[${name}]` : `.${name}`}`)
    }
  }
}

/** Whether a place in a job is another one, or in it. */
function isWithin(path: string, other: string): boolean {
  return path === other || (path.startsWith(other) && '.['.includes(path[other.length] ?? ' '))
}

function isList(field: string): boolean {
  return kindOf(schemaOf(field)) === 'array'
}

/** A field's value from text. What is not of the field's form stays text, and is refused with the field's own reason. */
function fromText(schema: Schema, text: string): unknown {
  const trimmed = text.trim()
  switch (kindOf(schema)) {
    case 'number':
      return /^[+-]?\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : text
    case 'boolean':
      return /^(?:true|false)$/i.test(trimmed) ? trimmed.toLowerCase() === 'true' : text
    case 'array':
      // One argument, unless it is a list of them.
      return trimmed.startsWith('[') ? fromJson(text) : [text]
    case 'string':
    case 'enum':
      return text
    case 'union':
      return trimmed.startsWith('[') ? fromJson(text) : text
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

type Schema = z.core.$ZodType | undefined

/** What a field of a job must be; undefined where there is none of this name. */
function schemaOf(field: string): Schema {
  return bare(Object.hasOwn(jobSubmissionSchema.shape, field) ? shape[field] : undefined)
}

/** What a field of a field must be, as `constraints.region`; an entry of a map is text. */
function partOf(field: string, key: string): Schema {
  const schema = schemaOf(field)
  if (!(schema instanceof z.ZodObject) || !Object.hasOwn(schema.shape, key)) return undefined
  return bare(schema.shape[key])
}

const shape: Record<string, Schema> = jobSubmissionSchema.shape

/** Without what it is where nothing is said. */
function bare(schema: Schema): Schema {
  let inner = schema
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.def.innerType
  }
  return inner
}

/** e.g. `number`; text where nothing is known. */
function kindOf(schema: Schema): string {
  return schema?._zod.def.type ?? 'string'
}

function asMap(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
