/** A provider agent on a real engine and a real store; the network between it and its requester is in memory. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import Docker from 'dockerode'
import { systemClock } from '../../node/clock.ts'
import { silentLogger } from '../../node/logger.ts'
import type { Report } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { checkReceipt } from '../../protocol/market-messages.ts'
import { type Agent, createAgent } from '../../provider-agent/agent.ts'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { closeAll } from '../support/close-all.ts'
import { createMemoryHub, type MemoryPeer } from '../support/memory-network.ts'
import { createTestRequester, type Follow, MARKET, type TestRequester } from '../support/test-requester.ts'
import { until } from '../support/until.ts'
import { withoutOthers } from './support/without-others.ts'

/** Longer than usual: the machine may be busy with other tests between a bid and its award. */
const RESERVATION_MS = 30_000

describe('provider agent on a real engine', () => {
  let handle: EngineHandle
  let docker: Docker
  let image: string
  let folder: string
  let peer: MemoryPeer
  let agent: Agent
  let requester: TestRequester
  const hub = createMemoryHub()

  async function boot(): Promise<void> {
    peer = await hub.join(1)
    const { network, privateKey } = peer
    agent = createAgent(
      {
        engine: withoutOthers(createDockerEngine({ docker })),
        network,
        privateKey,
        clock: systemClock,
        logger: silentLogger,
      },
      { marketName: MARKET, dataFolder: folder, reservationMs: RESERVATION_MS, allowLocalImages: ['cortex/*'] },
    )
    await agent.start()
  }

  before(async () => {
    handle = await ensureEngine()
    docker = new Docker({ socketPath: handle.socketPath })
    image = await ensureBusyboxImage(docker)
    folder = await mkdtemp(join(tmpdir(), 'cortex-agent-'))
    requester = createTestRequester({ peer: await hub.join(2), clock: systemClock })
    await boot()
  })

  after(async () => {
    await closeAll(
      async () => await agent?.stop({ stopJobs: true }),
      async () => await rm(folder, { recursive: true, force: true }),
      async () => await handle?.stop(),
    )
  })

  async function run(script: string, submission: Partial<JobSubmission> = {}) {
    const small = { image, command: ['sh', '-c'], args: [script], cpu: 200, memory: '32Mi', storage: '64Mi' }
    const asked = await requester.ask({ ...small, ...submission })
    const { bid, decline } = await asked.answer()
    assert.ok(bid, decline?.message)
    const { accepted, message } = await requester.award(asked, bid)
    assert.ok(accepted, message)
    return { jobId: asked.jobId, follow: await requester.follow(bid.provider, asked.jobId) }
  }

  /** Settles, and sees that the engine has nothing of it any more. */
  async function settle(jobId: string, follow: Follow): Promise<void> {
    await follow.ack(follow.reports.at(-1)?.sequence ?? 0n)
    await until(() => agent.status().leases.length === 0)
    const filters = { label: [`cortex.job=${jobId}`] }
    assert.deepEqual(await docker.listContainers({ all: true, filters }), [])
    const networks = await docker.listNetworks()
    assert.deepEqual(
      networks.filter(({ Name }) => Name.includes(jobId)),
      [],
    )
  }

  const lines = (reports: readonly Report[]): string[] =>
    reports.flatMap(({ content }) => (content.case === 'logs' ? content.value.lines.map(({ line }) => line) : []))

  it('runs a job: environment, secrets, both streams, exit code, receipt', async () => {
    const { jobId, follow } = await run('echo $GREETING $TOKEN; echo oops >&2; exit 3', {
      env: { GREETING: 'hello' },
      secrets: { TOKEN: 'hidden' },
    })
    const ended = await follow.report('ended')
    assert.deepEqual([ended.outcome, ended.exitCode], ['exited', 3])
    assert.deepEqual(lines(follow.reports).toSorted(), ['hello hidden', 'oops'])
    const started = await follow.report('started')
    assert.match(started.imageDigest, /sha256:[0-9a-f]{64}/)
    assert.ok(ended.receipt)
    const { receipt } = await checkReceipt(ended.receipt)
    assert.ok(receipt.startedAtMs <= receipt.endedAtMs)
    await settle(jobId, follow)
  })

  it('tells a lack of memory from a plain exit', async () => {
    const { jobId, follow } = await run('x=0123456789; while :; do x=$x$x; done', { memory: '16Mi' })
    const ended = await follow.report('ended')
    assert.deepEqual([ended.outcome, ended.failureCode], ['failed', 'RESOURCE_LIMIT_EXCEEDED'])
    assert.equal(ended.details.reason, 'out-of-memory')
    await settle(jobId, follow)
  })

  it('ends a job at its duration, and tells a clean end from a forced one', async () => {
    // Time for a busy machine to come to the trap, and to it again.
    const clean = await run('trap "exit 0" TERM; while :; do sleep 0.1; done', { duration: 5, stopGraceSeconds: 60 })
    const forced = await run('trap "" TERM; while :; do sleep 0.1; done', { duration: 5, stopGraceSeconds: 1 })
    const end = await clean.follow.report('ended')
    assert.deepEqual([end.outcome, end.exitCode], ['exited', 0])
    const kill = await forced.follow.report('ended')
    assert.deepEqual([kill.outcome, kill.exitCode, kill.failureCode], ['failed', 137, 'DURATION_EXCEEDED'])
    for (const { follow } of [clean, forced]) await follow.report('expired')
    await clean.follow.ack(clean.follow.reports.at(-1)?.sequence ?? 0n)
    await settle(forced.jobId, forced.follow)
  })

  it('cancels', async () => {
    const { jobId, follow } = await run('sleep 600')
    await follow.report('started')
    await follow.command({ case: 'cancel', value: { commandId: 'c' } })
    const ended = await follow.report('ended')
    assert.equal(ended.outcome, 'cancelled')
    await settle(jobId, follow)
  })

  it('fails a job whose image nobody has', async () => {
    const { jobId, follow } = await run('true', { image: 'cortex/no-such-image:1', imagePullPolicy: 'Never' })
    const ended = await follow.report('ended')
    assert.deepEqual([ended.outcome, ended.failureCode], ['failed', 'IMAGE_PULL_ERROR'])
    await settle(jobId, follow)
  })

  it('goes on after a restart where it was: every line once, the real exit code', async () => {
    const count = 60
    const { jobId, follow } = await run(`for i in $(seq ${count}); do echo $i; sleep 0.05; done; exit 7`)
    await until(() => lines(follow.reports).length >= 10)
    await agent.stop()
    peer.leave()
    await boot()
    const again = await requester.follow(peer.network.peerId, jobId)
    const ended = await again.report('ended')
    assert.equal(ended.exitCode, 7)
    const numbers = Array.from({ length: count }, (_, i) => String(i + 1))
    assert.deepEqual(lines(again.reports), numbers)
    const sequences = again.reports.map(({ sequence }) => Number(sequence))
    assert.deepEqual(
      sequences,
      sequences.map((_, i) => i + 1),
    )
    await settle(jobId, again)
  })

  it('reports what ended while no agent ran', async () => {
    const { jobId, follow } = await run('trap "echo last; exit 9" USR1; echo first; while :; do sleep 0.1; done')
    await until(() => lines(follow.reports).length === 1)
    await agent.stop()
    peer.leave()
    const container = docker.getContainer(`cortex-${jobId}-1`)
    await container.kill({ signal: 'SIGUSR1' })
    await container.wait()
    const { State: state } = await container.inspect()
    await boot()
    const again = await requester.follow(peer.network.peerId, jobId)
    const ended = await again.report('ended')
    assert.deepEqual([ended.exitCode, Number(ended.endedAtMs)], [9, Date.parse(state.FinishedAt)])
    assert.deepEqual(lines(again.reports), ['first', 'last'])
    await settle(jobId, again)
  })
})
