import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Cortex, openCortex } from '../support/cortex.ts'
import { type ServedGateway, serveTestGateway } from '../support/served-gateway.ts'
import { ADMIN_KEY } from '../support/test-gateway.ts'

let gateway: ServedGateway
let cortex: Cortex

async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await cortex.run(args)
  assert.equal(code, 0, `cortex ${args.join(' ')}: ${err}`)
  return out.trim()
}

describe('what a gateway keeps, from the command line', () => {
  before(async () => {
    gateway = await serveTestGateway()
    cortex = await openCortex()
    const { code, err } = await cortex.run(['login', '--gateway', gateway.url], { input: `${ADMIN_KEY}\n` })
    assert.equal(code, 0, err)
  })
  after(async () => {
    await cortex.close()
    await gateway.close()
  })

  it('login keeps gateway and key where only their owner reads them', async () => {
    const { mode } = await stat(join(cortex.folder, 'config/cortex-node/login.json'))
    assert.equal(mode & 0o777, 0o600)
    const settings = JSON.parse(await ok('config', '--json', 'job', 'list')) as Record<string, unknown>[]
    const of = (wanted: string) => settings.find(({ name }) => name === wanted)
    assert.deepEqual([of('gateway')?.value, of('gateway')?.from], [gateway.url, 'cortex login'])
    assert.deepEqual([of('key')?.value, of('key')?.from], ['********', 'cortex login'])
  })

  it('login does not keep a key that is refused, nor shows its key to another gateway', async () => {
    const refused = await cortex.run(['login', '--gateway', gateway.url, '--key', 'wrong'])
    assert.equal(refused.code, 1)
    await ok('job', 'list')
    const another = gateway.url.replace('127.0.0.1', 'localhost')
    assert.match((await cortex.run(['job', 'list', '--gateway', another])).err, /'cortex login' keeps a key/)
  })

  it('templates', async () => {
    const id = await ok('template', 'create', 'web', '--image', 'nginx', '--cpu', '250', '--secret', 'TOKEN=t0ken')
    assert.match(await ok('template', 'list'), new RegExp(`${id}\\s+web\\s+nginx`))
    assert.doesNotMatch(await ok('template', 'get', id), /t0ken/)
    assert.match(await ok('template', 'update', id, '--name', 'site'), /name\s+site/)
    const job = await gateway.store.get(await ok('template', 'submit', id, '--env', 'A=1'))
    assert.deepEqual([job?.spec.cpu, job?.spec.env], [250, { A: '1' }])
    await ok('template', 'delete', id)
    assert.equal(await ok('template', 'list', '--json'), '[]')
  })

  it('schedules', async () => {
    const zone = ['--timezone', 'Europe/Berlin', '--policy', 'forbid']
    const id = await ok('schedule', 'create', 'nightly', '0 3 * * *', ...zone, '--image', 'busybox')
    assert.match(
      await ok('schedule', 'list'),
      new RegExp(`${id}\\s+nightly\\s+0 3 \\* \\* \\*\\s+Europe/Berlin\\s+in `),
    )
    assert.match(await ok('schedule', 'pause', id), /next\s+paused/)
    assert.match(await ok('schedule', 'update', id, '--cron', '@hourly'), /cron\s+@hourly \(Europe\/Berlin\)/)
    assert.equal(JSON.parse(await ok('schedule', 'resume', id, '--json')).nextRuns.length, 5)
    assert.match(await ok('schedule', 'run', id), /^job_/)
    assert.match(await ok('schedule', 'get', id), /submitted job_/)
    const wrong = await cortex.run(['schedule', 'create', 'x', 'every day', '--image', 'busybox'])
    assert.deepEqual([wrong.code, wrong.out], [1, ''])
    await ok('schedule', 'delete', id)
  })

  it('login --forget forgets', async () => {
    await ok('login', '--forget')
    assert.match((await cortex.run(['job', 'list', '--gateway', gateway.url])).err, /'cortex login' keeps a key/)
  })
})
