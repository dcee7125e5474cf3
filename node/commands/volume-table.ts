import { writeFile } from 'node:fs/promises'
import { formatUsd, parseUsd } from '../../protocol/money.ts'
import type { volumeReceiptViews } from '../views/receipt-view.ts'
import type { volumeViews } from '../views/volume-view.ts'
import { CliError } from './cli-error.ts'
import { fieldTable, table } from './output.ts'
import { print, printJson } from './print.ts'

/** A volume as its commands show it. */
export type ShownVolume = Awaited<ReturnType<typeof volumeViews>>[number]

/** What both sides signed of it. */
export type ShownReceipt = Awaited<ReturnType<typeof volumeReceiptViews>>[number]

/** As a table with the sum, or as a file. @throws {CliError} where there is none */
export async function showReceipts(receipts: ShownReceipt[], options: { json?: true; output?: string }): Promise<void> {
  if (options.json === true && options.output === undefined) {
    printJson(receipts)
    return
  }
  if (receipts.length === 0) {
    throw new CliError(
      'There is no receipt yet: both sides sign one an hour, while no job has the volume, and at its end',
    )
  }
  if (options.output !== undefined) {
    await writeFile(options.output, `${JSON.stringify(receipts, null, 2)}\n`)
    return
  }
  const rows = receipts.map((one) => [
    String(one.number),
    one.signedAt,
    one.size,
    `${one.seconds} s`,
    `$${one.pricePerGbHour}`,
    `$${one.cost}`,
  ])
  const sum = receipts.reduce((all, { cost }) => all + (parseUsd(cost) ?? 0n), 0n)
  print(...table(['RECEIPT', 'SIGNED', 'SIZE', 'UNUSED FOR', 'PER GB-HOUR', 'COST'], rows))
  print('', `$${formatUsd(sum)} in all`)
}

/** @param options.json whether a program reads it */
export function showVolumes(volumes: ShownVolume[], options: { json?: true }): void {
  if (options.json === true) {
    printJson(volumes)
    return
  }
  const rows = volumes.map((one) => [
    one.id,
    one.name,
    one.size,
    stateOf(one),
    one.expiresAt ?? '-',
    one.pricePerGbHour === 0 ? '-' : `$${one.cost.current}`,
    one.provider.slice(-8),
    usersOf(one),
  ])
  print(...table(['VOLUME', 'NAME', 'SIZE', 'STATE', 'KEPT UNTIL', 'COST', 'PROVIDER', 'USED BY'], rows))
}

/** One of them, field by field. */
export function showVolume(volume: ShownVolume, options: { json?: true }): void {
  if (options.json === true) {
    printJson(volume)
    return
  }
  const { id, name, size, keep, job, provider, providerStatus, expiresAt, createdAt } = volume
  const rows: [name: string, value: string][] = [
    ['volume', id],
    ['name', name],
    ['size', size],
    ['state', stateOf(volume)],
    ['keep', `${keep} s after its last use`],
    ['kept until', expiresAt ?? '-'],
    ['used by', usersOf(volume)],
    ['left by', job],
    ['provider', `${provider} (${providerStatus})`],
    ['created', createdAt],
    ...costRows(volume),
  ]
  print(...fieldTable(rows))
}

/** What it costs beside its jobs; nothing of one that costs nothing. */
function costRows({ pricePerGbHour, idleSeconds, cost }: ShownVolume): [name: string, value: string][] {
  if (pricePerGbHour === 0) return []
  return [
    ['price', `$${pricePerGbHour} per GB-hour in which no job has it`],
    ['cost', `$${cost.current} for ${idleSeconds} s, $${cost.most} at most if nobody uses it`],
    ['signed', `$${cost.signed}`],
  ]
}

/** Ids of jobs, which other commands take. */
function usersOf({ usedBy }: ShownVolume): string {
  return usedBy.length === 0 ? '-' : usedBy.join(', ')
}

function stateOf({ status, inUse, draining, providerStatus }: ShownVolume): string {
  if (status !== 'kept') return status
  const marks = [inUse ? 'in use' : 'kept', draining ? 'draining' : '', providerStatus === 'offline' ? 'away' : '']
  return marks.filter((mark) => mark !== '').join(', ')
}
