import { Command, InvalidArgumentError } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import { group } from '../../node/commands/group.ts'
import type { Webhook, WebhookChanges, WebhookEvent } from '../client/index.ts'
import { recentShare } from '../contract/webhook-words.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'
import { showId } from './template.ts'

interface WebhookOptions extends ConnectionOptions {
  name?: string
  url?: string
  event?: WebhookEvent[]
  secret?: string
  costThreshold?: number
  enable?: true
  disable?: true
}

const COST_THRESHOLD = 'US dollars at which job.cost.threshold is told; four fifths of what a job may cost unless said'

/** `cortex webhook …`: being told of events. */
export function webhookCommand(): Command {
  const commands = [create(), list(), get(), update(), test(), history(), delivery(), retry(), remove()]
  return group('webhook', 'be told of events', commands, ['create https://receiver.example/cortex job.failed'])
}

function create(): Command {
  const command = new Command('create')
    .description('have events sent to a URL; prints the webhook’s id')
    .argument('<url>', 'a public address')
    .argument('<event...>', 'e.g. job.completed job.failed')
    .option('--secret <text>', 'signs what is sent')
    .option('--name <name>', 'what people read')
    .option('--cost-threshold <usd>', COST_THRESHOLD, dollarsOf)
  return withConnection(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ cortex webhook create https://receiver.example/cortex job.completed job.failed',
    )
    .action(
      asking(async (client, url: string, events: WebhookEvent[], options: WebhookOptions) => {
        await showId(await client.webhooks.create({ url, events, ...named(options) }), options)
      }),
    )
}

function named({
  name,
  secret,
  costThreshold,
}: WebhookOptions): Pick<WebhookOptions, 'name' | 'secret' | 'costThreshold'> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(secret === undefined ? {} : { secret }),
    ...(costThreshold === undefined ? {} : { costThreshold }),
  }
}

function list(): Command {
  return withConnection(new Command('list').description('your webhooks'))
    .addHelpText('after', '\nExample:\n  $ cortex webhook list')
    .action(
      asking(async (client, options: ConnectionOptions) => {
        const { showList, when } = await import('./show.ts')
        const webhooks = await Array.fromAsync(client.webhooks.all())
        showList(
          webhooks,
          options,
          ['WEBHOOK', 'URL', 'EVENTS', 'STATE', 'RECENTLY', 'DELIVERED', 'FAILED', 'LAST'],
          (one) => [
            one.id,
            one.url,
            one.events.join(','),
            stateOf(one.enabled, one.failing),
            recentText(one),
            String(one.stats.delivered),
            String(one.stats.failed),
            when(one.lastTriggered),
          ],
        )
      }),
    )
}

function dollarsOf(text: string): number {
  const amount = Number(text)
  if (text.trim() !== '' && Number.isFinite(amount) && amount >= 0) return amount
  throw new InvalidArgumentError('Give US dollars, such as 0.50.')
}

