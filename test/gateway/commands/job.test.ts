import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Cortex, openCortex } from '../support/cortex.ts'
import { type ServedGateway, serveTestGateway } from '../support/served-gateway.ts'
import { ADMIN_KEY } from '../support/test-gateway.ts'

let gateway: ServedGateway
let cortex: Cortex

/** Runs a command that has to succeed; answers its output. */
async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await cortex.run(args)
  assert.equal(code, 0, `cortex ${args.join(' ')}: ${err}`)
  return out
}

const submit = async (...args: string[]) => (await ok('job', 'submit', ...args)).trim()

describe('cortex job submit, list', () => {
  before(async () => {
    gateway = await serveTestGateway()
    cortex = await openCortex({ CORTEX_GATEWAY: gateway.url, CORTEX_KEY: ADMIN_KEY })
  })
  after(async () => {
    await cortex.close()
    await gateway.close()
  })

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
    const job = await gateway.store.get(id)
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
    const yaml = join(cortex.folder, 'job.yaml')
    await writeFile(yaml, 'image: nginx\ncpu: 250\nenv:\n  A: from the file\n')
    const spec = (await gateway.store.get(await submit('-f', yaml, '--cpu', '300')))?.spec
    assert.deepEqual([spec?.image, spec?.cpu, spec?.env], ['nginx', 300, { A: 'from the file' }])

    const json = await cortex.run(['job', 'submit', '-f', '-', '--json'], { input: '{ "image": "redis" }' })
    assert.equal(JSON.parse(json.out).image, 'redis')
  })

  it('submits once under one idempotency key', async () => {
    assert.equal(await submit('--idempotency-key', 'k', 'busybox'), await submit('--idempotency-key', 'k', 'busybox'))
  })

  it('asks who would take it', async () => {
    const out = await ok('job', 'submit', '--dry-run', 'busybox')
    assert.match(out, /attic\s+yes\s+\$0\.01\/h/)
    assert.match(out, /cellar\s+no\s+-\s+-\s+has 100m CPU free/)
  })

  it('lists as a table and as the API’s JSON', async () => {
    const id = await submit('--label', 'list=this', 'busybox')
    const out = await ok('job', 'list', '--label', 'list=this', '--status', 'pending', 'running')
    assert.match(out, new RegExp(`^JOB\\s+STATUS\\s+IMAGE.*\\n${id}\\s+pending\\s+busybox\\s+-\\s+\\d+ s ago`))
    const [job] = JSON.parse(await ok('job', 'list', '--label', 'list=this', '--json'))
    assert.equal(job.id, id)
    assert.deepEqual(await cortex.run(['job', 'list', '--label', 'list=nothing']), { code: 0, out: '', err: 'none\n' })
  })
})
