import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { cortexAtGateway } from '../support/cortex.ts'

describe('cortex job submit, list', () => {
  const at = cortexAtGateway('by environment')
  const submit = async (...args: string[]) => await at.ok('job', 'submit', ...args)

  it('submits with the flags of run, and prints the id alone', async () => {
    const flags = [
      '--cpu',
      '500',
      '--memory',
      '256Mi',
      '--env',
      'A=1',
      '--label',
      'team=x',
      '--port',
      '80',
      '--strategy',
    ]
    const id = await submit(...flags, 'performance', 'busybox', '--', 'echo', '-n', 'hello')
    const job = await at.gateway.store.get(id)
    assert.ok(job)
    const { cpu, memory, env, labels, ports, args, providerStrategy } = job.spec
    assert.deepEqual(
      { cpu, memory, env, labels, args, providerStrategy },
      {
        cpu: 500,
        memory: '256Mi',
        env: { A: '1' },
        labels: { team: 'x' },
        args: ['echo', '-n', 'hello'],
        providerStrategy: 'performance',
      },
    )
    assert.deepEqual(ports, [{ port: 80, expose: true, protocol: 'TCP' }])
  })

  it('submits a file in JSON or YAML, flags outweighing it', async () => {
    const yaml = join(at.cortex.folder, 'job.yaml')
    await writeFile(yaml, 'image: nginx\ncpu: 250\nenv:\n  A: from the file\n')
    const spec = (await at.gateway.store.get(await submit('-f', yaml, '--cpu', '300')))?.spec
    assert.deepEqual([spec?.image, spec?.cpu, spec?.env], ['nginx', 300, { A: 'from the file' }])

    const json = await at.cortex.run(['job', 'submit', '-f', '-', '--json'], { input: '{ "image": "redis" }' })
    assert.equal(JSON.parse(json.out).image, 'redis')
  })

  it('submits once under one idempotency key', async () => {
    assert.equal(await submit('--idempotency-key', 'k', 'busybox'), await submit('--idempotency-key', 'k', 'busybox'))
  })

  it('asks who would take it', async () => {
    const out = await at.ok('job', 'submit', '--dry-run', 'busybox')
    assert.match(out, /attic\s+yes\s+\$0\.01\/h/)
    assert.match(out, /cellar\s+no(\s+-){10}\s+has 100m CPU free/)
  })

  it('lists as a table and as the API’s JSON', async () => {
    const id = await submit('--label', 'list=this', 'busybox')
    const out = await at.ok('job', 'list', '--label', 'list=this', '--status', 'pending', 'running')
    assert.match(out, new RegExp(`^JOB\\s+STATUS\\s+IMAGE.*\\n${id}\\s+pending\\s+busybox\\s+-\\s+\\d+ s ago`))
    const [job] = JSON.parse(await at.ok('job', 'list', '--label', 'list=this', '--json'))
    assert.equal(job.id, id)
    assert.deepEqual(await at.cortex.run(['job', 'list', '--label', 'list=nothing']), {
      code: 0,
      out: '',
      err: 'none\n',
    })
  })
})
