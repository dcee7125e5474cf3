/** Rows between a requester and its providers: silence, lateness, lost touch, and nobody to ask. */

import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../../../node/clock.ts'
import { FAILURE_CODES, type FailureCode } from '../../../../protocol/failures.ts'
import { jobSubmissionSchema, splitSecrets } from '../../../../protocol/job-spec.ts'
import type { PlainLease } from '../../../integration/support/plain-lease.ts'
import { until } from '../../../support/until.ts'
import { kindNamed } from './check-row.ts'
import { knowing, openNode, type Way, type Ways } from './stage.ts'

const HEARTBEAT_MS = 200
const HOUR_MS = 3_600_000
/** The least that may be asked for, in seconds. */
const LEASE_TIMEOUT = 10

/** Says that it is there, for ever; the stream's end ends it. */
async function beat(line: PlainLease): Promise<never> {
  for (;;) {
    await line.say({ case: 'heartbeat', value: { meteredMs: 1_000n } })
    await delay(HEARTBEAT_MS)
  }
}

function strangers(how: string, lease: (line: PlainLease) => Promise<void>, times?: Way['times']): Way {
  return {
    how: `providers of another make that ${how}`,
    ...(times === undefined ? {} : { times: { heartbeatMs: HEARTBEAT_MS, ...times } }),
    async bring(stage) {
      await stage.strangers(lease)
      return await stage.run('true', { duration: 1 })
    },
  }
}

/** Words that no provider of this version has: they mean what the code's own row does. */
function ofTomorrow(code: FailureCode | 'OF_TOMORROW'): Way {
  const { billed } = kindNamed(FAILURE_CODES.find((known) => known === code) ?? 'INTERNAL')
  return strangers('fail for a reason of tomorrow', async (line) => {
    await line.started()
    const claim = { outcome: 'failed', ...(billed === 'time-only' ? { minimumCharge: 0n } : {}) }
    const details = { reason: 'of-tomorrow' }
    await line.ended(1, claim, { outcome: 'failed', failureCode: code, details })
    await beat(line)
  })
}

const losses: Ways = {
  'NETWORK_ERROR provider-silent': strangers(
    'start, and are never heard of again',
    async (line) => {
      if (line.stream === 1) await line.started()
      // Nothing more is said on this stream or another.
      await new Promise(() => undefined)
    },
    { lostAfterMs: 3_000 },
  ),
  'NETWORK_ERROR provider-unknown': strangers('start, break off, and know of no job', async (line) => {
    if (line.stream > 1) return await line.say({ case: 'unknown', value: {} })
    await line.started()
    throw new Error('It has lost its memory')
  }),
  'NETWORK_ERROR provider-start': strangers('are there, and never start', beat, { startWithinMs: 2_000 }),
  'NETWORK_ERROR provider-cancel': {
    how: 'providers of another make that hear of no cancellation',
    times: { heartbeatMs: HEARTBEAT_MS, endWithinMs: 500 },
    async bring(stage) {
      await stage.strangers(async (line) => {
        await line.started()
        await beat(line)
      })
      const { id } = await stage.submit(stage.job('true'))
      return await stage.eachAttempt(id, 'running', async () => {
        await stage.node.requester.cancel(id)
      })
    },
  },
  'DURATION_EXCEEDED provider-end': strangers(
    'go on beyond the duration',
    async (line) => {
      if (line.stream === 1) await line.started()
      await beat(line)
    },
    { endWithinMs: 500 },
  ),
}

const disconnected: Way = {
  how: 'a requester that is away for longer than leaseTimeout, twice',
  async bring(stage) {
    const { docker } = stage.market
    const own = await openNode(stage.market, 'away')
    const submission = stage.job('while :; do sleep 0.2; done', {
      ...{ onDisconnect: 'stop', leaseTimeout: LEASE_TIMEOUT, duration: 300 },
    })
    await knowing(own.node, stage.market.sellers)
    const { id } = await stage.submit(submission, own.node)
    const running = async () => await docker.listContainers({ filters: { label: [`cortex.job=${id}`] } })
    for (const attempt of [1, 2]) {
      await until(async () => {
        const job = await own.node.store.get(id)
        return job?.attempt === attempt && job.state.status === 'running'
      })
      await own.stop()
      await until(async () => (await running()).length === 0)
      await own.restart()
    }
    return { job: await stage.ended(id, own.node), node: own.node }
  },
}

const nobody: Ways = {
  NO_PROVIDER: {
    how: 'labels that no provider has',
    bring: async ({ run }) => await run('true', { constraints: { labels: { of: 'nobody' } }, queueTimeout: 2 }),
  },
  'NO_PROVIDER no-provider-known': {
    how: 'a network without a provider',
    async bring(stage) {
      const { node } = await openNode(stage.market, 'alone', { isAlone: true })
      const { id } = await stage.submit(stage.job('true', { queueTimeout: 1 }), node)
      return { job: await stage.ended(id, node), node }
    },
  },
  'NO_PROVIDER clock-off': {
    how: 'a requester whose clock is three hours behind: it is told of the second job, too, of which no provider speaks',
    async bring(stage) {
      const clock = { ...systemClock, nowMs: () => systemClock.nowMs() - 3 * HOUR_MS }
      const { node } = await openNode(stage.market, 'late', { clock })
      await knowing(node, stage.market.sellers)
      const first = await stage.submit(stage.job('true'), node)
      await until(async () => (await node.store.bids(first.id)).length > 0)
      await node.requester.cancel(first.id)
      await stage.ended(first.id, node)
      const { id } = await stage.submit(stage.job('true', { queueTimeout: 2 }), node)
      return { job: await stage.ended(id, node), node }
    },
  },
  'NO_PROVIDER no-platform': {
    how: 'a platform that no provider runs',
    bring: async ({ run }) => await run('true', { platform: 'plan9/amd64', queueTimeout: 2 }),
  },
  'NO_PROVIDER too-slow': {
    how: 'a faster machine than any is known to be',
    bring: async ({ run }) => await run('true', { constraints: { minCpuScore: 1_000_000_000 }, queueTimeout: 2 }),
  },
  'NO_PROVIDER no-isolation': {
    how: 'walls that no provider puts around jobs',
    bring: async ({ run }) => await run('true', { isolation: 'vm', queueTimeout: 2 }),
  },
  'NO_PROVIDER provider-unknown': {
    how: 'a job of an older version, which was stored with the name of a provider',
    async bring({ node, owner, job, ended }) {
      const spec = jobSubmissionSchema.parse(job('true', { provider: 'no such name' }))
      const stored = await node.store.create({ owner, ...splitSecrets(spec), held: true })
      await node.requester.release(stored.job.id)
      return await ended(stored.job.id)
    },
  },
}

export const marketWays: Ways = {
  ...losses,
  ...nobody,
  NETWORK_ERROR: ofTomorrow('NETWORK_ERROR'),
  'NETWORK_ERROR disconnected': disconnected,
  RESOURCE_LIMIT_EXCEEDED: ofTomorrow('RESOURCE_LIMIT_EXCEEDED'),
  INTERNAL: ofTomorrow('OF_TOMORROW'),
}
