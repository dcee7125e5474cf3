import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Cortex, openCortex } from '../support/cortex.ts'
import { type ServedGateway, serveTestGateway } from '../support/served-gateway.ts'
import { ADMIN_KEY } from '../support/test-gateway.ts'
import { PROVIDER } from '../support/test-node.ts'

let gateway: ServedGateway
let cortex: Cortex

async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await cortex.run(args)
  assert.equal(code, 0, `cortex ${args.join(' ')}: ${err}`)
  return out.trim()
}

describe('webhooks, keys and providers, from the command line', () => {
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

  it('webhooks', async () => {
    const id = await ok(
      'webhook',
      'create',
      'http://93.184.215.14/hook',
      'job.completed',
      'job.failed',
      '--secret',
      's3cret-s3cret',
    )
    assert.match(
      await ok('webhook', 'list'),
      new RegExp(`${id}\\s+http://93\\.184\\.215\\.14/hook\\s+job\\.completed,job\\.failed\\s+on`),
    )
    const changed = await ok('webhook', 'update', id, '--disable')
    assert.match(changed, /state\s+off/)
    assert.match(changed, /signed with\s+sha256:/)
    assert.equal(await ok('webhook', 'history', id, '--json'), '[]')
    await ok('webhook', 'delete', id)
  })

  it('keys', async () => {
    const made = JSON.parse(
      await ok('key', 'create', 'CI', '--owner', 'research', '--permission', 'jobs:read', '--json'),
    )
    assert.match(await ok('key', 'list'), new RegExp(`${made.id}\\s+CI\\s+research\\s+jobs:read`))
    assert.equal(await ok('job', 'list', '--key', made.key, '--json'), '[]')
    assert.match((await cortex.run(['job', 'submit', 'busybox', '--key', made.key])).err, /jobs:write/)
    await ok('key', 'revoke', made.id)
    assert.equal((await cortex.run(['job', 'list', '--key', made.key])).code, 1)
  })

  it('providers, as the gateway sees them', async () => {
    const there = ['--gateway', gateway.url]
    assert.match(await ok('provider', 'list', ...there), new RegExp(`${PROVIDER}\\s+attic\\s+online`))
    assert.match(await ok('provider', 'status', 'attic', ...there), /cpu\s+1000m free of 4000m, \$0\.01 per core-hour/)
    const [provider] = JSON.parse(await ok('provider', 'list', '--json', ...there))
    assert.deepEqual([provider.id, provider.type], [PROVIDER, 'p2p'])
    assert.equal((await cortex.run(['provider', 'status', 'nobody', ...there])).code, 1)
  })
})
