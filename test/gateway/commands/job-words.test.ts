import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ulid } from 'ulid'
import type { JobRecord } from '../../../node/store/index.ts'
import { jobIdRange } from '../../../protocol/ids.ts'
import { until } from '../../support/until.ts'
import { cortexAtGateway } from '../support/cortex.ts'

describe('entry 51: cortex job takes the words that people know', () => {
  const at = cortexAtGateway('by environment')
  const submit = async (...args: string[]) => await at.ok('job', 'submit', ...args, 'busybox')

  it('ls lists, and ps what has not ended', async () => {
    const [open, over] = [await submit('--label', 'of=ps'), await submit('--label', 'of=ps')]
    await at.gateway.play.start(over)
    await at.gateway.play.complete(over)
    const ids = async (...words: string[]) =>
      (JSON.parse(await at.ok('job', ...words, '--label', 'of=ps', '--json')) as { id: string }[]).map(({ id }) => id)
    assert.deepEqual(await ids('ls'), [over, open])
    assert.deepEqual(await ids('ps'), [open])
    for (const kind of ['template', 'webhook', 'key', 'batch', 'schedule']) await at.ok(kind, 'ls')
  })

  it('wait exits as the job did, and with 125 where it has no exit code', async () => {
    const [good, bad, never] = [await submit(), await submit(), await submit()] as const
    const waiting = [good, bad, never].map(async (id) => await at.cortex.run(['job', 'wait', id]))
    await at.gateway.play.start(good)
    await at.gateway.play.complete(good)
    await at.gateway.play.start(bad)
    await at.gateway.play.fail(bad, 7)
    await at.gateway.play.start(never)
    await at.gateway.play.fail(never, null)
    assert.deepEqual(
      (await Promise.all(waiting)).map(({ code }) => code),
      [0, 7, 125],
    )
    const { code, out } = await at.cortex.run(['job', 'wait', bad, '--json'])
    assert.deepEqual([code, JSON.parse(out).results.exitCode], [7, 7])
    assert.equal((await at.cortex.run(['job', 'wait', 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'])).code, 125)
  })

  it('the beginning of an id is enough where it is one job’s, with job_ or without', async () => {
    const id = await submit()
    const others = (await at.gateway.store.list({ limit: 100 })).jobs.map((job) => job.id).filter((one) => one !== id)
    const length = [...id].findIndex((_, i) => !others.some((other) => other.startsWith(id.slice(0, i))))
    assert.ok(length > 5 && length < id.length)
    const part = id.slice(0, length)
    for (const text of [part, part.slice(4), part.toUpperCase().slice(4), id.slice(4)]) {
      assert.equal(JSON.parse(await at.ok('job', 'get', text, '--json')).id, id, text)
    }
    await at.gateway.play.start(id)
    // The last makes a job whose id may begin the same.
    const about = ['logs', 'events', 'bids', 'extend', 'cancel', 'resubmit']
    for (const word of about) await at.ok('job', word, part, ...(word === 'extend' ? ['10m'] : []))
    assert.equal((await at.gateway.store.get(id))?.durationSeconds, 3_600 + 600)
    const many = await at.cortex.run(['job', 'cancel', id.slice(0, 6)])
    assert.equal(many.code, 1)
    assert.match(
      many.err,
      /jobs are called job_01, or have ids that begin so, such as job_.*: give an id, or more of it/,
    )
    const none = await at.cortex.run(['job', 'get', 'job_00'])
    assert.match(
      none.err,
      /^cortex: No job is called job_00, and no job's id begins so: 'cortex job list' shows them\n$/,
    )
    assert.match((await at.cortex.run(['job', 'get', '../keys'])).err, /No job is called \.\.\/keys/)
  })

  it('a name stands for the id, of a job that goes on before those that have ended', async () => {
    const named = async (...args: string[]) => await submit('--name', 'train', ...args)
    const get = async (text: string) => JSON.parse(await at.ok('job', 'get', text, '--json')) as Record<string, unknown>
    const first = await named()
    assert.deepEqual([(await get('train')).id, (await get('train')).name], [first, 'train'])
    await at.gateway.play.start(first)
    await at.gateway.play.complete(first)
    assert.equal((await get('train')).id, first)
    const second = await named()
    assert.equal((await get('train')).id, second)
    const third = (await at.ok('job', 'resubmit', second)).trim()
    const both = await at.cortex.run(['job', 'cancel', 'train'])
    assert.equal(both.code, 1)
    assert.match(both.err, new RegExp(`2 jobs are called train, .*${third}, ${second}: give an id`))
    assert.match(await at.ok('job', 'rm', third), /cancelling/)
    await at.gateway.play.start(third)
    await at.gateway.play.complete(third)
    assert.equal((await get('train')).id, second)
    const ids = (JSON.parse(await at.ok('job', 'list', '--name', 'train', '--json')) as { id: string }[]).map(
      ({ id }) => id,
    )
    assert.deepEqual(ids, [third, second, first])
    assert.deepEqual(JSON.parse(await at.ok('job', 'list', '--name', 'trai', '--json')), [])
    assert.match(await at.ok('job', 'list', '-q', 'TRAIN'), /NAME\n.*train\n/s)
    const odd = await at.cortex.run(['job', 'submit', '--name', '../x', 'busybox'])
    assert.match(odd.err, /name must be 1 to 63 letters, digits/)
    // As long as an id of old might be, and with capitals.
    for (const name of ['preprocessing', 'Nightly_Report', 'x'.repeat(63)]) {
      const id = await submit('--name', name)
      assert.equal((await get(name)).id, id, name)
    }
    // A name that an id may begin with is both.
    const [begun] = [third.slice(4, 8)]
    await submit('--name', begun)
    assert.match((await at.cortex.run(['job', 'get', begun])).err, /jobs are called/)
  })

  it('submit --wait prints the id and exits as the job did, and run -d leaves it with the gateway', async () => {
    const waiting = at.cortex.run(['job', 'submit', '--name', 'waited', '--wait', 'busybox'])
    const idOf = async (name: string) => {
      let id: string | undefined
      await until(async () => {
        const { jobs } = await at.gateway.store.list({ limit: 100 })
        id = jobs.find(({ spec }) => spec.name === name)?.id
        return id !== undefined
      })
      return id ?? ''
    }
    const waited = await idOf('waited')
    await at.gateway.play.start(waited)
    await at.gateway.play.fail(waited, 9)
    const { code, out } = await waiting
    assert.deepEqual([code, out.trim()], [9, waited])
    const folder = await mkdtemp(join(tmpdir(), 'cortex-job-words-'))
    try {
      const file = join(folder, 'job.yaml')
      await writeFile(file, 'image: busybox\nname: left\ncpu: 250\n')
      const left = (await at.ok('run', '-d', '-f', file, '-w', '/srv', '-u', '1000', '--rm', '--memory', '64m')).trim()
      assert.equal(left, await idOf('left'))
      const { spec } = (await at.gateway.store.get(left)) as JobRecord
      assert.deepEqual([spec.cpu, spec.memory, spec.workdir, spec.user], [250, '64Mi', '/srv', '1000'])
    } finally {
      await rm(folder, { recursive: true })
    }
    const none = await at.cortex.run(['run', '-d'])
    assert.match(none.err, /image/)
    for (const flag of [['-o', 'here'], ['--bids'], ['--network', 'other'], ['--no-mdns']]) {
      const { code, err } = await at.cortex.run(['run', '-d', ...flag, 'busybox'])
      assert.deepEqual([code, /does nothing beside --detach: /.test(err)], [125, true], err)
    }
  })

  it('ids lie within the time that their beginning says', () => {
    for (const nowMs of [1, 1_700_000_000_000, 1_764_374_400_123]) {
      const id = `job_${ulid(nowMs).toLowerCase()}`
      for (let end = 5; end < id.length; end += 1) {
        const { fromMs, toMs } = jobIdRange(id.slice(0, end)) ?? { fromMs: 1, toMs: 0 }
        assert.ok(fromMs <= nowMs && nowMs <= toMs, id.slice(0, end))
      }
      assert.equal(jobIdRange(id), null)
    }
    for (const odd of ['job_', '', 'job_9', 'job_0i', 'job_0 ', 'nothing']) assert.equal(jobIdRange(odd), null, odd)
  })
})
