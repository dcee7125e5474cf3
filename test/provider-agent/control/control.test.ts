/** The owner's commands, from the program down to the running agent. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { writeBackup } from '../../../node/backup/write-backup.ts'
import { askPart } from '../../../node/control/client.ts'
import type { Control } from '../../../node/control/listen.ts'
import { silentLogger } from '../../../node/logger.ts'
import { openDatabase } from '../../../node/store/database.ts'
import { openDump } from '../../../node/store/dump.ts'
import { startControl } from '../../../provider-agent/control/server.ts'
import type { EarningsView, JobView, StateView } from '../../../provider-agent/control/views.ts'
import { type Cortex, openCortex } from '../../gateway/support/cortex.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'

const MACHINE = { cpuMillis: 4_000, memoryBytes: 8 * 2 ** 30 }

function controlOf(rig: AgentRig, folder: string): Promise<Control> {
  const { agent, network, clock } = rig
  const shared = async () => ({ limits: null, connectionsAreCounted: true })
  const yielding = () => ({ weight: 10, inSwarm: false, problem: null })
  const bandwidth = () => ({ rate: null, problem: null })
  const directory = { list: () => [] }
  const backup = async (withFiles: boolean) => {
    await writeFile(join(folder, 'identity.key'), 'a key', { mode: 0o600 })
    const database = await openDatabase(join(folder, 'other'))
    await database.put('!receipts!one', '{}')
    const how = { withFiles, version: '1', nowMs: 1 }
    return writeBackup({ kind: 'agent', peerId: 'me', folder, dumps: { journal: openDump(database) } }, how)
  }
  return startControl(
    { agent, network, clock, directory, logger: silentLogger, shared, yielding, bandwidth, backup },
    folder,
  )
}

describe('cortex agent check · drain · resume · stop · earnings · jobs', () => {
  let rig: AgentRig
  let cortex: Cortex
  let control: Control
  let data: string

  before(async () => {
    cortex = await openCortex()
    data = join(cortex.folder, 'd')
    rig = await createAgentRig({ engine: MACHINE })
    control = await controlOf(rig, join(data, 'agent'))
  })
  after(async () => {
    await control.stop()
    await rig.stop()
    await cortex.close()
  })

  const agent = async (...words: string[]) => await cortex.run(['agent', ...words, '--data', data])

  it('is reached on a socket that is open to its own user alone', async () => {
    const folder = join(data, 'agent', 'control')
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    assert.equal((await stat(join(folder, 'agent.sock'))).mode & 0o777, 0o600)
  })

  it('shows jobs, and what they earned once they have ended', async () => {
    const running = await rig.run({ cpu: 1_000, duration: 7_200 })
    const container = await rig.container(running.name)
    await rig.clock.advance(3_600_000)
    const shown = await agent('jobs')
    assert.equal(shown.code, 0, shown.err)
    assert.match(shown.out, new RegExp(`^${running.asked.jobId} +running +busybox +1000m +64Mi +0 +60 min +\\$`, 'm'))
    const [job] = JSON.parse((await agent('jobs', '--json')).out) as JobView[]
    const { jobId, requester, state, meteredSeconds } = job ?? {}
    const { asked } = running
    assert.deepEqual(
      [jobId, requester, state, meteredSeconds],
      [asked.jobId, rig.requester.network.peerId, 'running', 3_600],
    )
    assert.equal(Number(job?.cost), Number(job?.pricePerHour))

    container.exit(0)
    await running.follow.report('ended')
    const before = JSON.parse((await agent('earnings', '--json')).out) as EarningsView
    assert.deepEqual([before.total.jobs, before.total.earned, before.total.signed], [1, job?.cost, '0'])
    await rig.settle(running)
    const { code, out } = await agent('earnings', '--days', '2')
    assert.equal(code, 0)
    assert.match(out, /^all +1 +1 +60 min +\$/m)
    assert.match(out, new RegExp(`^${rig.requester.network.peerId} +1 +1 `, 'm'))
    assert.equal((await agent('jobs', '--json')).out.trim(), '[]')
  })

  it('stops a job, and tells its requester why', async () => {
    const running = await rig.run({ cpu: 1_000, duration: 7_200 })
    const { jobId } = running.asked
    const refused = await agent('stop', jobId, '--reason', 'two\nlines')
    assert.deepEqual([refused.code, refused.err], [1, 'cortex: --reason is one line of at most 200 characters\n'])
    const [stopped, ended] = await Promise.all([
      agent('stop', jobId, '--reason', 'the machine is needed'),
      running.follow.report('ended'),
    ])
    assert.deepEqual(
      [stopped.code, stopped.out],
      [0, `Stopping ${jobId} (attempt 1). Its requester is told: the machine is needed.\n`],
    )
    const { outcome, failureCode, message, details } = ended
    assert.deepEqual(
      { outcome, failureCode, message, details },
      {
        outcome: 'failed',
        failureCode: 'INTERNAL',
        message: 'The owner of the machine stopped the job: the machine is needed',
        details: { reason: 'stopped-by-owner' },
      },
    )
    await rig.settle(running)
    const again = await agent('stop', jobId)
    assert.equal(again.code, 1)
    assert.equal(again.err, `cortex: No job ${jobId} runs here: 'cortex agent jobs' lists those that do\n`)
  })

  it('gives a backup of itself', async () => {
    const file = join(cortex.folder, 'agent.tar')
    const { code, out, err } = await agent('backup', file, '--with-files', '--json')
    assert.equal(code, 0, err)
    const { kind, peerId, records, withFiles } = JSON.parse(out)
    assert.deepEqual(
      { kind, peerId, records, withFiles },
      { kind: 'agent', peerId: 'me', records: { journal: { receipts: 1 } }, withFiles: true },
    )
    assert.match(err, /^It holds the private key of me\./)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
  })

  it('drains and resumes', async () => {
    const drained = await agent('drain')
    assert.deepEqual([drained.code, drained.out], [0, 'It takes no new jobs: it is being drained; 0 jobs run.\n'])
    assert.equal((await (await rig.requester.ask()).answer()).decline?.code, 'DRAINING')
    assert.equal((JSON.parse((await agent('resume', '--json')).out) as StateView).paused, null)
    assert.ok((await (await rig.requester.ask()).answer()).bid)
  })

  it('checks itself, and exits with 1 where it would not win', async () => {
    const { code, out } = await agent('check')
    assert.equal(code, 0, out)
    assert.match(out, /^ok +connectivity +connected to 1 peer/m)
    assert.match(out, /It would win a typical job now\.\n$/)
    await agent('drain')
    const drained = await agent('check')
    assert.equal(drained.code, 1)
    assert.match(drained.out, /^problem +ready +it takes no new jobs: it is being drained: 'cortex agent resume'/m)
    await agent('resume')
    rig.engine.setGone(true)
    await rig.clock.advance(5_000)
    const answer = JSON.parse((await agent('check', '--json')).out)
    assert.equal(answer.wouldWin, false)
    assert.match(JSON.stringify(answer.findings), /has no container engine/)
    rig.engine.setGone(false)
    await rig.clock.advance(5_000)
  })

  it('says in one line where no agent runs', async () => {
    const nowhere = join(cortex.folder, 'nowhere')
    const { code, err } = await cortex.run(['agent', 'jobs', '--data', nowhere])
    assert.equal(code, 1)
    assert.match(err, /^cortex: No agent runs on .*nowhere\/agent: start 'cortex agent', or give the --data .*\n$/)
  })

  it('knows no other question', async () => {
    await assert.rejects(
      askPart({ part: 'agent', dataFolder: join(data, 'agent') }, 'GET /__proto__'),
      /There is no GET \/__proto__ here/,
    )
    await assert.rejects(
      askPart({ part: 'agent', dataFolder: join(data, 'agent') }, 'GET /drain'),
      /There is no GET \/drain here/,
    )
  })
})

describe('the agent’s socket', () => {
  it('takes the place of one that a killed agent left, and goes with its own', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-control-'))
    await mkdir(join(folder, 'control'), { mode: 0o700 })
    await writeFile(join(folder, 'control', 'agent.sock'), '')
    const rig = await createAgentRig({ engine: MACHINE })
    const control = await controlOf(rig, folder)
    assert.equal((await askPart<StateView>({ part: 'agent', dataFolder: folder }, 'GET /status')).running, 0)
    await control.stop()
    await assert.rejects(askPart({ part: 'agent', dataFolder: folder }, 'GET /status'), /No agent runs/)
    await rig.stop()
    await rm(folder, { recursive: true })
  })

  it('works in a folder whose name is longer than a socket’s may be', async () => {
    const top = await mkdtemp(join(tmpdir(), 'cortex-control-'))
    const folder = join(top, 'x'.repeat(150))
    const rig = await createAgentRig({ engine: MACHINE })
    const control = await controlOf(rig, folder)
    assert.equal((await askPart<StateView>({ part: 'agent', dataFolder: folder }, 'GET /status')).peerId, rig.provider)
    await control.stop()
    await rig.stop()
    await rm(top, { recursive: true })
  })

  it('finds the agent drained after a restart', async () => {
    const rig = await createAgentRig({ engine: MACHINE })
    await rig.agent.drain()
    await rig.restart()
    assert.deepEqual(
      [rig.agent.status().draining, rig.agent.status().paused],
      [true, 'takes no new jobs: it is being drained'],
    )
    await rig.agent.resume()
    await rig.restart()
    assert.equal(rig.agent.status().paused, null)
    await rig.stop()
  })
})
