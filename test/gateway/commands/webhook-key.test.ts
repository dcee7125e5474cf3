import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cortexAtGateway } from '../support/cortex.ts'
import { PROVIDER } from '../support/test-node.ts'

describe('webhooks, keys and providers, from the command line', () => {
  const at = cortexAtGateway('by login')

  it('webhooks', async () => {
    const id = await at.ok(
      'webhook',
      'create',
      'http://93.184.215.14/hook',
      'job.completed',
      'job.failed',
      '--secret',
      's3cret-s3cret',
    )
    assert.match(
      await at.ok('webhook', 'list'),
      new RegExp(`${id}\\s+http://93\\.184\\.215\\.14/hook\\s+job\\.completed,job\\.failed\\s+on`),
    )
    const changed = await at.ok('webhook', 'update', id, '--disable', '--cost-threshold', '0.5')
    assert.match(changed, /tells of cost from\s+\$0\.5\n/)
    assert.match(changed, /state\s+off/)
    assert.match(changed, /signed with\s+sha256:/)
    assert.equal(await at.ok('webhook', 'history', id, '--json'), '[]')
    await at.ok('webhook', 'delete', id)
  })

  it('keys', async () => {
    const made = JSON.parse(
      await at.ok('key', 'create', 'CI', '--owner', 'research', '--permission', 'jobs:read', '--json'),
    )
    assert.match(await at.ok('key', 'list'), new RegExp(`${made.id}\\s+CI\\s+research\\s+jobs:read`))
    // entry 51: the gateway's own key was made when it began, not in 1970.
    assert.match(await at.ok('key', 'list'), /^\S+ +Admin key of this gateway .*\b(s|min) ago/m)
    assert.equal(await at.ok('job', 'list', '--key', made.key, '--json'), '[]')
    assert.match((await at.cortex.run(['job', 'submit', 'busybox', '--key', made.key])).err, /jobs:write/)
    const ci = ['key', 'create', 'CI 2', '--permission', 'jobs:read', 'keys:*', '--json']
    const [one, two] = [JSON.parse(await at.ok(...ci)), JSON.parse(await at.ok(...ci))]
    const child = JSON.parse(await at.ok('key', 'create', 'child', '--key', one.key, '--json'))
    const revoked = await at.cortex.run(['key', 'revoke', one.id])
    assert.match(revoked.err, new RegExp(`that it made go on.*\\n +${child.id} +child`))
    assert.equal(await at.ok('key', 'revoke', two.id, '--with-made'), '')
    await at.ok('key', 'revoke', made.id)
    assert.equal((await at.cortex.run(['job', 'list', '--key', made.key])).code, 1)
  })

  it('providers, as the gateway sees them', async () => {
    const there = ['--gateway', at.gateway.url]
    assert.match(await at.ok('provider', 'list', ...there), new RegExp(`${PROVIDER}\\s+attic\\s+online`))
    assert.match(
      await at.ok('provider', 'status', 'attic', ...there),
      /cpu\s+1000m free of 4000m, \$0\.01 per core-hour/,
    )
    // No figure stands without its unit, however odd the amount.
    const table = await at.ok('provider', 'list', ...there)
    assert.match(table, / \d+m\/\d+m +[\d.]+(B|[KMGT]i)\/[\d.]+(B|[KMGT]i) /)
    assert.match(
      await at.ok('provider', 'status', 'attic', ...there),
      /^memory +[\d.]+(B|[KMGT]i) free of [\d.]+(B|[KMGT]i),/m,
    )
    const [provider] = JSON.parse(await at.ok('provider', 'list', '--json', ...there))
    assert.deepEqual([provider.id, provider.type], [PROVIDER, 'p2p'])
    assert.equal((await at.cortex.run(['provider', 'status', 'nobody', ...there])).code, 1)
  })
})
