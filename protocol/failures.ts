/**
 * Why a job failed, and all that follows from that: who can mend it, whether another provider is tried, what is billed, and
 * what it says of the provider. One table: nothing else in the program knows a reason's consequences. `docs/failures.md`
 * is made from it (`npm run gen`). Codes and reasons cross the wire and are append-only.
 */

import { DATA_FAILURES } from './data-failures.ts'
import { PROGRAM_FAILURES } from './program-failures.ts'
import { PULL_FAILURES } from './pull-failures.ts'
import type { RemedyField } from './remedy-fields.ts'

/** The kinds of failure, as the API, webhooks and reports name them. Append-only. */
export const FAILURE_CODES = [
  'IMAGE_PULL_ERROR',
  'RESOURCE_LIMIT_EXCEEDED',
  'NETWORK_ERROR',
  'NON_ZERO_EXIT',
  'DURATION_EXCEEDED',
  'NO_PROVIDER',
  'INTERNAL',
  'DATA_ERROR',
] as const
/** A row of {@link FAILURE_CODES}; one from a newer peer that is not among them counts as `INTERNAL`. */
export type FailureCode = (typeof FAILURE_CODES)[number]

/** What a failure says beside its message, such as `reason`, which chooses its row, or `exitCode`. */
export type FailureDetails = Record<string, string | number | boolean>

/** Why a job or an attempt failed, as its owner is told. */
export interface Failure {
  code: FailureCode
  /** One sentence: what happened. */
  message: string
  /** One sentence: what the user can do. */
  remedy: string
  details: FailureDetails
}

/** What follows from a failure. */
export interface Consequences {
  /** Whether another provider might do better: the next attempt is made there while attempts remain. */
  elsewhere: boolean
  /** Whether the same provider may have a later attempt, where others would not take it. */
  mayReturn: boolean
  /** What an attempt owes that ran before it failed: its time, with the minimum charge that was agreed on or without. */
  billed: 'with-minimum' | 'time-only'
  /**
   * Against whom it counts as a broken word: the provider in everybody's eyes; or only in those of the owner of the job,
   * who may have caused it; or nobody.
   */
  counts: 'for-everybody' | 'for-owner' | 'not'
}

/** Who can mend a failure, and what follows from that where a reason does not say otherwise. */
export const FAULTS = {
  /** The program in the container. */
  job: { who: 'the program that ran', elsewhere: false, mayReturn: true, billed: 'with-minimum', counts: 'not' },
  /** What was asked for. */
  user: { who: 'whoever submitted the job', elsewhere: false, mayReturn: true, billed: 'with-minimum', counts: 'not' },
  /** The owner of the machine, or the agent on it. */
  provider: {
    who: 'the owner of the machine',
    elsewhere: true,
    mayReturn: true,
    billed: 'time-only',
    counts: 'for-everybody',
  },
  /** Where the machine stands: its network, its disk, its engine. What a job asks for can bring it about. */
  place: {
    who: 'the owner of the machine, in time',
    elsewhere: true,
    mayReturn: true,
    billed: 'time-only',
    counts: 'for-owner',
  },
  /** This program, or what nobody has named yet. */
  ours: {
    who: 'whoever maintains this program',
    elsewhere: true,
    mayReturn: true,
    billed: 'time-only',
    counts: 'for-owner',
  },
} as const satisfies Record<string, Consequences & { who: string }>
/** Who can mend a failure; a key of {@link FAULTS}. */
export type Fault = keyof typeof FAULTS
/** Keys of {@link FAULTS} as a tuple, which the API's schema needs. */
export const FAULT_NAMES = Object.keys(FAULTS) as [Fault, ...Fault[]]

/** One row of the table; consequences that it leaves out are those of its fault. */
interface Row extends Partial<Consequences> {
  fault: Fault
  /** What happened, as a sentence: the message where nothing closer is known. */
  cause: string
  /** What to do, as a sentence. */
  remedy: string
  /** Which field of the job is to be changed for that, as far as one is; see `remedies.ts`. */
  change?: RemedyField
}

type Rows = { default: Row } & Record<string, Row>

const CHOOSE_ANOTHER = 'Submit the job again, or choose a different provider.'

