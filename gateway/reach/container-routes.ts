import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { type ExecEvent, ReachError } from '../../node/reach/index.ts'
import { JobStateError } from '../../node/store/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { revokedError } from '../auth/index.ts'
import { success } from '../contract/envelope.ts'
import { containerSchema, execAnswerSchema, execRequestSchema, portLinkSchema } from '../contract/exec.ts'
import { principalOf } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { REACH_ERRORS } from '../http/reach-error.ts'
import { jobParams, visibleJob } from '../jobs/index.ts'
import { createOneTimeCodes } from '../records/one-time-codes.ts'
import { addExecSocket, type ExecTicket } from './exec-socket.ts'
import type { PortOrigins } from './port-origins.ts'
import { addPortProxy, type ProxyComponents } from './port-proxy.ts'
import { addTunnelRoute, type TunnelComponents } from './tunnel-route.ts'

/** How long the address of a socket may be opened, in ms. */
const TICKET_MS = 60_000
const MAX_TICKETS = 1_000

/** Output of one command that is answered, in bytes, of each stream. */
const MAX_OUTPUT_BYTES = 1024 * 1024

const TIME = '2026-01-31T12:00:00.000Z'

const containerOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/container',
  operationId: 'getJobContainer',
  tag: 'Jobs',
  summary: 'Look into the running container',
  permission: 'jobs:read',
  request: { params: jobParams },
  data: containerSchema,
  example: {
    startedAt: TIME,
    imageDigest: 'sha256:9ae97d36d26566ff84e8893c64a6dc4fe8ca6d1144bf5b87b2b85a32def253c7',
    processes: [{ pid: 4711, user: 'root', command: 'nginx: master process nginx' }],
    usage: { memory: 8_388_608, memoryLimit: 536_870_912, processes: 3, network: { rx: 1024, tx: 2048 } },
    mounts: [{ path: '/data', name: 'data', readOnly: false }],
    networks: [{ address: '172.18.0.2', gateway: '172.18.0.1' }],
  },
  errors: REACH_ERRORS,
})

const execOperation = operation({
  method: 'post',
  path: '/plugin-core/jobs/{id}/exec',
  operationId: 'execInJob',
  tag: 'Jobs',
  summary: 'Run a command in the running container',
  description:
    'Answers output and exit code. With `interactive` the address of a WebSocket instead: binary messages to it are input, text ones `{"type":"resize","columns":80,"rows":24}` or `{"type":"end"}`; binary messages from it are output after one byte, 1 for stdout and 2 for stderr, text ones `{"type":"exit","exitCode":0}` or `{"type":"error","error":{}}`.',
  permission: 'jobs:write',
  request: {
    params: jobParams,
    body: {
      required: true,
      description: 'The command.',
      content: { 'application/json': { schema: execRequestSchema, example: { command: ['ps'] } } },
    },
  },
  data: execAnswerSchema,
  example: { exitCode: 0, stdout: 'PID USER COMMAND\n', stderr: '', truncated: false },
  errors: REACH_ERRORS,
})

const linkOperation = operation({
  method: 'post',
  path: '/plugin-core/jobs/{id}/links',
  operationId: 'linkJobPort',
  tag: 'Jobs',
  summary: 'A link that opens an exposed port in a browser',
  description:
    'Each port has an origin of its own, so that a job’s page cannot act as the user of this gateway. The link opens it once, within a minute; the browser may then use it for half a day. Programs use `/plugin-core/jobs/{id}/proxy/{port}/…` with their key in the header: HTTP and WebSocket, any method.',
  permission: 'jobs:write',
  request: {
    params: jobParams,
    body: {
      required: true,
      description: 'Where the link is to lead.',
      content: { 'application/json': { schema: portLinkSchema, example: { port: 80 } } },
    },
  },
  data: z
    .strictObject({
      url: z.string().describe('For a browser; it opens once.'),
      expiresAt: z.iso.datetime().describe('When it opens no more.'),
    })
    .describe('The link.'),
  status: 201,
  example: {
    url: 'http://80--job_01k8m3q7w9x2v5n4c6b8d0f1g3.localhost:13000/?cortex-link=EXAMPLE',
    expiresAt: TIME,
  },
  errors: ['JOB_NOT_FOUND', 'JOB_STATE_CONFLICT', 'RESOURCE_NOT_FOUND'],
})

/** What {@link addContainerRoutes} works with. */
export interface ReachComponents extends TunnelComponents, Pick<ProxyComponents, 'kept'> {
  portOrigins: PortOrigins
  clock: Clock
}

