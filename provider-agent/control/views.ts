/** What the control socket says, as JSON: amounts as the API writes them, money as exact decimal text in US dollars. */

import { measuredView } from '../../node/views/provider-view.ts'
import { isoTime, isoTimeOrNull } from '../../node/views/time.ts'
import { NO_FACTOR_MILLIS } from '../../protocol/isolation.ts'
import { chargeOf, formatUsd, meteredSeconds } from '../../protocol/money.ts'
import { formatBytes, type Resources } from '../../protocol/units.ts'
import type { AgentStatus, LeaseStatus } from '../agent-status.ts'
import type { Earnings, EarningsRow } from '../journal/earnings.ts'
import type { Finding } from './finding.ts'

/** What `GET /check` answers. */
export interface CheckView {
  /** Whether a typical job would be won now: there is no problem. */
  wouldWin: boolean
  findings: Finding[]
}

/** Of what `checkSelf` found. */
export function checkView(findings: Finding[]): CheckView {
  return { wouldWin: findings.every(({ level }) => level !== 'problem'), findings }
}

/** What `GET /status`, `POST /drain` and `POST /resume` answer. */
export type StateView = ReturnType<typeof stateView>

/** `running` counts the leases that have not ended; those that wait for their requesters are left out. */
export function stateView(status: AgentStatus) {
  const {
    peerId,
    paused,
    announceProblem,
    draining,
    uptimeSeconds,
    completed,
    failed,
    refusedAwards,
    leases,
    total,
    free,
    gpus,
    unsoldGpus,
    isolations,
    measured,
  } = status
  const running = leases.filter(({ outcome }) => outcome === null).length
  return {
    ...(announceProblem === null ? {} : { announceProblem }),
    ...{ peerId, paused, draining, uptimeSeconds, running, completed, failed, refusedAwards },
    capacity: { total: amounts(total), free: amounts(free) },
    /** The default first; a class with a problem is not sold. */
    isolations: isolations.map(({ isolation, runtime, factorMillis, problem }) => ({
      ...{ isolation, runtime, priceFactor: factorMillis / NO_FACTOR_MILLIS },
      ...(problem === null ? {} : { problem }),
    })),
    measured: measuredView(measured),
    gpus: gpus.map(({ vendor, model, memoryBytes, uuid, migProfile, problem }) => ({
      ...{ vendor, model, memory: formatBytes(memoryBytes), uuid },
      ...(migProfile === '' ? {} : { migProfile }),
      ...(problem === null ? {} : { problem }),
    })),
    /** Those that are not sold, each with why. */
    unsoldGpus,
  }
}

/** One of what `GET /jobs` answers. */
export type JobView = ReturnType<typeof jobView>

/** `state` is how it ended, or `running` or `preparing`; `cost` is what it would owe for what is metered. */
export function jobView(lease: LeaseStatus) {
  const { jobId, fence, requester, image, resources, acceptedAtMs, startedAtMs, meteredMs } = lease
  const seconds = meteredSeconds(meteredMs)
  return {
    ...{ jobId, attempt: fence, requester, image, ...amounts(resources) },
    state: lease.outcome ?? (startedAtMs === null ? 'preparing' : 'running'),
    acceptedAt: isoTime(acceptedAtMs),
    startedAt: isoTimeOrNull(startedAtMs),
    meteredSeconds: seconds,
    networkBytes: lease.networkBytes,
    pricePerHour: formatUsd(lease.pricePerHour),
    minimumCharge: formatUsd(lease.minimumCharge),
    pricePerGb: formatUsd(lease.pricePerGb),
    cost: formatUsd(chargeOf(lease, { seconds, networkBytes: lease.networkBytes })),
    unsentBytes: lease.unsentBytes,
  }
}

/** What `POST /stop` answers. */
export interface StoppedView {
  jobId: string
  /** Those that are being stopped. */
  attempts: number[]
  /** As its requester is told; empty where none was given. */
  reason: string
}

/** What `GET /earnings` answers. */
export type EarningsView = ReturnType<typeof earningsView>

/** Money as decimal text. @param sinceMs what ended before was left out; ms since the epoch */
export function earningsView({ byDay, byClient, total }: Earnings, sinceMs: number) {
  return {
    since: isoTime(sinceMs),
    currency: 'USD' as const,
    total: rowView(total),
    byDay: byDay.map((row) => ({ day: row.key, ...rowView(row) })),
    byClient: byClient.map((row) => ({ requester: row.key, ...rowView(row) })),
  }
}

function rowView({ jobs, completed, meteredSeconds: seconds, earned, signed, volumes }: EarningsRow) {
  const money = { earned: formatUsd(earned), signed: formatUsd(signed), volumes: formatUsd(volumes) }
  return { jobs, completed, meteredSeconds: seconds, ...money }
}

function amounts({ cpuMillis, memoryBytes, storageBytes, gpu }: Resources) {
  return { cpu: cpuMillis, memory: formatBytes(memoryBytes), storage: formatBytes(storageBytes), gpu }
}
