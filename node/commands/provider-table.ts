import { formatUsd, parseUsd } from '../../protocol/money.ts'
import type { providerView } from '../views/provider-view.ts'
import { CliError } from './cli-error.ts'
import { ago, fieldTable, printJson, table } from './output.ts'

/** A provider as the API shows it. */
export type ShownProvider = ReturnType<typeof providerView>

/** The one with this id, end of an id, or name. @throws {CliError} */
export function findProvider(known: ShownProvider[], wanted: string): ShownProvider {
  const found = known.filter(({ id, name }) => id === wanted || name === wanted || id.endsWith(wanted))
  const [provider, second] = found
  if (provider === undefined) {
    throw new CliError(`No provider ${wanted} is known here: 'cortex provider list --all' shows who is`)
  }
  if (second !== undefined) throw new CliError(`${found.length} providers are called ${wanted}: give the whole peer id`)
  return provider
}

export function showProviders(providers: ShownProvider[], options: { json?: true }): void {
  if (options.json === true) {
    printJson(providers)
    return
  }
  const head = ['PROVIDER', 'NAME', 'STATUS', 'FREE CPU', 'FREE MEMORY', 'GPU', '$/CORE-HOUR', 'REGION', 'UP', 'SEEN']
  const rows = providers.map((provider) => {
    const { total, free } = provider.capacity
    return [
      provider.id,
      provider.name,
      statusText(provider),
      `${free.cpu}m/${total.cpu}m`,
      `${free.memory}/${total.memory}`,
      String(countOf(free.gpu)),
      usd(provider.pricing.cpu),
      provider.region === '' ? '-' : provider.region,
      ago(provider.metrics.uptime * 1000),
      seen(provider),
    ]
  })
  process.stdout.write(`${table(head, rows)}\n`)
}

export function showProvider(provider: ShownProvider, options: { json?: true }): void {
  if (options.json === true) {
    printJson(provider)
    return
  }
  const { pricing, metrics } = provider
  const { total, free } = provider.capacity
  const text = fieldTable([
    ['provider', provider.id],
    ['name', provider.name],
    ['status', statusText(provider)],
    ['version', provider.version],
    ['architecture', provider.architecture],
    ['region', provider.region],
    [
      'labels',
      Object.entries(provider.labels)
        .flatMap(([key, value]) => `${key}=${value}`)
        .join(' '),
    ],
    ['capabilities', provider.capabilities.join(' ')],
    ['cpu', `${free.cpu}m free of ${total.cpu}m, $${usd(pricing.cpu)} per core-hour`],
    ['memory', `${free.memory} free of ${total.memory}, $${usd(pricing.memory)} per GB-hour`],
    [
      'storage',
      `${free.storage} free of ${total.storage}, $${usd(pricing.storage)} per GB-hour, limits ${provider.storageQuota}`,
    ],
    ['minimum', pricing.minimum === 0 ? 'none' : `$${usd(pricing.minimum)} per job`],
    [
      'gpu',
      `${countOf(free.gpu)} free of ${countOf(total.gpu)}${modelsOf(total.gpu)}, $${usd(pricing.gpu)} per GPU-hour`,
    ],
    ['jobs', `${metrics.jobsCompleted} completed, ${metrics.jobsFailed} failed`],
    ['latency', metrics.latency === null ? 'not measured' : `${metrics.latency.toFixed(1)} ms`],
    ['addresses', provider.endpoints.join(' ')],
    ['last seen', seen(provider)],
  ])
  process.stdout.write(`${text}\n`)
}

type ShownGpus = ShownProvider['capacity']['total']['gpu']

function countOf(gpus: ShownGpus): number {
  return gpus.reduce((sum, { count }) => sum + count, 0)
}

function modelsOf(gpus: ShownGpus): string {
  const told = gpus.filter(({ model }) => model !== '')
  return told.length === 0 ? '' : ` (${told.map(({ model, count }) => `${count} ${model}`).join(', ')})`
}

function statusText({ status, paused }: ShownProvider): string {
  return paused === null ? status : `${status} (${paused})`
}

function seen({ updatedAt }: ShownProvider): string {
  return `${ago(Date.now() - Date.parse(updatedAt))} ago`
}

/** Plain decimals also where JavaScript would print an exponent. */
function usd(amount: number): string {
  const nano = parseUsd(amount)
  return nano === null ? String(amount) : formatUsd(nano)
}
