import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { cortexAtGateway } from '../support/cortex.ts'

describe('what a gateway keeps, from the command line', () => {
  const at = cortexAtGateway('by login')

  it('login keeps gateway and key where only their owner reads them', async () => {
    const { mode } = await stat(join(at.cortex.folder, 'config/cortex-node/login.json'))
    assert.equal(mode & 0o777, 0o600)
    const settings = JSON.parse(await at.ok('config', '--json', 'job', 'list')) as Record<string, unknown>[]
    const of = (wanted: string) => settings.find(({ name }) => name === wanted)
    assert.deepEqual([of('gateway')?.value, of('gateway')?.from], [at.gateway.url, 'cortex login'])
    assert.deepEqual([of('key')?.value, of('key')?.from], ['********', 'cortex login'])
  })

  it('login does not keep a key that is refused, nor shows its key to another gateway', async () => {
    const refused = await at.cortex.run(['login', '--gateway', at.gateway.url, '--key', 'wrong'])
    assert.equal(refused.code, 1)
    await at.ok('job', 'list')
    const another = at.gateway.url.replace('127.0.0.1', 'localhost')
    assert.match((await at.cortex.run(['job', 'list', '--gateway', another])).err, /'cortex login' keeps a key/)
  })

  it('templates', async () => {
    const id = await at.ok('template', 'create', 'web', '--image', 'nginx', '--cpu', '250', '--secret', 'TOKEN=t0ken')
    assert.match(await at.ok('template', 'list'), new RegExp(`${id}\\s+web\\s+nginx`))
    assert.doesNotMatch(await at.ok('template', 'get', id), /t0ken/)
    assert.match(await at.ok('template', 'update', id, '--name', 'site'), /name\s+site/)
    const job = await at.gateway.store.get(await at.ok('template', 'submit', id, '--label', 'a=1'))
    assert.deepEqual([job?.spec.cpu, job?.spec.labels], [250, { a: '1' }])
    const { code, err } = await at.cortex.run(['template', 'submit', id, '--env', 'A=1'])
    assert.equal(code, 1)
    assert.match(err, /^cortex: secrets\.TOKEN must be given anew, or taken out: env would change/)
    assert.match(await at.ok('template', 'submit', id, '--env', 'A=1', '--secret', 'TOKEN=0ther'), /^job_/)
    await at.ok('template', 'delete', id)
    assert.equal(await at.ok('template', 'list', '--json'), '[]')
  })

  it('schedules', async () => {
    const zone = ['--timezone', 'berlin', '--policy', 'forbid']
    const id = await at.ok('schedule', 'create', 'nightly', '0 3 * * *', ...zone, '--image', 'busybox')
    assert.match(
      await at.ok('schedule', 'list'),
      new RegExp(`${id}\\s+nightly\\s+0 3 \\* \\* \\*\\s+Europe/Berlin\\s+in `),
    )
    assert.match(await at.ok('schedule', 'pause', id), /paused\s+yes/)
    assert.match(await at.ok('schedule', 'update', id, '--cron', '@hourly'), /cron\s+@hourly \(Europe\/Berlin\)/)
    assert.equal(JSON.parse(await at.ok('schedule', 'resume', id, '--json')).nextRuns.length, 5)
    assert.match(await at.ok('schedule', 'run', id), /^job_/)
    assert.match(await at.ok('schedule', 'get', id), /pending job_/)
    const wrong = await at.cortex.run(['schedule', 'create', 'x', 'every day', '--image', 'busybox'])
    assert.deepEqual([wrong.code, wrong.out], [1, ''])
    const never = await at.cortex.run(['schedule', 'update', id, '--cron', '0 0 31 2 *'])
    assert.match(never.err, /schedule never comes: no month that it names has such a day/)
    const nowhere = await at.cortex.run(['schedule', 'update', id, '--timezone', 'CST'])
    assert.match(nowhere.err, /timezone is the time of several places: write America\/Chicago, Asia\/Shanghai or /)
    await at.ok('schedule', 'delete', id)
  })

  it('login --forget forgets', async () => {
    await at.ok('login', '--forget')
    assert.match((await at.cortex.run(['job', 'list', '--gateway', at.gateway.url])).err, /'cortex login' keeps a key/)
  })
})
