/** What the control socket says, as JSON: amounts as the API writes them, money as exact decimal text in US dollars. */

import { isoTime, isoTimeOrNull } from '../../node/views/time.ts'
import { chargeOf, formatUsd, meteredSeconds } from '../../protocol/money.ts'
import { formatBytes, type Resources } from '../../protocol/units.ts'
import type { AgentStatus, LeaseStatus } from '../agent.ts'
import type { Earnings, EarningsRow } from '../earnings.ts'
import type { Finding } from './check.ts'

export interface CheckView {
  wouldWin: boolean
  findings: Finding[]
}

export function checkView(findings: Finding[]): CheckView {
  return { wouldWin: findings.every(({ level }) => level !== 'problem'), findings }
}

export type StateView = ReturnType<typeof stateView>

export function stateView(status: AgentStatus) {
  const { peerId, paused, draining, uptimeSeconds, completed, failed, refusedAwards, leases, total, free, gpus } =
    status
  const running = leases.filter(({ outcome }) => outcome === null).length
  return {
    ...{ peerId, paused, draining, uptimeSeconds, running, completed, failed, refusedAwards },
    capacity: { total: amounts(total), free: amounts(free) },
    gpus: gpus.map(({ model, memoryBytes }) => ({ model, memory: formatBytes(memoryBytes) })),
  }
}

export type JobView = ReturnType<typeof jobView>

export function jobView(lease: LeaseStatus) {
  const { jobId, fence, requester, image, resources, acceptedAtMs, startedAtMs, meteredMs } = lease
  const seconds = meteredSeconds(meteredMs)
  return {
    ...{ jobId, attempt: fence, requester, image, ...amounts(resources) },
    state: lease.outcome ?? (startedAtMs === null ? 'preparing' : 'running'),
    acceptedAt: isoTime(acceptedAtMs),
    startedAt: isoTimeOrNull(startedAtMs),
    meteredSeconds: seconds,
    pricePerHour: formatUsd(lease.pricePerHour),
    minimumCharge: formatUsd(lease.minimumCharge),
    cost: formatUsd(chargeOf(lease, seconds)),
    unsentBytes: lease.unsentBytes,
  }
}

export type EarningsView = ReturnType<typeof earningsView>

export function earningsView({ byDay, byClient, total }: Earnings, sinceMs: number) {
  return {
    since: isoTime(sinceMs),
    currency: 'USD' as const,
    total: rowView(total),
    byDay: byDay.map((row) => ({ day: row.key, ...rowView(row) })),
    byClient: byClient.map((row) => ({ requester: row.key, ...rowView(row) })),
  }
}

function rowView({ jobs, completed, meteredSeconds: seconds, earned, signed }: EarningsRow) {
  return { jobs, completed, meteredSeconds: seconds, earned: formatUsd(earned), signed: formatUsd(signed) }
}

function amounts({ cpuMillis, memoryBytes, storageBytes, gpu }: Resources) {
  return { cpu: cpuMillis, memory: formatBytes(memoryBytes), storage: formatBytes(storageBytes), gpu }
}