function get(): Command {
  return withConnection(new Command('get').description('one webhook').argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex webhook get webhook_01k8m3q7w9x2')
    .action(
      asking(
        async (client, id: string, options: ConnectionOptions) => await show(await client.webhooks.get(id), options),
      ),
    )
}

async function show(webhook: Webhook, options: ConnectionOptions): Promise<void> {
  const { dollars, showOne, when } = await import('./show.ts')
  showOne(webhook, options, ({ stats, ...one }) => ({
    id: [['webhook', one.id]],
    name: [['name', one.name]],
    url: [['url', one.url]],
    events: [['events', one.events.join(' ')]],
    secret: [['signed with', one.secret ?? 'nothing']],
    costThreshold: [['tells of cost from', one.costThreshold === null ? '' : dollars(one.costThreshold)]],
    enabled: [['state', [stateOf(one.enabled, one.failing), one.disabledReason].filter(Boolean).join(': ')]],
    disabledReason: [],
    failing: [['failing', one.failing === null ? '-' : failingText(one.failing, when(one.failing.since))]],
    stats: [['deliveries', `${stats.delivered} delivered, ${stats.failed} failed, ${stats.retried} tried again`]],
    recent: [['recently', recentText(one)]],
    lastTriggered: [['last', when(one.lastTriggered)]],
    createdAt: [['created', when(one.createdAt)]],
    updatedAt: [['changed', when(one.updatedAt)]],
    deliveryHistory: [],
  }))
}

function stateOf(enabled: boolean, failing: Webhook['failing']): string {
  if (!enabled) return 'off'
  return failing === null ? 'on' : 'failing'
}

/** `98% of 100 arrived` */
function recentText(webhook: Pick<Webhook, 'recent'>): string {
  const share = recentShare(webhook)
  return share === null ? '-' : `${share} arrived`
}

function failingText({ attempts, error }: NonNullable<Webhook['failing']>, since: string): string {
  return `${attempts} attempt${attempts === 1 ? '' : 's'} since ${since}: ${error ?? 'no answer'}`
}

function update(): Command {
  const command = new Command('update')
    .description('change a webhook')
    .argument('<id>', 'which')
    .option('--url <url>', 'another address')
    .option('--event <event...>', 'these events instead')
    .option('--secret <text>', 'another secret')
    .option('--name <name>', 'what people read')
    .option('--cost-threshold <usd>', COST_THRESHOLD, dollarsOf)
    .option('--enable', 'send again')
    .option('--disable', 'send nothing')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex webhook update webhook_01k8m3q7w9x2 --disable')
    .action(
      asking(async (client, id: string, options: WebhookOptions) => {
        const { url, event, enable, disable } = options
        const changes: WebhookChanges = {
          ...named(options),
          ...(url === undefined ? {} : { url }),
          ...(event === undefined ? {} : { events: event }),
          ...(enable === undefined && disable === undefined ? {} : { enabled: enable === true }),
        }
        await show(await client.webhooks.update(id, changes), options)
      }),
    )
}

function test(): Command {
  const command = new Command('test')
    .description('send an example now')
    .argument('<id>', 'which')
    .argument('[event]', 'of this kind')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex webhook test webhook_01k8m3q7w9x2 job.completed')
    .action(
      asking(async (client, id: string, event: WebhookEvent | undefined, options: ConnectionOptions) => {
        const { print, printJson } = await import('../../node/commands/print.ts')
        const outcome = await client.webhooks.test(id, event)
        const { delivered, statusCode, responseTime, error } = outcome
        if (options.json === true) printJson(outcome)
        else if (delivered) print(`delivered: HTTP ${statusCode} after ${Math.round(responseTime)} ms`)
        if (!delivered) {
          throw new CliError(
            `Not delivered: ${error ?? `HTTP ${statusCode}`}; the receiver must answer 2xx within ten seconds`,
          )
        }
      }),
    )
}

function history(): Command {
  const command = new Command('history')
    .description('deliveries, newest first')
    .argument('<id>', 'which')
    .option('--status <status...>', 'delivered, failed or retrying')
  type Options = ConnectionOptions & { status?: ('delivered' | 'failed' | 'retrying')[] }
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex webhook history webhook_01k8m3q7w9x2 --status failed')
    .action(
      asking(async (client, id: string, options: Options) => {
        const { showList, when } = await import('./show.ts')
        const { status } = options
        const { items } = await client.webhooks.history(id, { limit: 100, ...(status === undefined ? {} : { status }) })
        showList(items, options, ['DELIVERY', 'EVENT', 'STATUS', 'ANSWER', 'ATTEMPTS', 'WHEN', 'NEXT'], (one) => [
          one.id,
          one.eventType,
          one.status,
          one.responseCode === null ? (one.error ?? '-') : String(one.responseCode),
          String(one.attempts),
          when(one.timestamp),
          when(one.nextAttempt),
        ])
      }),
    )
}

function delivery(): Command {
  const command = new Command('delivery').description('one delivery, with what is sent')
  return withConnection(command.argument('<id>', 'of the webhook').argument('<delivery>', 'of the delivery'))
    .addHelpText('after', '\nExample:\n  $ cortex webhook delivery webhook_01k8m3q7w9x2 delivery_01k8m3q7w9x2')
    .action(
      asking(async (client, id: string, deliveryId: string, options: ConnectionOptions) => {
        const { showOne, when } = await import('./show.ts')
        showOne(await client.webhooks.delivery(id, deliveryId), options, (one) => ({
          id: [['delivery', one.id]],
          eventId: [['event', `${one.eventType} (${one.eventId})`]],
          eventType: [],
          timestamp: [['made', when(one.timestamp)]],
          status: [['status', one.status]],
          responseCode: [['answer', one.responseCode === null ? (one.error ?? '-') : String(one.responseCode)]],
          error: [],
          responseTime: [['took', one.responseTime === null ? '-' : `${Math.round(one.responseTime)} ms`]],
          attempts: [['attempts', String(one.attempts)]],
          nextAttempt: [['next', when(one.nextAttempt)]],
          request: [
            ...Object.entries(one.request.headers).map(([name, value]): [string, string] => [name, value]),
            [`body, ${one.request.bodyBytes} bytes`, one.request.body],
          ],
        }))
      }),
    )
}

function retry(): Command {
  const command = new Command('retry').description('send a delivery once more')
  return withConnection(command.argument('<id>', 'of the webhook').argument('<delivery>', 'of the delivery'))
    .addHelpText('after', '\nExample:\n  $ cortex webhook retry webhook_01k8m3q7w9x2 delivery_01k8m3q7w9x2')
    .action(asking(async (client, id: string, delivery: string) => void (await client.webhooks.retry(id, delivery))))
}

function remove(): Command {
  return withConnection(new Command('delete').description('delete a webhook').argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex webhook delete webhook_01k8m3q7w9x2')
    .action(asking(async (client, id: string) => await client.webhooks.delete(id)))
}
