import { EVENT_TYPES, type ProviderEventType } from '../../gateway/contract/event-types.ts'
import { WEBHOOK_EVENT_MEANINGS } from '../../gateway/contract/webhook-payload.ts'
import type { JobEventType } from '../../protocol/lifecycle.ts'
import { code, fence, pageOf, type ReferencePage, table } from './markdown.ts'

/** When an event of a job is recorded, and what it says besides `seq`, `type` and `timestamp`. */
const JOB_EVENTS: Record<JobEventType, [when: string, fields: string]> = {
  created: ['the job was submitted', ''],
  bidding: ['kept for histories that may have it; none is recorded today', ''],
  scheduled: [
    'a provider took the job',
    '`provider`, `attempt`, `pricePerHour`, `minimumCharge`?, `pricePerGb`?, `volumePerGbHour`?',
  ],
  transferring: ['what the job brings comes to its provider', '`bytesDone`, `bytesTotal`'],
  pulling: ['its image comes', '`image`, `layersDone`, `layersTotal`, `bytesDone`, `bytesTotal`'],
  started: ['its container has started', '`provider`, `imageDigest`'],
  extended: ['its duration is longer from now on', '`duration`: in all, in seconds'],
  expired: ['its duration is over, and its program is told to end', ''],
  lost: ['an attempt is over without an end of the job', '`provider`, `attempt`, `code`, `message`, `reason`?'],
  regained: ['a provider that was lost came back in time', '`provider`, `attempt`'],
  completed: ['its program ended with 0', '`exitCode`'],
  failed: ['it ended badly', '`code`, `message`, `reason`?, `provider`?, `attempt`?, `meteredSeconds`?'],
  cancelled: ['it was cancelled', ''],
  'left-out': ['something of its outputs was not kept', '`count`, `message`: which'],
  'log-cut': ['lines of its log are missing', '`message`: why'],
}

/** The names of events, and what each tells. */
export function eventsPage(): ReferencePage {
  const jobs = Object.entries(JOB_EVENTS).map(([type, [when, fields]]) => [
    code(`job.${type}`),
    code(type),
    when,
    fields,
  ])
  const providers = EVENT_TYPES.filter((type): type is ProviderEventType => type.startsWith('provider.'))
  return pageOf('reference/events.md', 'Events', 'the names in `protocol/lifecycle.ts` and `gateway/contract/`', [
    '`GET /plugin-core/jobs/{id}/events` has the history of one job, and `GET /plugin-core/events` everything that happens to jobs and providers; both as JSON, or, with `Accept: text/event-stream`, as they happen. A stream that broke off goes on behind `Last-Event-ID` without gap or repeat. [Webhooks](webhooks.md) are sent a part of them.',
    '## Of jobs',
    'In a job’s own history an event is one flat object:',
    fence('json', '{ "seq": 3, "type": "started", "timestamp": "2026-01-31T12:00:00.350Z", "provider": "12D3KooW…" }'),
    'In the stream of all, `data.event` is that object and `data.job` [the job](http-objects.md#job) as it is now:',
    fence(
      'json',
      '{ "id": "7-2", "type": "job.started", "createdAt": "2026-01-31T12:00:00.350Z", "data": { "job": {}, "event": {} } }',
    ),
    table(['in the stream', 'in the history', 'when', 'further fields (`?`: not always)'], jobs),
    '## Of providers',
    '`data.provider` is [the provider](http-objects.md#provider) as it was then. They take the permission `providers:read`.',
    table(
      ['event', 'when'],
      providers.map((type) => [code(type), WEBHOOK_EVENT_MEANINGS[type]]),
    ),
  ])
}
