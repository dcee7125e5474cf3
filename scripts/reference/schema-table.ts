import { code, jsonCode, table } from './markdown.ts'

/** What of JSON Schema the documents of this house use. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  description?: string
  default?: unknown
  const?: unknown
  enum?: unknown[]
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  required?: string[]
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  'x-unit'?: string
  'x-expected'?: string
}

/** What a table says of a reference to another schema. */
type LinkOf = (name: string) => string

interface Row {
  path: string
  schema: Schema
  required: boolean
}

/** The fields of an object, those of objects within it by their paths. @param isAsked whether they are sent, and some must be */
export function fieldTable(schema: Schema, linkOf: LinkOf, isAsked: boolean): string {
  const rows = fieldsOf(schema, '').map(({ path, schema: field, required }) => [
    code(path),
    typeOf(field, linkOf),
    rangeOf(field),
    field.default === undefined ? (isAsked && required ? 'must be there' : '') : jsonCode(field.default),
    field.description ?? '',
  ])
  return table(['field', 'type', 'range', 'default', 'meaning'], rows)
}

/** What a value is, in a few words. */
export function typeOf(schema: Schema, linkOf: LinkOf): string {
  const name = refOf(schema)
  if (name !== undefined) return linkOf(name)
  const parts = alternativesOf(schema)
  if (parts.length > 0) return [...new Set(parts.map((part) => typeOf(part, linkOf)))].join(' or ')
  if (schema.const !== undefined) return jsonCode(schema.const)
  const { type, format, items, additionalProperties } = schema
  if (Array.isArray(type)) return type.join(' or ')
  if (type === 'array') return `list of ${typeOf(items ?? {}, linkOf)}`
  if (type === 'object' && typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0) {
    return `map of ${typeOf(additionalProperties, linkOf)}`
  }
  if (type === 'string' && format === 'date-time') return 'time'
  return type === undefined ? 'any' : type
}

/** From where to where it goes, or which values there are. */
export function rangeOf(schema: Schema): string {
  const { minimum, maximum, minItems, maxItems, maxLength } = schema
  const unit = schema['x-unit'] === undefined ? '' : ` ${schema['x-unit']}`
  const values = valuesOf(schema)
  if (values.length > 0) return values.map(jsonCode).join(', ')
  if (schema['x-expected'] !== undefined) return schema['x-expected']
  if (minimum !== undefined && maximum !== undefined && Math.abs(maximum) < Number.MAX_SAFE_INTEGER) {
    return `${minimum} to ${maximum}${unit}`
  }
  if (minimum !== undefined && minimum > -Number.MAX_SAFE_INTEGER) return `from ${minimum}${unit}`
  if (maxItems !== undefined) return minItems === undefined ? `at most ${maxItems}` : `${minItems} to ${maxItems}`
  if (maxLength !== undefined) return `at most ${maxLength} characters`
  const parts = alternativesOf(schema).map(rangeOf).filter(Boolean)
  return [...new Set(parts)].join('; ')
}

function valuesOf(schema: Schema): unknown[] {
  if (schema.enum !== undefined) return schema.enum.filter((value) => value !== null)
  return schema.items?.enum ?? []
}

function fieldsOf(schema: Schema, before: string): Row[] {
  const { properties = {}, required = [] } = schema
  const own = Object.entries(properties).flatMap(([name, field]) => {
    const path = before + name
    return [{ path, schema: field, required: required.includes(name) }, ...within(field, path)]
  })
  return [...own, ...alternativesOf(schema).flatMap((part) => fieldsOf(part, before))]
}

/** Of an object, of what a list is of, or of either of several. */
function within(schema: Schema, path: string): Row[] {
  if (refOf(schema) !== undefined) return []
  const { items, additionalProperties } = schema
  const rest = typeof additionalProperties === 'object' ? within(additionalProperties, `${path}.NAME`) : []
  return [...fieldsOf(schema, `${path}.`), ...(items === undefined ? [] : inItems(items, path)), ...rest].concat(
    alternativesOf(schema).flatMap(({ items: each }) => (each === undefined ? [] : inItems(each, path))),
  )
}

function inItems(items: Schema, path: string): Row[] {
  return refOf(items) === undefined ? fieldsOf(items, `${path}[].`) : []
}

function alternativesOf({ anyOf, oneOf, allOf }: Schema): Schema[] {
  return [...(anyOf ?? []), ...(oneOf ?? []), ...(allOf ?? [])]
}

function refOf(schema: Schema): string | undefined {
  const only = schema.allOf?.length === 1 ? schema.allOf[0] : undefined
  return (schema.$ref ?? only?.$ref)?.split('/').at(-1)
}
