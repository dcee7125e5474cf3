import type { volumeViews } from '../views/volume-view.ts'
import { fieldTable, table } from './output.ts'
import { print, printJson } from './print.ts'

/** A volume as its commands show it. */
export type ShownVolume = Awaited<ReturnType<typeof volumeViews>>[number]

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
    one.provider.slice(-8),
    usersOf(one),
  ])
  print(...table(['VOLUME', 'NAME', 'SIZE', 'STATE', 'KEPT UNTIL', 'PROVIDER', 'USED BY'], rows))
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
  ]
  print(...fieldTable(rows))
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
