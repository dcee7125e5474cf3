import { describeIsolation } from '../../protocol/isolation.ts'
import { describeFigure, FIGURES, type Figures } from '../../protocol/measured.ts'
import { formatUsd, parseUsd } from '../../protocol/money.ts'
import { parseBytes, shownBytes } from '../../protocol/units.ts'
import { matchProviders } from '../directory/find-provider.ts'
import { gpuText } from '../views/gpu-view.ts'
import { describeHardware } from '../views/hardware-view.ts'
import type { providerView } from '../views/provider-view.ts'
import { CliError } from './cli-error.ts'
import { ago, fieldTable, table } from './output.ts'
import { print, printJson } from './print.ts'

/** A provider as the API shows it. */
export type ShownProvider = ReturnType<typeof providerView>

/** The one with this id, end of an id, or name. @throws {CliError} */
export function findProvider(known: ShownProvider[], wanted: string): ShownProvider {
  const found = matchProviders(known, wanted)
  const [provider, second] = found
  if (provider === undefined) {
    throw new CliError(`No provider ${wanted} is known here: 'cortex provider list --all' shows who is`)
  }
  if (second !== undefined) throw new CliError(`${found.length} providers are called ${wanted}: give the whole peer id`)
  return provider
}

/** Prints one line for each provider, or the API's JSON of them, on stdout. */
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
      `${size(free.memory)}/${size(total.memory)}`,
      free.gpu.length === 0 ? '0' : free.gpu.map(gpuText).join(', '),
      usd(provider.pricing.cpu),
      provider.region === '' ? '-' : provider.region,
      ago(provider.metrics.uptime * 1000),
      seen(provider),
    ]
  })
  print(...table(head, rows))
}

/** Prints all that is known of one provider, a field a line, or the API's JSON of it. */
export function showProvider(provider: ShownProvider, options: { json?: true }): void {
  if (options.json === true) {
    printJson(provider)
    return
  }
  const { pricing, metrics } = provider
  const { total, free } = provider.capacity
  const fields = fieldTable([
    ['provider', provider.id],
    ['name', provider.name],
    ['status', statusText(provider)],
    ['version', provider.version],
    ['architecture', provider.architecture],
    ['runs', platformsText(provider)],
    ['isolation', isolationsText(provider)],
    ['region', provider.region],
    [
      'labels',
      Object.entries(provider.labels)
        .flatMap(([key, value]) => `${key}=${value}`)
        .join(' '),
    ],
    ['capabilities', provider.capabilities.join(' ')],
    ['cpu', `${free.cpu}m free of ${total.cpu}m, $${usd(pricing.cpu)} per core-hour`],
    ['memory', `${size(free.memory)} free of ${size(total.memory)}, $${usd(pricing.memory)} per GB-hour`],
    [
      'storage',
      `${size(free.storage)} free of ${size(total.storage)}, $${usd(pricing.storage)} per GB-hour, limits ${provider.storageQuota}`,
    ],
    ['minimum', pricing.minimum === 0 ? 'none' : `$${usd(pricing.minimum)} per job`],
    ...(total.gpu.length === 0
      ? [['gpu', 'none'] as [string, string]]
      : total.gpu.map((gpu) => gpuField(gpu, free.gpu))),
    ['hardware', hardwareText(provider.hardware)],
    ['measured', measuredText(provider.measured)],
    ['seen', provider.seen === null ? 'nothing' : `${measuredText(provider.seen)} (${provider.seen.jobs} jobs)`],
    ['jobs', `${metrics.jobsCompleted} completed, ${metrics.jobsFailed} failed`],
    ['latency', metrics.latency === null ? 'not measured' : `${metrics.latency.toFixed(1)} ms`],
    ['addresses', provider.endpoints.join(' ')],
    ['last seen', seen(provider)],
  ])
  print(...fields)
}

/** What a provider says of its machine beside what a job of ours found. */
export function showBench(provider: ShownProvider, found: Figures, options: { json?: true }): void {
  if (options.json === true) {
    printJson({ provider: provider.id, found, measured: provider.measured })
    return
  }
  const rows = FIGURES.filter((figure) => found[figure] > 0).map((figure) => {
    const said = provider.measured?.[figure] ?? 0
    const share = said === 0 ? '-' : `${Math.round((100 * found[figure]) / said)}%`
    return [figure, describeFigure(figure, found[figure]), said === 0 ? '-' : describeFigure(figure, said), share]
  })
  print(...table(['FIGURE', 'FOUND', 'SAID', 'OF IT'], rows))
}

function hardwareText(hardware: ShownProvider['hardware']): string {
  if (hardware === null) return 'not told'
  const told = describeHardware(hardware)
  return told.length === 0 ? 'not told' : told.join('; ')
}

function measuredText(measured: Figures | null): string {
  if (measured === null) return 'nothing'
  const told = FIGURES.filter((figure) => measured[figure] > 0)
  return told.map((figure) => `${figure} ${describeFigure(figure, measured[figure])}`).join(', ')
}

/** The default first, which a job has that names none. */
function isolationsText({ isolations }: ShownProvider): string {
  return isolations.length === 0 ? 'not told' : isolations.map(describeIsolation).join(', ')
}

function platformsText({ platforms, emulatedPlatforms }: ShownProvider): string {
  const emulated = emulatedPlatforms.length === 0 ? '' : `; by emulation ${emulatedPlatforms.join(' ')}`
  return platforms.length === 0 ? 'not told' : `${platforms.join(' ')}${emulated}`
}

type ShownGpu = ShownProvider['capacity']['total']['gpu'][number]

/** One kind of GPUs in a line: what they are, how many are free, what one costs. */
function gpuField(gpu: ShownGpu, free: ShownGpu[]): [string, string] {
  const { model, migProfile, memory, driver, runtime, compute, interconnect, count, pricePerHour } = gpu
  const isSame = (one: ShownGpu): boolean =>
    one.model === model && one.memory === memory && one.migProfile === migProfile
  const left = free.filter(isSame).reduce((sum, one) => sum + one.count, 0)
  const cuda = gpu.vendor === 'amd' ? 'ROCm' : 'CUDA'
  const facts = [
    `${memory} VRAM`,
    ...(compute === '' ? [] : [`compute ${compute}`]),
    ...(runtime === '' ? [] : [`${cuda} ${runtime}`]),
    ...(driver === '' ? [] : [`driver ${driver}`]),
    ...(interconnect === '' ? [] : [interconnect]),
  ]
  return ['gpu', `${gpuText(gpu)}, ${left} free of ${count}, ${facts.join(', ')}, $${usd(pricePerHour)} per GPU-hour`]
}

function statusText({ status, paused }: ShownProvider): string {
  return paused === null ? status : `${status} (${paused})`
}

function seen({ updatedAt }: ShownProvider): string {
  return `${ago(Date.now() - Date.parse(updatedAt))} ago`
}

/** An amount as the API writes it, which has no unit where it is none of KiB. */
function size(amount: string): string {
  return shownBytes(parseBytes(amount) ?? 0)
}

/** Plain decimals also where JavaScript would print an exponent. */
function usd(amount: number): string {
  const nano = parseUsd(amount)
  return nano === null ? String(amount) : formatUsd(nano)
}
