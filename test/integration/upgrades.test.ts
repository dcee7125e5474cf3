/** Stores of every released version, opened by this one; and one of a newer version, which is refused. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { extract } from 'tar'
import { CortexClient } from '../../gateway/client/index.ts'
import { systemClock } from '../../node/clock.ts'
import { silentLogger } from '../../node/logger.ts'
import { openDatabase } from '../../node/store/database.ts'
import { STORE_FORM } from '../../node/store/store-form.ts'
import { ownVersion } from '../../node/version.ts'
import { openJournal } from '../../provider-agent/journal/journal.ts'
import { startCortex } from './support/program.ts'

/** Made by `scripts/store-fixture.ts`, which says what is in them. */
const STORES = join(import.meta.dirname, 'fixtures/stores')

async function unpacked(test: TestContext, file: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-upgrade-'))
  test.after(async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  await extract({ file: join(STORES, file), cwd: folder })
  return folder
}

const gateway = (folder: string) =>
  startCortex([
    ...['gateway', '--data', folder, '--port', '0', '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0'],
    ...['--bootstrap', '/ip4/127.0.0.1/tcp/9', '--network', `upgrades-${process.pid}`],
  ])

describe('a store of an earlier version', async () => {
  const files = (await readdir(STORES)).filter((name) => name.endsWith('.tar.gz'))

  it('is kept of this one, too', async () => {
    assert.ok(files.includes(`${await ownVersion()}.tar.gz`), 'run node scripts/store-fixture.ts')
  })

  for (const file of files) {
    it(`${file}: a gateway finds in it all that was stored`, async (test) => {
      const folder = await unpacked(test, file)
      const program = gateway(folder)
      test.after(async () => {
        program.child.kill('SIGTERM')
        await program.ended
      })
      const baseUrl = (await program.says(/^gateway +(\S+)$/m))[1] ?? ''
      const apiKey = (await readFile(join(folder, 'gateway/admin.key'), 'utf8')).trim()
      const client = new CortexClient({ baseUrl, apiKey })
      const jobOf = async (label: string) => {
        const { items } = await client.jobs.list({ labels: { is: label } })
        assert.equal(items.length, 1, label)
        return await client.jobs.get(items[0]?.id ?? '')
      }
      const [completed, failed, output] = await Promise.all(['completed', 'failed', 'output'].map(jobOf))
      assert.ok(completed !== undefined && failed !== undefined && output !== undefined)
      assert.deepEqual([completed.status, failed.status, output.status], ['completed', 'failed', 'completed'])
      assert.equal(failed.results.exitCode, 3)
      const lines = await Array.fromAsync(client.jobs.logs(completed.id))
      assert.deepEqual(
        lines.map(({ line }) => line),
        ['done'],
      )
      const events = await Array.fromAsync(client.jobs.events(completed.id))
      assert.ok(['created', 'started', 'completed'].every((type) => events.some((event) => event.type === type)))
      assert.equal((await client.jobs.receipts(completed.id)).length, 1)
      assert.equal((await client.jobs.list({})).items.length, 5)
      const [template, schedule, webhook, batch] = await Promise.all([
        client.templates.list(),
        client.schedules.list(),
        client.webhooks.list(),
        client.batches.list(),
      ])
      assert.equal(template.items[0]?.name, 'kept')
      assert.equal(schedule.items[0]?.name, 'nightly')
      assert.equal(webhook.items[0]?.url, 'https://9.9.9.9/cortex')
      assert.equal(batch.items[0]?.status, 'completed')
      // What is in it goes on.
      assert.equal((await client.jobs.submit({ image: 'busybox', queueTimeout: 1 })).status, 'pending')
    })

    it(`${file}: an agent finds its receipts in it`, async (test) => {
      const folder = await unpacked(test, file)
      const database = await openDatabase(join(folder, 'seller/agent'))
      const clock = systemClock
      const journal = await openJournal(
        { database, clock, logger: silentLogger },
        { maxLeaseBytes: 1e6, maxJournalBytes: 1e6 },
      )
      const receipts = await Array.fromAsync(journal.receipts())
      assert.equal(receipts.length, 5)
      assert.deepEqual(journal.counts(), { completed: 4, failed: 1 })
      await journal.close()
    })
  }
})

describe('a store of a later version', () => {
  it('keeps a gateway from starting, which says what to do', async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-upgrade-'))
    test.after(async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }))
    const database = await openDatabase(join(folder, 'gateway'))
    await database.put('form', JSON.stringify({ form: STORE_FORM + 1, version: '9.8.7' }))
    await database.close()
    const { code, stderr } = await gateway(folder).ended
    assert.equal(code, 1)
    assert.match(
      stderr,
      /^cortex: The store in .+ was written by cortex 9\.8\.7.*: install cortex-node@9\.8\.7 or a newer one/m,
    )
  })
})
