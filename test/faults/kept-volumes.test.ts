/** Volumes that outlive their jobs, on a real engine: read by the next job, kept over kills, and gone when they are deleted. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { CortexClient, type Job, type JobSubmission } from '../../gateway/client/index.ts'
import { PROGRAM } from '../../scripts/testing/programs.ts'
import { closeAll } from '../support/close-all.ts'
import { eventually, type FaultMarket, startFaultMarket } from './support/fault-market.ts'

const MiB = 2 ** 20

describe('volumes that outlive their jobs', () => {
  let market: FaultMarket
  let client: CortexClient

  before(async () => {
    market = await startFaultMarket({
      agents: [{ name: 'a' }, { name: 'b' }],
      times: { heartbeatMs: 500, lostAfterMs: 60_000 },
    })
    client = new CortexClient({ baseUrl: market.network.url, apiKey: market.network.key })
  })
  after(async () => {
    await closeAll(
      async () => {
        const kept = await Array.fromAsync(client.volumes.all({ status: 'kept' }))
        for (const { id } of kept) await client.volumes.delete(id)
      },
      async () => await market?.[Symbol.asyncDispose](),
    )
  })

  const submit = async (script: string, changes: Partial<JobSubmission>, as = client): Promise<Job> =>
    await as.jobs.submit({ ...market.count(1, 1).job, args: [script], ...changes } as JobSubmission)

  async function run(script: string, changes: Partial<JobSubmission>): Promise<{ job: Job; output: string[] }> {
    const { id } = await submit(script, changes)
    await market.ended(id)
    const output: string[] = []
    for await (const { line } of client.jobs.logs(id, { follow: true })) output.push(line)
    return { job: await client.jobs.get(id), output }
  }

  /** A volume with a line in it. */
  async function leave(changes: Partial<JobSubmission> = {}): Promise<{ id: string; provider: string }> {
    const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi', keep: 3_600 }]
    const { job } = await run('echo first >/data/log', { volumes, ...changes })
    assert.equal(job.status, 'completed', JSON.stringify(job.error))
    const [kept] = job.results.volumes ?? []
    assert.ok(kept)
    return kept
  }

  const engineHas = async (id: string): Promise<boolean> =>
    (await market.docker.listVolumes()).Volumes.some(({ Name: name }) => name.startsWith(`cortex-${id}-`))

  const named = (name: string) => market.agents.find((agent) => agent.name === name) ?? assert.fail(name)

  it('what one job wrote the next one reads, at the same provider, also after its agent was killed', async () => {
    const { id, provider } = await leave({ provider: 'a' })
    assert.equal(provider, named('a').id)
    const volumes = [{ volume: id, mountPath: '/there' }]
    const second = await run('cat /there/log; echo second >>/there/log', { volumes })
    assert.deepEqual([second.job.assignedProvider, second.output], [provider, ['first']])

    await named('a').process.end('SIGKILL')
    named('a').process.restart()
    const third = await run('cat /there/log', { volumes })
    assert.deepEqual(
      [third.job.status, third.output],
      ['completed', ['first', 'second']],
      JSON.stringify(third.job.error),
    )
  })

  it('is there after the gateway was killed, too', async () => {
    const { id } = await leave()
    await market.gateway.end('SIGKILL')
    market.gateway.restart()
    await eventually(async () => ((await client.me().catch(() => null)) === null ? 'the gateway is away' : true))
    assert.deepEqual((await client.volumes.get(id)).id, id)
    assert.deepEqual((await run('cat /d/log', { volumes: [{ volume: id, mountPath: '/d' }] })).output, ['first'])
  })

  it('holds its size in the next job as in the first', async (t) => {
    const { capabilities } = await client.providers.get(named('a').id)
    if (capabilities.includes('volume-quota')) return t.skip('the engine here has quotas of its own')
    const { id } = await leave({ provider: 'a' })
    const volumes = [{ volume: id, mountPath: '/data' }]
    const { job } = await run(`head -c ${12 * MiB} /dev/zero >/data/x; sleep 60`, { volumes, maxAttempts: 1 })
    assert.deepEqual([job.error?.code, job.error?.details.what], ['RESOURCE_LIMIT_EXCEEDED', 'volume'])
    assert.equal(job.error?.details.limitBytes, String(8 * MiB))
    assert.equal(job.error?.details.volume, id)
  })

  it('one writer at a time; it is not deleted while a job has it', async () => {
    const { id } = await leave()
    const volumes = [{ volume: id, mountPath: '/data' }]
    const writer = await submit('sleep 300', { volumes })
    await market.when(writer.id, ({ status }) => status === 'running')
    const { job } = await run('true', { volumes, queueTimeout: 3 })
    assert.equal(job.error?.details.declineCode, 'VOLUME_IN_USE')
    await assert.rejects(client.volumes.delete(id), { code: 'PROVIDER_CONFLICT' })
    const { inUse, usedBy } = await client.volumes.get(id)
    assert.deepEqual([inUse, usedBy], [true, [writer.id]])
    await client.jobs.cancel(writer.id)
    await market.ended(writer.id)
    assert.deepEqual((await run('cat /data/log', { volumes })).output, ['first'])
  })

  it('nobody else has, sees, extends or deletes it', async () => {
    const { id } = await leave()
    const { key } = await client.keys.create({ name: 'other', owner: 'somebody-else', permissions: ['jobs:*'] })
    const other = new CortexClient({ baseUrl: market.network.url, apiKey: key })
    assert.deepEqual((await other.volumes.list()).items, [])
    const { volumes } = other
    for (const ask of [() => volumes.get(id), () => volumes.extend(id, 7_200), () => volumes.delete(id)]) {
      await assert.rejects(ask, { code: 'RESOURCE_NOT_FOUND' })
    }
    const refused = submit('true', { volumes: [{ volume: id, mountPath: '/data' }] }, other)
    await assert.rejects(refused, { code: 'VALIDATION_ERROR', message: `There is no volume ${id}` })
    assert.equal(await engineHas(id), true)
  })

  it('deletion removes it from the engine: at once, and where its provider is away, when that is back', async () => {
    const [one, other] = [await leave({ provider: 'b' }), await leave({ provider: 'b' })]
    assert.equal((await client.volumes.delete(one.id)).status, 'deleted')
    assert.equal(await engineHas(one.id), false)
    await assert.rejects(submit('true', { volumes: [{ volume: one.id, mountPath: '/d' }] }), {
      code: 'VALIDATION_ERROR',
    })

    await named('b').process.end('SIGKILL')
    const away = await run('true', { volumes: [{ volume: other.id, mountPath: '/d' }], queueTimeout: 2 })
    assert.equal(away.job.error?.code, 'NO_PROVIDER')
    assert.equal((await client.volumes.delete(other.id)).status, 'deleting')
    assert.equal(await engineHas(other.id), true)
    named('b').process.restart()
    await eventually(async () => ((await client.volumes.get(other.id)).status === 'deleted' ? true : 'it is there'))
    assert.equal(await engineHas(other.id), false)
  })

  it('one that its machine’s owner removed is gone for its requester, and never made anew', async () => {
    const { id } = await leave()
    const { Volumes: all } = await market.docker.listVolumes()
    const name = all.find((volume) => volume.Name.startsWith(`cortex-${id}-`))?.Name ?? ''
    // Its job's container may be on its way out still.
    const removed = async () => await market.docker.getVolume(name).remove()
    await eventually(async () => {
      return await removed().then(
        () => true as const,
        (error) => String(error),
      )
    })
    const { job } = await run('ls /data', {
      volumes: [{ volume: id, mountPath: '/data' }],
      maxAttempts: 1,
      queueTimeout: 5,
    })
    assert.equal(job.status, 'failed')
    assert.equal(await engineHas(id), false)
    await eventually(async () => ((await client.volumes.get(id)).status === 'gone' ? true : 'it is there'))
  })

  it('a provider that drains says so of its volumes', async () => {
    const { id } = await leave({ provider: 'a' })
    assert.equal((await client.volumes.get(id)).draining, false)
    const own = async (what: string) =>
      await promisify(execFile)(process.execPath, [PROGRAM, 'agent', what, '--data', dirname(named('a').folder)])
    await own('drain')
    assert.equal((await client.volumes.get(id)).draining, true)
    const { job } = await run('true', { volumes: [{ volume: id, mountPath: '/d' }], queueTimeout: 2 })
    assert.equal(job.error?.details.declineCode, 'DRAINING')
    await own('resume')
    assert.equal((await client.volumes.get(id)).draining, false)
  })
})