const TABLE: Record<FailureCode, Rows> = {
  DATA_ERROR: DATA_FAILURES,
  IMAGE_PULL_ERROR: PULL_FAILURES,
  RESOURCE_LIMIT_EXCEEDED: {
    default: {
      fault: 'job',
      cause: 'The job needed more resources than it may have.',
      remedy: 'Reduce the resource requirements, or ask for more than the job was given.',
    },
    'out-of-memory': {
      fault: 'job',
      cause: 'The container ran out of memory.',
      remedy: 'Raise memory, or make the application use less.',
      change: 'memory',
    },
    'storage-limit': {
      fault: 'job',
      cause: 'The container wrote more than its storage.',
      remedy: 'Raise storage, or the size of the volume, or make the application write less.',
      change: 'storage',
    },
    'process-limit': {
      fault: 'job',
      cause: 'The container had as many processes as it may.',
      remedy: 'Raise pids, or make the application start fewer processes and threads.',
      change: 'pids',
    },
    'file-limit': {
      fault: 'job',
      cause: 'A process of the container had as many files open as it may.',
      remedy: 'Raise ulimits.nofile, or make the application close what it no longer needs.',
      change: 'ulimits',
    },
    'shared-memory-limit': {
      fault: 'job',
      cause: 'The container’s shared memory, /dev/shm, was full.',
      remedy: 'Raise shmSize, and memory with it: shared memory counts as that.',
      change: 'shmSize',
    },
    'network-limit': {
      fault: 'job',
      cause: 'The container sent and received more than its maxNetwork.',
      remedy: 'Raise maxNetwork, or make the application send and receive less.',
      change: 'maxNetwork',
    },
    'more-than-any-provider': {
      fault: 'user',
      cause: 'The job asks for more than any provider has.',
      remedy: 'Reduce the resource requirements to what a provider has.',
    },
    'too-little-memory': {
      fault: 'user',
      cause: 'The engine starts no container with so little memory.',
      remedy: 'Raise memory to 6Mi or more.',
      change: 'memory',
    },
    'not-as-offered': {
      fault: 'provider',
      cause: 'The provider does not have what it offered.',
      remedy: CHOOSE_ANOTHER,
    },
    'no-space': {
      fault: 'place',
      cause: 'The provider’s disk is full.',
      remedy: CHOOSE_ANOTHER,
    },
  },
  NETWORK_ERROR: {
    default: {
      fault: 'place',
      // A link has two ends: what a provider did while it was cut off is agreed work.
      billed: 'with-minimum',
      cause: 'The provider could not be reached.',
      remedy: 'Try a different provider, or submit the job again.',
    },
    'provider-silent': {
      fault: 'provider',
      cause: 'The provider has not been heard of for too long.',
      remedy: 'Try a different provider, or submit the job again.',
    },
    'provider-unknown': {
      fault: 'provider',
      cause: 'The provider does not know the job any more.',
      remedy: 'Try a different provider, or submit the job again.',
    },
    'provider-start': {
      fault: 'provider',
      cause: 'The provider did not start the job in time.',
      remedy: 'Try a different provider, or a smaller image.',
    },
    'provider-cancel': {
      fault: 'provider',
      // Its user wanted no attempt any more: the job is cancelled, and its events say this.
      elsewhere: false,
      cause: 'The provider did not stop the job when it was cancelled.',
      remedy: 'Try a different provider: nothing more is billed.',
    },
    disconnected: {
      fault: 'place',
      // The provider did what the job says.
      billed: 'with-minimum',
      cause: 'The requester was out of touch for leaseTimeout, so the container was stopped.',
      remedy: 'Raise leaseTimeout, or set onDisconnect to continue where running twice does no harm.',
      change: 'leaseTimeout',
    },
  },
  NON_ZERO_EXIT: PROGRAM_FAILURES,
  DURATION_EXCEEDED: {
    default: {
      fault: 'job',
      cause: 'The job reached its duration and was stopped.',
      remedy: 'Ask for a longer duration, extend the job while it runs, or set autoExtend.',
      change: 'duration',
    },
    'provider-end': {
      fault: 'provider',
      // Bytes beyond measure, of a log or of outputs, can keep a provider from telling it: so it is its owner's own view.
      counts: 'for-owner',
      cause: 'The provider did not end the job at its duration.',
      remedy: CHOOSE_ANOTHER,
    },
  },
  NO_PROVIDER: {
    default: {
      fault: 'user',
      cause: 'No provider took the job before its queueTimeout.',
      remedy: 'Relax the constraints or the price cap, or wait for capacity with a longer queueTimeout.',
    },
    'no-provider-known': {
      fault: 'user',
      cause: 'No provider is known on this network.',
      remedy:
        'Check the network name and the bootstrap addresses, or start a provider with `cortex agent`, then submit again.',
    },
    'clock-off': {
      fault: 'user',
      cause: 'The clock of this machine, or that of the provider, is hours off.',
      remedy: 'Set the clock of this machine, by NTP for example; if it is right, tell the owner of the provider.',
    },
    'no-isolation': {
      fault: 'user',
      cause: 'No provider puts the walls around jobs that this one asks for.',
      remedy:
        'Ask for a class of isolation that providers offer, which `cortex provider list --json` shows, or leave out isolation.',
    },
    'no-platform': {
      fault: 'user',
      cause: 'No provider runs what the image is for.',
      remedy:
        'Build the image for a platform that providers run, which `cortex provider list --json` shows, and leave out platform where it need not be one.',
    },
    'too-slow': {
      fault: 'user',
      cause: 'No provider’s machine is known to be as fast as the job asks.',
      remedy:
        'Ask for less by minCpuScore and the like, or leave them out: `cortex provider list --json` shows what each has measured. The owner of a machine that says nothing measures it by leaving out --no-benchmark.',
    },
    'provider-unknown': {
      fault: 'user',
      cause: 'There is no provider of that name.',
      remedy: 'Submit it again with the peer id of a provider: `cortex provider list` shows them.',
    },
  },
  INTERNAL: {
    default: {
      fault: 'ours',
      cause: 'Something went wrong inside the network.',
      remedy: 'Submit the job again; if it happens twice, report it with the job id.',
    },
    'provider-error': {
      fault: 'ours',
      cause: 'The provider could not run the container.',
      remedy: 'Submit the job again; if it happens twice, report it with the job id.',
    },
    'engine-error': {
      fault: 'place',
      cause: 'The provider’s container engine refused.',
      remedy: CHOOSE_ANOTHER,
    },
    'engine-unavailable': {
      fault: 'provider',
      cause: 'The provider’s container engine does not answer.',
      remedy: CHOOSE_ANOTHER,
    },
    'engine-stopped': {
      fault: 'provider',
      cause: 'The provider’s container engine ended, and the container with it.',
      remedy: CHOOSE_ANOTHER,
    },
    'stopped-by-provider': {
      fault: 'provider',
      cause: 'The provider stopped the container.',
      remedy: CHOOSE_ANOTHER,
    },
    'stopped-by-owner': {
      fault: 'provider',
      // Whoever owns the machine has said that this job is not to run there.
      mayReturn: false,
      cause: 'The owner of the machine stopped the job.',
      remedy: CHOOSE_ANOTHER,
    },
    'provider-shutdown': {
      fault: 'provider',
      cause: 'The provider shut down and stopped the container.',
      remedy: CHOOSE_ANOTHER,
    },
    'container-lost': {
      fault: 'provider',
      cause: 'The container was gone from the provider.',
      remedy: CHOOSE_ANOTHER,
    },
    'secrets-lost': {
      fault: 'provider',
      cause: 'The provider restarted before it made the container; secrets are not kept.',
      remedy: CHOOSE_ANOTHER,
    },
    'stdin-lost': {
      fault: 'provider',
      cause: 'The provider or its engine restarted before the program had all of its standard input.',
      remedy: CHOOSE_ANOTHER,
    },
  },
}

