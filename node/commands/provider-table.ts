import { describeIsolation } from '../../protocol/isolation.ts'
import { describeFigure, FIGURES, type Figures } from '../../protocol/measured.ts'
import { formatUsd, parseUsd } from '../../protocol/money.ts'
import { parseBytes, shownBytes } from '../../protocol/units.ts'
import { matchProviders } from '../directory/find-provider.ts'
import { gpuText } from '../views/gpu-view.ts'
import { describeHardware } from '../views/hardware-view.ts'
import type { providerView } from '../views/provider-view.ts'
import { CliError } from './cli-error.ts'
import { allRows, type FieldRow } from './field-rows.ts'
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
  print(...fieldTable(allRows(provider, providerRows(provider))))
}

/** See {@link allRows}. */
export function providerRows(provider: ShownProvider): { [K in keyof ShownProvider]?: FieldRow[] } {
  const { pricing, metrics } = provider
  const { total, free } = provider.capacity
  return {
    id: [['provider', provider.id]],
    name: [['name', provider.name]],
    type: [],
    status: [['status', statusText(provider)]],
    paused: [],
    version: [['version', provider.version]],
    architecture: [['architecture', provider.architecture]],
    platforms: [['runs', platformsText(provider)]],
    emulatedPlatforms: [],
    isolations: [['isolation', isolationsText(provider)]],
    region: [['region', provider.region]],
    labels: [['labels', pairs(provider.labels)]],
    capabilities: [['capabilities', provider.capabilities.join(' ')]],
    capacity: [
      ['cpu', `${free.cpu}m free of ${total.cpu}m, $${usd(pricing.cpu)} per core-hour`],
      ['memory', `${size(free.memory)} free of ${size(total.memory)}, $${usd(pricing.memory)} per GB-hour`],
      ['storage', `${size(free.storage)} free of ${size(total.storage)}, $${usd(pricing.storage)} per GB-hour`],
      ...(total.gpu.length === 0
        ? [['gpu', `none, $${usd(pricing.gpu)} per GPU-hour`] satisfies FieldRow]
        : total.gpu.map((gpu) => gpuField(gpu, free.gpu))),
    ],
    storageQuota: [['limits of storage', provider.storageQuota]],
    pricing: [
      ...(total.gpu.length === 0
        ? []
        : [
            [
              'other gpus',
              `$${usd(pricing.gpu)} per GPU-hour where a model has no price of its own`,
            ] satisfies FieldRow,
          ]),
      ['traffic', pricing.network === 0 ? 'free' : `$${usd(pricing.network)} per GB`],
      [
        'volumes',
        pricing.volume === 0
          ? 'free while no job has them'
          : `$${usd(pricing.volume)} per GB-hour in which no job has them`,
      ],
      ['minimum', pricing.minimum === 0 ? 'none' : `$${usd(pricing.minimum)} per job`],
    ],
    hardware: [['hardware', hardwareText(provider.hardware)]],
    measured: [['measured', measuredText(provider.measured)]],
    seen: [
      ['seen', provider.seen === null ? 'nothing' : `${measuredText(provider.seen)} (${provider.seen.jobs} jobs)`],
    ],
    metrics: [
      ['jobs', `${metrics.jobsCompleted} completed, ${metrics.jobsFailed} failed`],
      ['yours cost', `$${usd(metrics.costToDate)} there`],
      ['up for', ago(metrics.uptime * 1000)],
      ['latency', metrics.latency === null ? 'not measured' : `${metrics.latency.toFixed(1)} ms`],
    ],
    endpoints: [['addresses', provider.endpoints.join(' ')]],
    createdAt: [['first seen', `${ago(Date.now() - Date.parse(provider.createdAt))} ago`]],
    updatedAt: [['last seen', seen(provider)]],
  }
}

function pairs(map: Record<string, string>): string {
  return Object.entries(map)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
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

function measuredText(measured: ShownProvider['measured']): string {
  if (measured === null) return 'nothing'
  const told = FIGURES.filter((figure) => measured[figure] > 0)
  const figures = told.map((figure) => `${figure} ${describeFigure(figure, measured[figure])}`).join(', ')
  return `${figures}, by ${measured.method} ${ago(Date.now() - Date.parse(measured.at))} ago`
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
  return [
    'gpu',
    `${[gpu.vendor, gpuText(gpu)].filter(Boolean).join(' ')}, ${left} free of ${count}, ${facts.join(', ')}, $${usd(pricePerHour)} per GPU-hour`,
  ]
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
