import { benchResult } from '../../benchmark/bench-job.ts'
import type { Logger } from '../../logger.ts'
import type { PeerNetwork } from '../../network/index.ts'
import type { Outputs } from '../../outputs/index.ts'
import type { JobRecord, Lease } from '../../store/index.ts'
import { FENCE_MARGIN_MS } from '../placement/award-delivery.ts'
import { type Experience, experienceOf, experienceOfFailure } from '../reputation/experience.ts'
import type { Reputation } from '../reputation/reputation.ts'
import type { Speeds } from '../reputation/speeds.ts'
import type { Starts } from '../reputation/starts.ts'
import { loseLease } from './apply-report.ts'
import { autoExtend } from './auto-extend.ts'
import type { Extensions } from './extensions.ts'
import { type FollowerComponents, type FollowerTimes, followLease, type Parting } from './lease-follower.ts'
import { lossFailure } from './overdue.ts'
import type { Breach } from './unasked.ts'

/** What {@link createLeaseKeeper} works with. */
export interface LeaseKeeperComponents extends Omit<FollowerComponents, 'onReply' | 'onBreach'> {
  network: PeerNetwork
  logger: Logger
  extensions: Extensions
  reputation: Pick<Reputation, 'record'>
  speeds: Pick<Speeds, 'record'>
  starts: Pick<Starts, 'follow'>
  /** Told of every job with outputs that has a provider. @default nobody */
  outputs?: Pick<Outputs, 'expect'>
}

/** Sees a lease through: to its end, or until its provider is lost, and keeps what that says of the provider. */
export interface LeaseKeeper {
  /** Rejects when the node stops; the job goes on at its provider. */
  keep(job: JobRecord): Promise<void>
}

/** @param stopping aborts when the node stops: leases are let go of, and none is lost by it */
export function createLeaseKeeper(
  components: LeaseKeeperComponents,
  { times, stopping }: { times: FollowerTimes; stopping: AbortSignal },
): LeaseKeeper {
  const { network, store, clock, logger, extensions, reputation, speeds, starts } = components

  function onBreach(provider: string, breach: Breach): void {
    logger.warn({ provider, breach }, 'a provider reported what only this peer may cause')
    network.penalise(provider, `lease: ${breach}`)
    reputation.record(provider, 'broken')
  }

  async function extendInTime(jobId: string, followed: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopping, followed])
    await autoExtend({ store, clock, logger, extend: extensions.ask }, jobId, signal).catch((error) => {
      if (!signal.aborted) logger.error({ jobId, error }, 'a job could not be extended')
    })
  }

  /** Follows a lease, and asks for more time before it is up where the job says so. */
  async function followToTheEnd(job: JobRecord, lease: Lease): Promise<Parting> {
    const over = new AbortController()
    const extending = job.spec.autoExtend ? extendInTime(job.id, over.signal) : null
    try {
      const follower = { ...components, onReply: extensions.replied, onBreach }
      return await followLease(follower, { job, lease, times, signal: stopping })
    } finally {
      over.abort(new Error('The lease is over'))
      await extending
    }
  }

  function keepExperience({ owner }: JobRecord, { provider }: Lease, experience: Experience | null): void {
    if (experience !== null) reputation.record(provider, experience, owner)
  }

  async function lost(job: JobRecord, lease: Lease, parting: Exclude<Parting, 'settled'>): Promise<void> {
    const why = lossFailure(parting, lease.provider, times)
    keepExperience(job, lease, experienceOfFailure(why))
    const { onDisconnect, leaseTimeout } = job.spec
    const waitOutMs = onDisconnect === 'stop' ? leaseTimeout * 1000 + FENCE_MARGIN_MS : 0
    await store.change(job.id, (draft) => {
      const { state } = draft.job
      if (state.status !== 'scheduled' && state.status !== 'running') return
      // One that is in touch and late, or knows of no lease, has nothing to bring back.
      const mayComeBack = parting === 'silent' && lease.regained !== true
      loseLease(draft, why, { waitOutMs, mayComeBack })
      draft.durable()
    })
  }

  return {
    async keep(job) {
      if (job.state.status !== 'scheduled' && job.state.status !== 'running') return
      const { lease } = job.state
      if (job.spec.outputs !== undefined) await components.outputs?.expect(job.id)
      const unfollow = starts.follow(job.id)
      const parting = await followToTheEnd(job, lease).finally(unfollow)
      if (parting !== 'settled') return await lost(job, lease, parting)
      const ended = await store.get(job.id)
      if (ended !== undefined) keepExperience(job, lease, experienceOf(ended, lease.fence))
      const figures = ended === undefined ? null : await benchResult(store, ended)
      if (figures !== null) speeds.record(lease.provider, figures, job.owner)
    },
  }
}