/** A row of the table with all that it says. */
export interface FailureKind extends Required<Omit<Row, 'change'>>, Pick<Row, 'change'> {
  code: FailureCode
  /** In `details.reason`; null for the code's own row. */
  reason: string | null
}

const kinds: ReadonlyMap<string, FailureKind> = new Map(
  FAILURE_CODES.flatMap((code) =>
    Object.entries(TABLE[code]).map(([name, row]) => {
      const { elsewhere, mayReturn, billed, counts } = FAULTS[row.fault]
      const reason = name === 'default' ? null : name
      return [key(code, reason ?? ''), { elsewhere, mayReturn, billed, counts, ...row, code, reason }] as const
    }),
  ),
)

/** Every row, in the order of the table. */
export function failureKinds(): FailureKind[] {
  return [...kinds.values()]
}

/** The row of a code and a reason; a reason that the table does not know has the code's own. */
export function kindOfFailure({ code, details }: Pick<Failure, 'code' | 'details'>): FailureKind {
  const found = kinds.get(key(code, String(details.reason ?? ''))) ?? kinds.get(key(code, ''))
  if (found === undefined) throw new Error(`No row for ${code}`)
  return found
}

function key(code: FailureCode, reason: string): string {
  return `${code} ${reason}`
}

/** What a job is told of an image that could not be pulled: the reason and its name, and never what a registry said. */
export function pullFailure(image: string, details: FailureDetails): Failure {
  const { cause } = kindOfFailure({ code: 'IMAGE_PULL_ERROR', details })
  return failure('IMAGE_PULL_ERROR', cause.replace(/\.$/, ` (${image}).`), details)
}

/** Builds a failure; message and remedy default to those of its row, which `details.reason` chooses. */
export function failure(code: FailureCode, message?: string, details: FailureDetails = {}): Failure {
  const kind = kindOfFailure({ code, details })
  return { code, message: message ?? kind.cause, remedy: kind.remedy, details }
}

/** Whether this version knows the code: that of a report may come from a newer peer. */
export function isFailureCode(code: string): code is FailureCode {
  return (FAILURE_CODES as readonly string[]).includes(code)
}

/**
 * Whether an attempt that is reported to have failed so owes no more than its time: both sides of a receipt ask here. A
 * code that this version does not know owes what was agreed on.
 */
export function owesTimeOnly(code: string, details: FailureDetails): boolean {
  return isFailureCode(code) && kindOfFailure({ code, details }).billed === 'time-only'
}

/** 128 and SIGBUS. */
const BUS_ERROR = 135

/** "Exit Code N", as the troubleshooting table calls it. */
export function exitFailure(exitCode: number): Failure {
  const reason = exitCode === BUS_ERROR ? { reason: 'bus-error' } : {}
  return failure('NON_ZERO_EXIT', `Exit Code ${exitCode}`, { exitCode, ...reason })
}

/** Message and remedy as two sentences, however the message ends; `aside` goes before the first one's stop. */
export function failureSentences({ message, remedy }: Pick<Failure, 'message' | 'remedy'>, aside = ''): string {
  return `${message.replace(/[.\s]+$/, '')}${aside}. ${remedy}`
}
