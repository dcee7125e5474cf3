import type { SignedStatement } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_EXIT_CODE } from '../../../protocol/limits.ts'
import { packStatement } from '../../../protocol/statements.ts'
import type { LeaseEnd, LeaseRecord } from '../../journal/records.ts'
import type { CollectedOutput } from '../../outputs/collect.ts'
import type { Ending } from '../ending.ts'
import { costOfUse, type Use } from '../receipt.ts'
import type { ReportContent } from './written-progress.ts'

/** How a lease ended, and what is told with that. */
export interface LastReport {
  ending: Ending
  use: Use
  receipt: SignedStatement
  /** What became of the job's outputs; null where it names none. */
  output: CollectedOutput | null
  /** Why lines of the log may be missing; empty where none are. */
  logProblem: string
}

/** What the journal keeps of an end. @param sequence of its report */
export function leaseEndOf(record: LeaseRecord, { ending, use, receipt }: LastReport, sequence: number): LeaseEnd {
  const { meteredSeconds, cost } = costOfUse(record, use, ending)
  const { outcome, exitCode, failureCode } = ending
  return {
    sequence,
    outcome,
    exitCode,
    endedAtMs: use.endedAtMs,
    meteredSeconds,
    cost: String(cost),
    failureCode,
    receipt: packStatement(receipt),
  }
}

/** The report `ended`, as it is sent. */
export function lastReportContent({ ending, use, receipt, output, logProblem }: LastReport): ReportContent {
  const { outcome, exitCode, failureCode, message, details } = ending
  const value = {
    outcome,
    endedAtMs: BigInt(use.endedAtMs),
    failureCode,
    message,
    details,
    receipt,
    ...(exitCode === null ? {} : { exitCode }),
    ...outputFields(output),
    logProblem,
  }
  return { case: 'ended', value }
}

/** Engines tell other numbers where they know none. */
export function sendable(exitCode: number | null): number | null {
  return exitCode === null || (exitCode >= 0 && exitCode <= MAX_EXIT_CODE) ? exitCode : MAX_EXIT_CODE
}

function outputFields(output: CollectedOutput | null) {
  if (output === null) return {}
  const { kept, problem, leftOut } = output
  const sent = output.sent.map(({ bytes, sha256, problem: why, ...one }) => {
    return { ...one, bytes: BigInt(bytes), sha256: Buffer.from(sha256, 'hex'), problem: why }
  })
  if (kept === undefined) return { outputProblem: problem, leftOut, sent }
  return { outputBytes: BigInt(kept.bytes), leftOut, sent }
}
