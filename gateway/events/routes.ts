import { z } from 'zod'
import { success } from '../contract/envelope.ts'
import { EVENT_TYPES } from '../contract/event-types.ts'
import { apiEventSchema } from '../contract/events.ts'
import { JOB_EXAMPLE } from '../contract/jobs.ts'
import { listField } from '../contract/list-fields.ts'
import { allows } from '../contract/permissions.ts'
import { type GatewayContext, principalOf, wantsEvents } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { ownerFilter } from '../http/principal.ts'
import type { Answers } from './answers.ts'
import {
  type ApiEvent,
  createEventReader,
  type EventPosition,
  type EventStreamComponents,
  endOf,
  followEverything,
  parsePosition,
  withinEnds,
} from './event-stream.ts'
import { streamFields } from './last-event-id.ts'

/** Events after which a JSON answer ends. */
const MAX_JSON_EVENTS = 100

const eventsOperation = operation({
  method: 'get',
  path: '/plugin-core/events',
  operationId: 'getEvents',
  tag: 'Events',
  summary: 'Every event of jobs and providers',
  description:
    'As a stream: what comes from now on, or after `Last-Event-ID`, without gap or repeat. As JSON: the next events after `lastEventId`, some hundred at most, and where to go on. Events of providers need `providers:read`.',
  permission: 'jobs:read',
  request: { query: z.strictObject({ types: listField(EVENT_TYPES), ...streamFields }) },
  data: z
    .strictObject({
      events: z.array(apiEventSchema).describe('Oldest first.'),
      lastEventId: z.string().describe('Where to go on: `lastEventId` of the next request.'),
    })
    .describe('What happened.'),
  example: {
    events: [
      { id: '7-2', type: 'job.created', createdAt: JOB_EXAMPLE.createdAt, data: { job: { id: JOB_EXAMPLE.id } } },
    ],
    lastEventId: '7-2',
  },
  events: 'Each message is one event, `{ id, type, createdAt, data }`.',
})

/** `GET /plugin-core/events`: as a stream or, without being asked for one, as JSON. */
export function addEventRoutes(api: Api, components: EventStreamComponents & { answers: Answers }): void {
  api.openapi(eventsOperation, async (c) => {
    const principal = principalOf(c)
    const { types } = c.req.valid('query')
    const seesProviders = allows(principal.grants, 'providers:read')
    const filter = {
      owner: ownerFilter(principal),
      wants: (type: string) =>
        (types === undefined || types.some((one) => one === type)) && (seesProviders || type.startsWith('job.')),
    }
    const asked = positionOf(c)
    const after = asked === undefined ? undefined : withinEnds(components, asked)
    if (wantsEvents(c)) {
      const from = after ?? endOf(components)
      return components.answers.events(c, async function* (signal) {
        // So that a client that is cut off before the first event misses nothing.
        yield [{ id: `${from.jobs}-${from.providers}` }]
        for await (const events of followEverything(components, from, filter, signal)) {
          yield events.map((event) => ({ id: event.id, data: event }))
        }
      })
    }
    const reader = createEventReader(components, after ?? { jobs: 0, providers: 0 }, filter)
    const events: ApiEvent[] = []
    for (let any = true; any && events.length < MAX_JSON_EVENTS; ) {
      const batch = await reader.next()
      any = batch.any
      events.push(...batch.events)
    }
    return c.json(success({ events, lastEventId: reader.position() }), 200)
  })
}

/** @throws {GatewayError} VALIDATION_ERROR */
function positionOf(c: GatewayContext): EventPosition | undefined {
  const text = c.req.header('last-event-id') ?? c.req.query('lastEventId')
  if (text === undefined || text === '') return undefined
  const position = parsePosition(text)
  if (position !== null) return position
  const fields = [{ path: 'Last-Event-ID', message: 'must be the id of an event of this stream' }]
  throw new GatewayError('VALIDATION_ERROR', 'Last-Event-ID is no id of this stream', { details: { fields } })
}