/** What reaches into a container: ports, commands, a look, what it left. */
export function addContainerRoutes(api: Api, components: ReachComponents): void {
  const { node, clock, revocation, portOrigins } = components
  const tickets = createOneTimeCodes<ExecTicket>({ clock }, { lifeMs: TICKET_MS, maxOpen: MAX_TICKETS })

  api.openapi(containerOperation, async (c) => {
    const job = await visibleJob(c, node.store, c.req.valid('param').id)
    const { startedAtMs, imageDigest, processes, usage, mounts, networks } = await node.reach.inspect(
      job.id,
      c.req.raw.signal,
    )
    const shown = {
      startedAt: isoTime(startedAtMs),
      ...{ imageDigest, processes, mounts, networks },
      usage: {
        memory: usage.memoryBytes,
        memoryLimit: usage.memoryLimitBytes,
        processes: usage.processes,
        network: { rx: usage.rxBytes, tx: usage.txBytes },
      },
    }
    return c.json(success(shown), 200)
  })

  api.openapi(execOperation, async (c) => {
    const job = await visibleJob(c, node.store, c.req.valid('param').id)
    const { command, interactive, terminal, columns, rows, timeout } = c.req.valid('json')
    if (!interactive) {
      const late = AbortSignal.timeout(timeout * 1000)
      const over = new AbortController()
      const release = revocation.watch(principalOf(c), () => over.abort(revokedError()))
      const signal = AbortSignal.any([late, over.signal, c.req.raw.signal])
      const running = execToEnd(node.reach, { jobId: job.id, command, signal, late })
      return c.json(success(await running.finally(release)), 200)
    }
    if (job.state.status !== 'running') throw new JobStateError(job.state.status, ['running'])
    const size = terminal ? { terminal, columns, rows } : {}
    const { code, expiresAtMs } = tickets.issue({
      ...{ jobId: job.id, principal: principalOf(c) },
      request: { command, input: true, ...size },
    })
    const url = new URL(`${new URL(c.req.url).pathname}/socket`, c.req.url)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    url.search = new URLSearchParams({ code }).toString()
    return c.json(success({ url: url.href, expiresAt: isoTime(expiresAtMs) }), 200)
  })

  api.openapi(linkOperation, async (c) => {
    const job = await visibleJob(c, node.store, c.req.valid('param').id)
    const { port, path = '/' } = c.req.valid('json')
    if (job.state.status !== 'running') throw new JobStateError(job.state.status, ['running'])
    const isExposed = job.spec.ports.some((one) => one.port === port && one.expose && one.protocol === 'TCP')
    if (!isExposed) throw new ReachError('PORT_NOT_EXPOSED', `The job does not expose port ${port} (TCP)`)
    const { keyId, session } = principalOf(c)
    const link = { keyId, jobId: job.id, port, ...(session === undefined ? {} : { session }) }
    const { url, expiresAtMs } = portOrigins.link(link, path, new URL(c.req.url))
    return c.json(success({ url, expiresAt: isoTime(expiresAtMs) }), 201)
  })

  addExecSocket(api, { ...components, reach: node.reach }, tickets)
  addTunnelRoute(api, components)
  addPortProxy(api, components)
}

async function execToEnd(
  reach: ReachComponents['node']['reach'],
  { jobId, command, signal, late }: { jobId: string; command: string[]; signal: AbortSignal; late: AbortSignal },
): Promise<{ exitCode: number | null; stdout: string; stderr: string; truncated: boolean }> {
  const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  const room = { stdout: MAX_OUTPUT_BYTES, stderr: MAX_OUTPUT_BYTES }
  let truncated = false
  const take = (event: Extract<ExecEvent, { data: Uint8Array }>): void => {
    const kept = event.data.subarray(0, room[event.type])
    truncated ||= kept.length < event.data.length
    room[event.type] -= kept.length
    chunks[event.type].push(kept)
  }
  const answer = (exitCode: number | null) => ({
    ...{ exitCode, truncated },
    stdout: Buffer.concat(chunks.stdout).toString('utf8'),
    stderr: Buffer.concat(chunks.stderr).toString('utf8'),
  })
  try {
    const session = await reach.exec(jobId, { command }, signal)
    for await (const event of session.output()) {
      if (event.type === 'exited') return answer(event.exitCode)
      take(event)
    }
  } catch (error) {
    if (!late.aborted) throw error
  }
  return answer(null)
}
