import { readFileSync } from 'node:fs'
import { RETRY_DELAYS_MS } from '../../gateway/webhooks/delivery.ts'
import { TIMEOUT_MS } from '../../gateway/webhooks/send.ts'
import { MAX_WAITING } from '../../gateway/webhooks/webhook-store.ts'
import { code, fence, pageOf, type ReferencePage, table } from './markdown.ts'
import type { ApiDocument } from './read-gateway.ts'
import { fieldTable, type Schema } from './schema-table.ts'

const SNIPPETS = [
  ['JavaScript', 'js', 'verify.mjs'],
  ['Python', 'python', 'verify.py'],
  ['Go', 'go', 'verify.go'],
  ['Shell', 'sh', 'verify.sh'],
]
const FOLDER = new URL('../../docs/reference/verify-webhook/', import.meta.url)

/** What is sent to webhooks, and how whoever gets it knows from whom it is. */
export function webhooksPage({ webhooks }: ApiDocument): ReferencePage {
  const events = Object.entries(webhooks)
  const [, first] = events[0] ?? []
  const headers = (first?.post.parameters ?? []).map(({ name, description = '' }) => [code(name), description])
  const link = (name: string) => `[${name}](http-objects.md#${name.toLowerCase()})`
  const [body] = Object.values(first?.post.requestBody?.content ?? {})
  const rows = events.map(([event, { post }]) => {
    const schema = Object.values(post.requestBody?.content ?? {})[0]?.schema.properties?.data ?? {}
    const holds = Object.entries(schema.properties ?? {}).map(([name, field]) => {
      const [object] = [field.$ref, ...(field.allOf ?? []).map(({ $ref }) => $ref)].filter((ref) => ref !== undefined)
      return object === undefined ? code(name) : `${code(name)}: ${link(object.split('/').at(-1) ?? '')}`
    })
    return [code(event), post.summary, holds.join(', ')]
  })
  return pageOf('reference/webhooks.md', 'Webhooks', '`webhooks` of the OpenAPI document of a running gateway', [
    'A webhook is a URL that a gateway posts events to: `cortex webhook create`, `POST /plugin-core/webhooks`, or the dashboard’s page. `cortex webhook test` sends an example at once.',
    '## Events',
    table(['event', 'when', '`data` holds'], rows),
    '## The request',
    '`POST`, with a body of compact JSON:',
    fieldTable(envelopeOf(body?.schema ?? {}), link, false),
    table(['header', 'meaning'], headers),
    `Any answer of 2xx within ${TIMEOUT_MS / 1000} seconds is taken for received; a redirect is not followed, and counts as a failure. What did not arrive is tried again after ${RETRY_DELAYS_MS.map(waitText).join(', ')}, then it has failed: \`cortex webhook history\` shows it, \`cortex webhook delivery\` what was sent, and \`cortex webhook retry\` sends it again. Events of one job or provider come in their order. An event may come twice, as where an answer was lost: its \`id\` is the same. At most ${MAX_WAITING.toLocaleString('en')} deliveries wait for one webhook.`,
    '## Whose it is',
    'With a secret each delivery is signed. Compare before the body is parsed, in constant time, and refuse what is older than five minutes: it may have been recorded and sent again.',
    ...SNIPPETS.flatMap(([title = '', language = '', file = '']) => [
      `### ${title}`,
      fence(language, readFileSync(new URL(file, FOLDER), 'utf8')),
    ]),
  ])
}

/** Without what depends on the event. */
function envelopeOf({ properties = {} }: Schema): Schema {
  const fields = Object.entries(properties).map(([name, { type = 'object', format = '', description = '' }]) => {
    return [name, { type, format, description }]
  })
  return { properties: Object.fromEntries(fields) }
}

function waitText(ms: number): string {
  if (ms < 60_000) return `${ms / 1000} seconds`
  return ms < 3_600_000 ? `${ms / 60_000} minutes` : 'an hour'
}
