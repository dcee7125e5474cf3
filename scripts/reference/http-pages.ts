import { code, fence, pageOf, type ReferencePage, table } from './markdown.ts'
import type { ApiDocument, Operation } from './read-gateway.ts'
import { fieldTable, rangeOf, type Schema, typeOf } from './schema-table.ts'

const SOURCE = 'the OpenAPI document of a running gateway'
const OBJECTS = 'http-objects.md'

/** The operations by their tags, and the objects that they take and answer. */
export function httpPages(document: ApiDocument): ReferencePage[] {
  return [operationsPage(document), objectsPage(document)]
}

function operationsPage({ info, tags, paths }: ApiDocument): ReferencePage {
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation })),
  )
  return pageOf('reference/http-api.md', 'HTTP API', SOURCE, [
    info.description,
    'Paths stand below `/api/v1`, this version, and `/api`, the newest. `GET /api/v1/openapi.json` is the document, and `/api/explorer` a page on which the API can be tried. A key goes as `Authorization: Bearer KEY`; what it lacks is answered `FORBIDDEN` ([error codes](../api-errors.md)). `GET /metrics` is in [metrics](metrics.md).',
    ...tags.flatMap(({ name, description }) => [
      `## ${name}`,
      description,
      ...all
        .filter(({ operation }) => operation.tags[0] === name)
        .flatMap(({ method, path, operation }) => operationParts(method, path, operation)),
    ]),
  ])
}

function operationParts(method: string, path: string, operation: Operation): string[] {
  const { summary, description, parameters = [], requestBody, responses } = operation
  const permission = operation['x-permission'] ?? 'public'
  const [status = '200', success] = Object.entries(responses).find(([code]) => code.startsWith('2')) ?? []
  const refusals = Object.entries(responses).flatMap(([code, { description }]) => (code < '400' ? [] : [description]))
  const takes = Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => bodyText(type, schema))
  const answers = Object.entries(success?.content ?? {}).map(([type, { schema }]) => answerText(type, schema))
  return [
    `### ${summary}`,
    fence('http', `${method.toUpperCase()} /api/v1${path}`),
    ...(description === undefined ? [] : [description]),
    [
      `- Needs: ${PERMISSIONS[permission] ?? code(permission)}`,
      ...(takes.length === 0 ? [] : [`- Takes: ${takes.join('; or ')}`]),
      `- Answers ${status}: ${answers.join('; or ')}`,
      `- Refuses with: ${refusals
        .flatMap((text) => text.split(', '))
        .map(code)
        .join(', ')}`,
    ].join('\n'),
    ...(parameters.length === 0 ? [] : [parameterTable(parameters)]),
    ...inlineTables(requestBody?.content['application/json']?.schema, success?.content?.['application/json']?.schema),
  ]
}

const PERMISSIONS: Record<string, string> = { public: 'nothing', 'signed-in': 'any key', admin: 'an admin key' }

function parameterTable(parameters: NonNullable<Operation['parameters']>): string {
  const rows = parameters.map(({ name, in: place, required = false, description, schema }) => [
    code(name),
    place,
    typeOf(schema, objectLink),
    rangeOf(schema),
    schema.default === undefined ? (required ? 'must be there' : '') : code(String(schema.default)),
    description ?? schema.description ?? '',
  ])
  return table(['parameter', 'in', 'type', 'range', 'default', 'meaning'], rows)
}

function bodyText(type: string, schema: Schema): string {
  return type === 'application/json' ? typeOf(schema, objectLink) : code(type)
}

function answerText(type: string, schema: Schema | undefined): string {
  if (type === 'text/event-stream') return `as ${code(type)}: ${schema?.description ?? ''}`
  if (type !== 'application/json') return code(type)
  const data = schema?.properties?.data
  return data === undefined ? 'JSON' : `${code('data')}, ${typeOf(data, objectLink)}`
}

/** Bodies and answers that have no name. */
function inlineTables(body: Schema | undefined, answer: Schema | undefined): string[] {
  const data = answer?.properties?.data
  const shown: [string, Schema | undefined, boolean][] = [
    ['The body:', body, true],
    ['In `data`:', data?.items ?? data, false],
  ]
  return shown.flatMap(([title, schema, isAsked]) =>
    schema?.properties === undefined ? [] : [title, fieldTable(schema, objectLink, isAsked)],
  )
}

function objectsPage({ components }: ApiDocument): ReferencePage {
  const named = Object.entries(components.schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return pageOf('reference/http-objects.md', 'Objects of the HTTP API', SOURCE, [
    'What [the operations](http-api.md) take and answer. Times are ISO 8601 in UTC; null is where there is nothing to say.',
    ...named.flatMap(([name, schema]) => [
      `## ${name}`,
      ...(schema.description === undefined ? [] : [schema.description]),
      name === 'JobSubmission'
        ? 'See [fields of a job](job.md).'
        : fieldTable(schema, ownLink, /^New|Changes|Request/.test(name)),
    ]),
  ])
}

function objectLink(name: string): string {
  return `[${name}](${OBJECTS}#${name.toLowerCase()})`
}

function ownLink(name: string): string {
  return `[${name}](#${name.toLowerCase()})`
}
