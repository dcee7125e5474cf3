import assert from 'node:assert/strict'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { Grant } from '../../../gateway/contract/permissions.ts'
import { newJobId } from '../../../protocol/ids.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { volumeIdOf } from '../../../protocol/job-volumes.ts'
import { ADMIN_KEY, type Answer, openTestGateway, submit, type TestGateway } from '../support/test-gateway.ts'
import { PROVIDER } from '../support/test-node.ts'

export interface Operation {
  id: string
  method: string
  path: string
  isPublic: boolean
  query: string[]
  /** What its query cannot be without, as the document gives it for an example. */
  needs: Record<string, string>
  /** The same of its headers. */
  heads: Record<string, string>
  /** Of a JSON body, where it takes one. */
  example: unknown
  /** Whether it takes JSON. */
  hasBody: boolean
  bodyRequired: boolean
  takesKey: boolean
  /** Statuses that the document tells of, with the check of their bodies. */
  responses: Map<number, ValidateFunction>
}

export interface ApiUnderTest {
  gateway: TestGateway
  operations: Operation[]
  /** Path parameters of objects that this key's owner just made. */
  made(operation: Operation, key: string): Promise<Record<string, string>>
  call(operation: Operation, params: Record<string, string>, options?: CallOptions): Promise<Answer>
}

export interface CallOptions {
  key?: string | null
  query?: Record<string, string>
  json?: unknown
  body?: string
  headers?: Record<string, string>
}

interface Parameter {
  in: string
  name: string
  required?: boolean
  schema?: { examples?: unknown[] }
}

const EVERYTHING: Grant[] = ['jobs:*', 'templates:*', 'webhooks:*', 'providers:*', 'keys:*']

