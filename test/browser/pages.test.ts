/** Every page with something on it: reachable for everybody in both themes, and no wider than a telephone. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { type Rig, startRig } from './support/rig.ts'

const SSH_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKtQb1Fv0Ahb4QXqXGbXoOe0dBDeX0kqQYd3wRCW8o8L ada@laptop'

describe('the pages of the dashboard, filled', () => {
  let rig: Rig
  const ids: Record<string, string> = {}

  before(async () => {
    rig = await startRig({ gatewayFlags: ['--allow-private-webhooks'] })
    await Promise.all([rig.signIn(), fill()])
  })
  after(async () => await rig?.stop())

  async function fill(): Promise<void> {
    const { client, image } = rig
    // Without a network of its own: when one comes or goes, Chromium breaks off its requests.
    const small = { cpu: 100, memory: '16Mi', storage: '16Mi', stopGraceSeconds: 0, network: 'none' as const }
    const config = { image, ...small, command: ['true'], labels: { team: 'research' } }
    const [template, schedule, webhook, batch, , providers] = await Promise.all([
      client.templates.create({ name: 'Nightly report', description: 'What the night was like', config }),
      client.schedules.create({ name: 'Nightly', schedule: '0 3 * * *', timezone: 'Europe/Berlin', config }),
      client.webhooks.create({ name: 'Pager', url: 'http://127.0.0.1:9/pager', events: ['job.failed'] }),
      client.batches.submit({ jobs: [config, { ...config, command: ['false'] }], concurrency: 2 }),
      client.keys.create({ name: 'CI', owner: 'ci', permissions: ['jobs:*'] }),
      client.providers.list(),
      client.sshKeys.add({ publicKey: SSH_KEY }),
    ])
    ids.upload = (await client.uploads.create('weights', { name: 'weights.bin' })).digest ?? ''
    const run = await client.schedules.run(schedule.id)
    Object.assign(ids, { template: template.id, schedule: schedule.id, webhook: webhook.id })
    Object.assign(ids, { provider: providers.items[0]?.id ?? '', job: run.id, batch: batch.batchId })
    Object.assign(ids, { both: providers.items.map(({ id }) => id).join(',') })
    await until(async () => {
      const { items } = await client.jobs.list()
      return items.length === batch.jobIds.length + 1 && items.every(({ endedAt }) => endedAt !== null)
    })
  }

  /** `:name` in a path is an id. What makes a template or a schedule has the form of what changes one. */
  const pages: [path: string, heading: string, shows: RegExp][] = [
    ['/jobs', 'Jobs', /1 completed · 1 failed/],
    ['/jobs/:job', 'Receipt', /cortex receipt verify/],
    ['/jobs/:job?tab=events', 'busybox', /The container started/],
    ['/jobs/templates', 'Templates', /Nightly report/],
    ['/jobs/templates/:template', 'Nightly report', /research/],
    ['/jobs/batches', 'Batches', /2 jobs|1 completed|of 2/],
    ['/jobs/batches/:batch', 'Batch of 2 jobs', /1 failed/],
    ['/jobs/batches/create', 'Create Batch', /How rows become jobs/],
    ['/jobs/schedules', 'Schedules', /Nightly/],
    ['/jobs/schedules/:schedule', 'Nightly', /Europe\/Berlin/],
    ['/jobs/schedules/:schedule/edit', 'Nightly', /While a job of it runs/],
    ['/uploads', 'Uploads', /weights\.bin/],
    ['/jobs/create?upload=:upload', 'Create Job', /Inputs/],
    ['/jobs/create?machine=yes', 'A machine to work in', /It waits for commands/],
    ['/volumes', 'Volumes', /No volumes/],
    ['/network', 'Network', /attic/],
    ['/network?region=eu-west', 'Network', /eu-west: 1 provider/],
    ['/network/compare?ids=:both', 'Compare Providers', /best/],
    ['/network/:provider', '', /core-hour/],
    ['/costs', 'Costs', /Export CSV/],
    ['/settings', 'Settings', /CI/],
    ['/settings?tab=ssh', 'Settings', /ada@laptop/],
    ['/settings?tab=webhooks', 'Settings', /Pager/],
    ['/settings/webhooks/:webhook', 'Pager', /127\.0\.0\.1:9/],
    ['/settings?tab=notifications', 'Settings', /Notifications/],
    ['/settings?tab=audit', 'Settings', /POST/],
    ['/settings?tab=gateway', 'Settings', /Connections/],
    ['/nowhere', 'no such page', /./],
  ]
  for (const [path, heading, shows] of pages) {
    it(`shows ${path} to everybody`, async () => {
      const { page } = rig
      await rig.open(path.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? name))
      await page.getByRole('heading', { name: heading }).first().waitFor()
      await page.getByText(shows).and(page.locator(':visible')).first().waitFor()
      await page.waitForLoadState('load')
      await rig.inspect(path.slice(1).replaceAll(/\W+/g, '-'))
    })
  }

  it('shows no form to a key that cannot submit it', async () => {
    const { page, client } = rig
    const { key } = await client.keys.create({ name: 'Looks', permissions: ['jobs:read', 'templates:read'] })
    await rig.open('/jobs')
    await page.getByRole('button', { name: 'Account of' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await rig.signIn(key)
    for (const path of ['/jobs/create', '/jobs/batches/create', '/jobs/schedules/create', '/jobs/templates/create']) {
      await rig.open(path)
      await page.getByRole('heading', { name: 'Your key may not do this' }).waitFor()
      assert.equal(await page.locator('main :is(input, textarea)').count(), 0, path)
    }
    await rig.inspect('may-not')
    await rig.open(`/jobs/templates/${ids.template}`)
    await page.getByText('"team": "research"').waitFor()
    assert.equal(await page.locator('main :is(input, textarea)').count(), 0)
  })

  it('complains of nothing, and asks nobody but its gateway', () => {
    assert.deepEqual(rig.complaints, [])
  })
})
