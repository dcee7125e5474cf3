/**
 * What is wrong with a value from outside, in words that say what would be right. One place for every schema of the
 * program: importing this module sets the language of zod, and a schema adds a message only where its type, bounds and
 * unit do not say enough.
 */

import { z } from 'zod'
import { MAX_FIELD_ERRORS } from './limits.ts'

/** One offending field: where it is, what is wrong and what would be right. */
export interface FieldError {
  /** e.g. `"ports[0].port"`; empty for the whole. */
  path: string
  message: string
}

const MAX_PATH_PART_LENGTH = 128

/** Every problem of a parse, in the words of the API: names of fields and what they must be, never their values. */
export function fieldErrors(error: z.ZodError): FieldError[] {
  const all = new Map<string, FieldError>()
  for (const found of error.issues.flatMap(toFieldErrors)) {
    if (all.size === MAX_FIELD_ERRORS) break
    all.set(`${found.path}\n${found.message}`, found)
  }
  return [...all.values()]
}

type Issue = z.core.$ZodIssue
type RawIssue = z.core.$ZodRawIssue

function toFieldErrors(issue: Issue): FieldError[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, MAX_FIELD_ERRORS).map((key) => ({
        path: pathText([...issue.path, key]),
        message: 'is not a known field: remove it or check its spelling',
      }))
    case 'invalid_key': {
      const expected = issue.issues[0]?.message ?? 'must be another'
      return [{ path: pathText(issue.path), message: `is not a valid name: it ${expected}` }]
    }
    case 'invalid_union': {
      // What is wrong with it as what it is, rather than that it is none of several.
      const [own, ...others] = issue.errors.filter((errors) => !errors.some(isOfAnotherType))
      if (own === undefined || others.length > 0) break
      return own.flatMap((inner) => toFieldErrors({ ...inner, path: [...issue.path, ...inner.path] }))
    }
  }
  return [{ path: pathText(issue.path), message: issue.message }]
}

function isOfAnotherType({ code, path }: Issue): boolean {
  return code === 'invalid_type' && path.length === 0
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    const name = String(part)
    const short = name.length > MAX_PATH_PART_LENGTH ? `${name.slice(0, MAX_PATH_PART_LENGTH)}…` : name
    return text === '' ? short : `${text}.${short}`
  }, '')
}

z.config({ customError: plainMessage })

function plainMessage(issue: RawIssue): string {
  const expected = expectation(issue)
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_union':
      if (issue.input === undefined) return `is missing: it ${expected}`
      return Number.isFinite(issue.input) && issue.expected === 'int'
        ? expected
        : `is ${kindOf(issue.input)}: it ${expected}`
    case 'invalid_value':
      return issue.input === undefined ? `is missing: it ${expected}` : expected
    case 'too_small':
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array' ? sizeExpectation(issue) : expected
    default:
      return expected
  }
}

function kindOf(input: unknown): string {
  if (input === null) return 'null'
  if (Array.isArray(input)) return 'a list'
  switch (typeof input) {
    case 'string':
      return 'text'
    case 'number':
      return Number.isFinite(input) ? 'a number' : 'not a finite number'
    case 'boolean':
      return String(input)
    default:
      return 'an object'
  }
}

/** "must be …", from what the schema says of itself. */
function expectation(issue: RawIssue): string {
  const schema = issue.schema as z.core.$ZodTypes | undefined
  const own = ownMessage(schema, issue)
  if (own !== undefined) return own
  switch (schema?._zod.def.type) {
    case 'number':
      return numberExpectation(schema)
    case 'string':
      return 'must be text'
    case 'boolean':
      return 'must be true or false'
    case 'array':
      return 'must be a list'
    case 'object':
    case 'record':
      return 'must be an object'
    case 'enum':
    case 'literal':
      return `must be one of ${[...(schema._zod.values ?? [])].map((value) => JSON.stringify(value)).join(', ')}`
    case 'union':
      return [
        ...new Set(schema._zod.def.options.map((option) => expectation({ ...issue, schema: option } as RawIssue))),
      ]
        .join(' or ')
        .replaceAll(' or must be ', ' or ')
    default:
      return 'must be of another form'
  }
}

/** The message that the schema's author gave to a check of it: it tells more than the type does. */
function ownMessage(schema: z.core.$ZodTypes | undefined, issue: RawIssue): string | undefined {
  for (const check of schema?._zod.def.checks ?? []) {
    const message = check._zod.def.error?.(issue as never)
    if (message !== undefined && message !== null) return typeof message === 'string' ? message : message.message
  }
  return undefined
}

function numberExpectation(schema: z.core.$ZodTypes): string {
  const { minValue, maxValue, format } = schema as unknown as z.ZodNumber
  const unit = z.globalRegistry.get(schema as unknown as z.ZodNumber)?.['x-unit']
  const what = `must be a ${format === 'safeint' ? 'whole ' : ''}number${unit === undefined ? '' : ` of ${unit}`}`
  const hasMinimum = minValue !== null && minValue > Number.MIN_SAFE_INTEGER
  const hasMaximum = maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER
  if (hasMinimum && hasMaximum) return `${what} from ${minValue} to ${maxValue}`
  if (hasMinimum) return `${what}, at least ${minValue}`
  return hasMaximum ? `${what}, at most ${maxValue}` : what
}

function sizeExpectation(issue: RawIssue): string {
  const what = issue.origin === 'string' ? 'characters' : 'entries'
  if (issue.code === 'too_small')
    return issue.minimum === 1 ? 'must not be empty' : `must have at least ${issue.minimum} ${what}`
  return `must have at most ${issue.maximum} ${what}`
}