/** A gateway, and what its own document says of it. Nothing that it does leaves the machine. */
export async function openApiUnderTest(): Promise<ApiUnderTest & { keyOf(owner: string): Promise<string> }> {
  const nowhere = async () => [{ address: '127.0.0.1', family: 4 as const }]
  const gateway = await openTestGateway({ allowPrivateWebhooks: true }, nowhere as never)
  const document = (await gateway.ask('GET', '/api/openapi.json', { key: null })).body
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ;(formats as unknown as (ajv: Ajv2020) => void)(ajv)
  ajv.addSchema(document, 'api')
  const operations: Operation[] = Object.keys(document.paths).flatMap((path) =>
    Object.keys(document.paths[path]).map((method) => {
      const one = document.paths[path][method]
      const at = `api#/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')}/${method}/responses`
      const parameters: Parameter[] = one.parameters ?? []
      return {
        id: one.operationId,
        method: method.toUpperCase(),
        path,
        isPublic: one.security.length === 0,
        query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
        example: one.requestBody?.content['application/json']?.example,
        needs: Object.fromEntries(
          parameters
            .filter((parameter) => parameter.in === 'query' && parameter.required === true)
            .map(({ name, schema }) => [name, String(schema?.examples?.[0])]),
        ),
        heads: Object.fromEntries(
          parameters
            .filter((parameter) => parameter.in === 'header' && parameter.required === true)
            .map(({ name, schema }) => [name, String(schema?.examples?.[0])]),
        ),
        hasBody: one.requestBody?.content['application/json'] !== undefined,
        bodyRequired: one.requestBody?.required === true && one.requestBody.content['application/json'] !== undefined,
        takesKey: parameters.some(({ name }) => name === 'idempotency-key'),
        responses: new Map(
          Object.keys(one.responses).map((status) => [
            Number(status),
            one.responses[status].content['application/json'] === undefined
              ? aFile
              : ajv.compile({ $ref: `${at}/${status}/content/application~1json/schema` }),
          ]),
        ),
      }
    }),
  )
  let count = 0

  async function create(path: string, key: string, json: unknown): Promise<string> {
    const answer = await gateway.ask('POST', `/api${path}`, { key, json })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.data.id ?? answer.data.batchId
  }

  /** One to which nothing was added yet. */
  async function beginUpload(key: string): Promise<string> {
    const headers = { 'Upload-Complete': '?0' }
    const answer = await gateway.ask('POST', '/api/plugin-core/uploads', { key, headers, body: '' })
    return answer.data.id
  }

  /** As the market notes it once a provider has taken the job. */
  async function leaveVolume(key: string): Promise<string> {
    const { data } = await gateway.ask('GET', '/api/users/me', { key })
    const volumes = [{ name: 'data', mountPath: '/data', size: '1Gi', keep: 3_600 }]
    const job = { id: newJobId(count), owner: data.id, spec: jobSubmissionSchema.parse({ image: 'busybox', volumes }) }
    await gateway.node.volumes.note(job, { provider: PROVIDER, addresses: [], fence: 1 })
    return volumeIdOf(job.id, PROVIDER, 'data')
  }

  async function made(operation: Operation, key: string): Promise<Record<string, string>> {
    const { path } = operation
    count += 1
    const config = { image: 'busybox' }
    const name = `n${count}`
    if (path.includes('/templates/') || path.includes('/from-template/')) {
      return { id: await create('/plugin-core/jobs/templates', key, { name, config }) }
    }
    if (path.includes('/schedules/')) {
      return { id: await create('/plugin-core/jobs/schedules', key, { name, schedule: '@daily', config }) }
    }
    if (path.includes('/batches/')) return { id: await create('/plugin-core/jobs/batch', key, { jobs: [config] }) }
    if (path.includes('/webhooks/')) {
      const url = `http://receiver.example:1/${count}`
      const id = await create('/plugin-core/webhooks', key, { url, events: ['job.completed'] })
      return { id, deliveryId: 'delivery_none' }
    }
    if (path.includes('/auth/keys/'))
      return { id: await create('/auth/keys', key, { name, permissions: ['jobs:read'] }) }
    if (path.includes('/providers/')) return { id: PROVIDER }
    if (path.includes('/uploads/')) return { id: await beginUpload(key) }
    if (path.includes('/volumes/')) return { id: await leaveVolume(key) }
    if (path.includes('/networks/')) return { name: 'p2p' }
    if (path.includes('/jobs/{id}')) return { id: await submit(gateway, {}, key) }
    return {}
  }

  async function call(
    operation: Operation,
    params: Record<string, string>,
    options: CallOptions = {},
  ): Promise<Answer> {
    const { query = {}, ...rest } = { ...options, headers: { ...operation.heads, ...options.headers } }
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name] ?? 'none'))
    const search = new URLSearchParams({ ...operation.needs, ...query }).toString()
    const answer = await gateway.ask(operation.method, `/api${path}${search === '' ? '' : `?${search}`}`, rest)
    holdToDocument(operation, answer)
    return answer
  }

  return { gateway, operations, made, call, keyOf: async (owner) => await gateway.keyFor(owner, EVERYTHING) }
}

/** An answer that is a file and no JSON: its reader has the bytes as they are. */
const aFile = ((body: unknown) => typeof body === 'string') as unknown as ValidateFunction

/** Every answer is one that the document tells of, in the form that it tells, and shows nothing of the inside. */
function holdToDocument(operation: Operation, answer: Answer): void {
  const what = `${operation.id} answers ${answer.status} ${JSON.stringify(answer.body).slice(0, 2000)}`
  assert.notEqual(answer.status, 500, what)
  const check =
    operation.responses.get(answer.status) ?? (answer.status === 200 ? operation.responses.get(201) : undefined)
  assert.ok(check !== undefined, `${what}, which the document does not tell of`)
  assert.ok(check(answer.body), `${what}: ${JSON.stringify(check.errors?.slice(0, 3))}`)
  assert.doesNotMatch(JSON.stringify(answer.body), /\\n\s+at |node_modules|file:\/\/\//, what)
}

export { ADMIN_KEY }
