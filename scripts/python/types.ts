import type { ApiDocument } from '../reference/read-gateway.ts'
import type { Schema } from '../reference/schema-table.ts'

/** What the client takes and answers; what they are made of comes with them. */
const ROOTS = [
  ...[
    'Job',
    'JobListItem',
    'JobSubmission',
    'JobConfig',
    'JobOverrides',
    'JobChanges',
    'DryRun',
    'Extension',
    'JobEvent',
    'LogLine',
    'AttemptCost',
  ],
  ...[
    'ExecAnswer',
    'PortLink',
    'ContainerFiles',
    'WrittenFiles',
    'Batch',
    'BatchRows',
    'NewBatch',
    'SubmittedBatch',
    'CheckedBatch',
  ],
  ...['Provider', 'User', 'Costs', 'CostForecast', 'Error'],
]

const PLAIN: Record<string, string> = {
  string: 'str',
  integer: 'int',
  number: 'float',
  boolean: 'bool',
  null: 'None',
}

const KEYWORDS = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
)

const HEAD = `"""What the API takes and answers, as types. Made from its OpenAPI document by \`npm run gen\`."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, NotRequired, TypedDict, Union
`

/** The schemas of the API as \`TypedDict\`, those of fields named after what they are in. */
export function pythonTypes({ components }: Pick<ApiDocument, 'components'>): string {
  const { schemas } = components
  const made = new Map<string, string>()
  const waiting = [...ROOTS]

  function nameOf(name: string, schema: Schema): string {
    if (!made.has(name)) {
      made.set(name, '') // it may be within itself
      made.set(name, schema.properties === undefined ? aliasOf(name, schema) : classOf(name, schema))
    }
    return name
  }

  function typeOf(schema: Schema, name: string): string {
    if (schema.$ref !== undefined) {
      const target = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)
      if (!made.has(target) && !waiting.includes(target)) waiting.push(target)
      return target
    }
    const any = schema.oneOf ?? schema.anyOf
    if (any !== undefined) {
      return united(any.map((one, at) => typeOf(one, one.properties === undefined ? name : `${name}${at + 1}`)))
    }
    if (schema.enum !== undefined) return `Literal[${schema.enum.map(literalOf).join(', ')}]`
    const types = [schema.type ?? []].flat()
    return types.length === 0 ? 'Any' : united(types.map((type) => plainOf(type, schema, name)))
  }

  function plainOf(type: string, schema: Schema, name: string): string {
    if (type === 'array') return `List[${typeOf(schema.items ?? {}, `${name}Item`)}]`
    if (type !== 'object') return PLAIN[type] ?? 'Any'
    if (schema.properties !== undefined) return nameOf(name, schema)
    const { additionalProperties: values } = schema
    return `Dict[str, ${typeof values === 'object' ? typeOf(values, `${name}Value`) : 'Any'}]`
  }

  function aliasOf(name: string, schema: Schema): string {
    return `${commentOf(schema)}${name} = ${typeOf(schema, name)}\n`
  }

  function classOf(name: string, { properties = {}, required = [], description }: Schema): string {
    const fields = Object.entries(properties).map(([field, schema]) => {
      const type = typeOf(schema, `${name}${field[0]?.toUpperCase()}${field.slice(1).replaceAll(/\W/g, '')}`)
      return { field, schema, type: required.includes(field) ? type : `NotRequired[${type}]` }
    })
    if (fields.some(({ field }) => !/^[A-Za-z_]\w*$/.test(field) || KEYWORDS.has(field))) {
      // Names that are words of Python stand in no class.
      const lines = fields.map(
        ({ field, schema, type }) =>
          `${commentOf(schema, '        ')}        ${JSON.stringify(field)}: ${JSON.stringify(type).replaceAll('\\"', "'")},\n`,
      )
      return `${name} = TypedDict(\n    "${name}",\n    {\n${lines.join('')}    },\n)\n`
    }
    const doc = description === undefined ? '' : `    """${escaped(description)}"""\n\n`
    const lines = fields.map(({ field, schema, type }) => `${commentOf(schema, '    ')}    ${field}: ${type}\n`)
    return `class ${name}(TypedDict):\n${doc}${lines.join('') || '    pass\n'}`
  }

  for (const name of waiting) {
    const schema = schemas[name]
    if (schema === undefined) throw new Error(`The API’s document has no ${name}`)
    nameOf(name, schema)
  }
  const aliases = [...made].filter(([, text]) => !text.startsWith('class '))
  const classes = [...made].filter(([, text]) => text.startsWith('class '))
  // An alias is read as it stands, so what it names has to be there before.
  return `${HEAD}\n\n${[...classes, ...aliases].map(([, text]) => text).join('\n\n')}`
}

function literalOf(value: unknown): string {
  if (value === null) return 'None'
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : JSON.stringify(value)
}

function united(types: string[]): string {
  const all = [...new Set(types)]
  return all.length === 1 ? (all[0] ?? 'Any') : `Union[${all.join(', ')}]`
}

function commentOf({ description }: Schema, indent = ''): string {
  return description === undefined ? '' : `${indent}#: ${description.replaceAll(/\s+/g, ' ')}\n`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll(/\s+/g, ' ')
}
