import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { isoTime } from '../../node/views/time.ts'
import { messageSchema, page, success } from '../contract/envelope.ts'
import { overridesSchema } from '../contract/job-config.ts'
import { JOB_EXAMPLE, jobSchema } from '../contract/jobs.ts'
import { pagingFields } from '../contract/list-fields.ts'
import { newTemplateSchema, templateChangesSchema, templateSchema } from '../contract/templates.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { listOperation, operation } from '../http/operation.ts'
import { assertPermission } from '../http/principal.ts'
import { type ConfigVault, idempotencyHeader, jobView, type SubmitComponents, submitJob } from '../jobs/index.ts'
import { newId } from '../records/ids.ts'
import type { TemplateRecord, TemplateTable } from './template-table.ts'

const EXAMPLE = {
  id: 'template_01k8m3q7w9x2v5n4c6b8d0f1g3',
  name: 'Web server',
  description: 'nginx with one port',
  config: { image: 'nginx:alpine', cpu: 1000, memory: '512Mi', ports: [{ port: 80, expose: true, protocol: 'TCP' }] },
  hidden: { secrets: ['TOKEN'], registryCredentials: false },
  createdAt: JOB_EXAMPLE.createdAt,
  updatedAt: JOB_EXAMPLE.createdAt,
}
const BODY_EXAMPLE = { name: 'Web server', config: { image: 'nginx:alpine', ports: [{ port: 80 }] } }
const BASE = '/plugin-core/jobs/templates'
const tag = 'Templates'
const params = z.strictObject({
  id: z
    .string()
    .max(64)
    .describe('Which template.')
    .meta({ examples: [EXAMPLE.id] }),
})
const json = <S extends z.ZodType>(description: string, schema: S, example: unknown) => ({
  required: true as const,
  description,
  content: { 'application/json': { schema, example } },
})

const listTemplates = listOperation({
  method: 'get',
  path: BASE,
  operationId: 'listTemplates',
  tag,
  summary: 'List templates',
  permission: 'templates:read',
  request: { query: z.strictObject(pagingFields) },
  data: templateSchema,
  example: EXAMPLE,
})
const createTemplate = operation({
  method: 'post',
  path: BASE,
  operationId: 'createTemplate',
  tag,
  summary: 'Keep a job configuration as a template',
  permission: 'templates:write',
  request: { body: json('The template.', newTemplateSchema, BODY_EXAMPLE) },
  data: templateSchema,
  status: 201,
  example: EXAMPLE,
  errors: ['LIMIT_REACHED'],
})
const getTemplate = operation({
  method: 'get',
  path: `${BASE}/{id}`,
  operationId: 'getTemplate',
  tag,
  summary: 'Get a template',
  permission: 'templates:read',
  request: { params },
  data: templateSchema,
  example: EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND'],
})
const updateTemplate = operation({
  method: 'put',
  path: `${BASE}/{id}`,
  operationId: 'updateTemplate',
  tag,
  summary: 'Change a template',
  permission: 'templates:write',
  request: { params, body: json('What is to be changed.', templateChangesSchema, { name: 'Web server 2' }) },
  data: templateSchema,
  example: EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND'],
})
const deleteTemplate = operation({
  method: 'delete',
  path: `${BASE}/{id}`,
  operationId: 'deleteTemplate',
  tag,
  summary: 'Delete a template',
  permission: 'templates:write',
  request: { params },
  data: messageSchema,
  example: { message: 'Template successfully deleted' },
  errors: ['RESOURCE_NOT_FOUND'],
})
const submitFromTemplate = operation({
  method: 'post',
  path: '/plugin-core/jobs/from-template/{id}',
  operationId: 'submitFromTemplate',
  tag,
  summary: 'Submit a job from a template',
  description:
    '`env`, `secrets` and `labels` are changed name by name by the overrides; other fields are replaced. Null takes out. Secrets and registry credentials are taken over where neither what runs nor where changes (sizes, times, prices and labels may); otherwise each must be given anew, or taken out, and the error names it. Needs `templates:read`, too.',
  permission: 'jobs:write',
  request: {
    params,
    headers: idempotencyHeader,
    body: {
      required: false,
      description: 'What the job has otherwise than the template.',
      content: {
        'application/json': {
          schema: z.strictObject({ overrides: overridesSchema.optional() }),
          example: { overrides: { cpu: 2000, memory: '1Gi' } },
        },
      },
    },
  },
  data: jobSchema,
  status: 201,
  example: { ...JOB_EXAMPLE, origin: { template: EXAMPLE.id } },
  errors: ['RESOURCE_NOT_FOUND', 'IDEMPOTENCY_CONFLICT', 'PROVIDER_UNAVAILABLE'],
})

