import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { ReachError } from '../../node/reach/index.ts'
import { JobStateError } from '../../node/store/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { revokedError } from '../auth/index.ts'
import { success } from '../contract/envelope.ts'
import { containerSchema, EXEC_SECONDS, execAnswerSchema, execRequestSchema, portLinkSchema } from '../contract/exec.ts'
import type { Answers } from '../events/index.ts'
import { principalOf, wantsEvents } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { REACH_ERRORS } from '../http/reach-error.ts'
import { jobParams, visibleJob } from '../jobs/index.ts'
import { createOneTimeCodes } from '../records/one-time-codes.ts'
import { execEvents, execToEnd } from './exec-answers.ts'
import { addExecSocket, type ExecTicket } from './exec-socket.ts'
import type { PortOrigins } from './port-origins.ts'
import { addPortProxy, type ProxyComponents } from './port-proxy.ts'
import { addTunnelRoute, type TunnelComponents } from './tunnel-route.ts'
import { addTunnelsRoute } from './tunnels-route.ts'

/** How long the address of a socket may be opened, in ms. */
const TICKET_MS = 60_000
const MAX_TICKETS = 1_000

/** How long a client may take nothing of what a command writes, in ms; then the command is let go of. */
const EXEC_STALL_MS = 15 * 60_000

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
    'Answers output and exit code; with `Accept: text/event-stream` what the command writes as it comes, however long it takes where no `timeout` is given. With `interactive` the address of a WebSocket instead: binary messages to it are input, text ones `{"type":"resize","columns":80,"rows":24}` or `{"type":"end"}`; binary messages from it are output after one byte, 1 for stdout and 2 for stderr, text ones `{"type":"exit","exitCode":0}` or `{"type":"error","error":{}}`. With `keep` the first one is `{"type":"kept","code":"…"}`: where the socket is lost, or closed with another code than 1000, another one to the same path with that `code` goes on with the command within a minute, and is told again what it wrote last, up to `{"type":"told"}`; the socket before it is closed with code 4001.',
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
  events:
    'Events `stdout` and `stderr` with `{"text":"…"}`, and `exit` with `{"exitCode":0}`, null where it had not ended within a `timeout` that was given, or `error` with `code`, `message` and the HTTP `status` of that code in the end. Closing the stream, or reading nothing of it for 15 minutes, lets go of the command.',
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
    .meta({ id: 'PortLink', description: 'A link that opens a port in a browser.' }),
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
  answers: Pick<Answers, 'events' | 'hold'>
  clock: Clock
}

/** What reaches into a container: ports, commands, a look, what it left. */
export function addContainerRoutes(api: Api, components: ReachComponents): void {
  const { node, clock, revocation, portOrigins, answers } = components
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
    const { command, interactive, terminal, columns, rows, keep, timeout } = c.req.valid('json')
    if (!interactive && wantsEvents(c)) {
      // Before the command begins: whoever is refused may ask again.
      const hold = answers.hold(c)
      const over = new AbortController()
      const release = revocation.watch(principalOf(c), () => over.abort(revokedError()))
      try {
        const signal = AbortSignal.any([over.signal, c.req.raw.signal])
        const session = await node.reach.exec(job.id, { command }, signal)
        const late = timeout === undefined ? undefined : AbortSignal.timeout(timeout * 1000)
        return answers.events(c, (gone) => execEvents(session, gone, late), { ...hold, stallMs: EXEC_STALL_MS })
      } catch (error) {
        hold.onEnd()
        throw error
      } finally {
        release()
      }
    }
    if (!interactive) {
      const late = AbortSignal.timeout((timeout ?? EXEC_SECONDS) * 1000)
      const over = new AbortController()
      const release = revocation.watch(principalOf(c), () => over.abort(revokedError()))
      const signal = AbortSignal.any([late, over.signal, c.req.raw.signal])
      const running = execToEnd(node.reach, { jobId: job.id, command, signal, late })
      return c.json(success(await running.finally(release)), 200)
    }
    if (job.state.status !== 'running') throw new JobStateError(job.state.status, ['running'])
    const size = terminal ? { terminal, columns, rows } : {}
    const { code, expiresAtMs } = tickets.issue({
      ...{ jobId: job.id, principal: principalOf(c), keep },
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
  addTunnelsRoute(api, components)
  addTunnelRoute(api, components)
  addPortProxy(api, components)
}
