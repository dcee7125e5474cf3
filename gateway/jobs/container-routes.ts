import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import type { GatewayEnv } from '../context.ts'
import { GatewayError } from '../errors.ts'
import { operation } from '../operation.ts'
import type { GatewayParts } from '../parts.ts'
import { visibleJob } from './access.ts'
import { jobParams } from './params.ts'

const nothing = z.record(z.string(), z.unknown())
const common = {
  tag: 'Jobs',
  request: { params: jobParams },
  data: nothing,
  example: {},
  description: 'Not offered by any provider of this network yet: answers PROVIDER_UNAVAILABLE.',
} as const
const errors = () => ['JOB_NOT_FOUND' as const, 'PROVIDER_UNAVAILABLE' as const]

const outputOperation = operation({
  ...common,
  errors: errors(),
  method: 'get',
  path: '/plugin-core/jobs/{id}/output',
  operationId: 'getJobOutput',
  summary: 'The kept output',
  permission: 'jobs:read',
})
const containerOperation = operation({
  ...common,
  errors: errors(),
  method: 'get',
  path: '/plugin-core/jobs/{id}/container',
  operationId: 'getJobContainer',
  summary: 'Look into the running container',
  permission: 'jobs:read',
})
const execOperation = operation({
  ...common,
  errors: errors(),
  method: 'post',
  path: '/plugin-core/jobs/{id}/exec',
  operationId: 'execInJob',
  summary: 'Run a command in the running container',
  permission: 'jobs:write',
})

/** What reaches into a container. No provider offers it yet, and the answer says so. */
export function addContainerRoutes(api: OpenAPIHono<GatewayEnv>, { node }: GatewayParts): void {
  for (const route of [outputOperation, containerOperation, execOperation]) {
    api.openapi(route, async (c) => {
      await visibleJob(c, node.store, c.req.valid('param').id)
      throw new GatewayError('PROVIDER_UNAVAILABLE', 'No provider of this network offers this yet')
    })
  }
}