/** What {@link addTemplateRoutes} works with. */
export interface TemplateComponents extends SubmitComponents {
  templates: TemplateTable
  vault: ConfigVault
  clock: Clock
}

/** Templates, and jobs that are made from one. */
export function addTemplateRoutes(api: Api, components: TemplateComponents): void {
  const { templates, vault, clock, ...submitting } = components
  const { directory } = submitting

  function templateView(template: TemplateRecord): z.input<typeof templateSchema> {
    const { id, name, description, config, createdAtMs, updatedAtMs } = template
    const times = { createdAt: isoTime(createdAtMs), updatedAt: isoTime(updatedAtMs) }
    return { id, name, description, config, hidden: vault.hidden(id, template), ...times }
  }

  async function visible(c: GatewayContext, id: string): Promise<TemplateRecord> {
    const template = await templates.visible(principalOf(c), id)
    if (template !== undefined) return template
    throw new GatewayError('RESOURCE_NOT_FOUND', `There is no template ${id}`)
  }

  api.openapi(listTemplates, async (c) => {
    const { items, pagination } = await templates.page(principalOf(c), c.req.valid('query'))
    return c.json(page(items.map(templateView), pagination), 200)
  })

  api.openapi(createTemplate, async (c) => {
    const { name, description, config } = c.req.valid('json')
    const nowMs = clock.nowMs()
    const id = newId('template', nowMs)
    const stored = vault.seal(id, config)
    vault.open(id, stored) // Only what makes a valid job is kept.
    const owner = principalOf(c).owner
    const template = { id, owner, name, description, createdAtMs: nowMs, updatedAtMs: nowMs, ...stored }
    await templates.add(template)
    return c.json(success(templateView(template)), 201)
  })

  api.openapi(getTemplate, async (c) => {
    return c.json(success(templateView(await visible(c, c.req.valid('param').id))), 200)
  })

  api.openapi(updateTemplate, async (c) => {
    const template = await visible(c, c.req.valid('param').id)
    const { name = template.name, description = template.description, config } = c.req.valid('json')
    const stored = config === undefined ? template : vault.reseal(template.id, config, template)
    vault.open(template.id, stored)
    const { sealed: _replaced, ...rest } = template
    const changed = { ...rest, ...stored, name, description, updatedAtMs: clock.nowMs() }
    await templates.put(changed)
    return c.json(success(templateView(changed)), 200)
  })

  api.openapi(deleteTemplate, async (c) => {
    const { id } = await visible(c, c.req.valid('param').id)
    await templates.del(id)
    return c.json(success({ message: 'Template successfully deleted' }), 200)
  })

  api.openapi(submitFromTemplate, async (c) => {
    assertPermission(principalOf(c), 'templates:read')
    const template = await visible(c, c.req.valid('param').id)
    const { job, repeated } = await submitJob(submitting, {
      owner: principalOf(c).owner,
      spec: vault.open(template.id, template, c.req.valid('json').overrides),
      origin: { template: template.id, requestId: c.var.requestId },
      idempotencyKey: c.req.valid('header')['idempotency-key'],
    })
    if (repeated) c.header('Idempotency-Replayed', 'true')
    return c.json(success(jobView(job, directory)), repeated ? (200 as 201) : 201)
  })
}
