/**
 * `node scripts/store-fixture.ts`: what this version stores, as `test/integration/fixtures/stores/VERSION.tar.gz`: a
 * gateway and an agent that ran some jobs and stopped. Made once for each release, and never again: later versions have to
 * read it (docs/upgrades.md).
 */
import { existsSync, mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { create } from 'tar'
import { CortexClient } from '../gateway/client/index.ts'
import { ownVersion } from '../node/version.ts'
import { ensureEngine } from './engine.ts'
import { ensureBusyboxImage } from './image.ts'
import { startLocalNetwork } from './local-network.ts'

/** Logs and sockets say nothing of a store. */
const LEFT_OUT = /\.log$(?<!db\/\d+\.log)|\.sock$|\/LOG(?:\.old)?$|\/compiled\//

const folder = join(import.meta.dirname, '../test/integration/fixtures/stores')
const file = join(folder, `${await ownVersion()}.tar.gz`)
if (existsSync(file)) throw new Error(`${file} is there already: what a version stored stays as it was`)
mkdirSync(folder, { recursive: true })

const engine = await ensureEngine()
const image = await ensureBusyboxImage(new Docker({ socketPath: engine.socketPath }))
const machine = ['--cpu', '500', '--memory', '256Mi', '--storage', '512Mi']
const network = await startLocalNetwork({
  dockerHost: `unix://${engine.socketPath}`,
  agents: [{ name: 'seller', flags: [...machine, '--price-minimum', '0.001'] }],
  report: (line) => console.error(line),
})
try {
  const client = new CortexClient({ baseUrl: network.url, apiKey: network.key })
  await until(async () => (await client.providers.list()).items.length === 1)
  const small = { image, command: ['sh', '-c'], cpu: 100, memory: '32Mi', storage: '32Mi', duration: 60 }
  const job = async (script: string, more: object = {}) =>
    await client.jobs.submit({ ...small, args: [script], ...more })
  const jobs = [
    await job('echo done', { labels: { is: 'completed' }, secrets: { TOKEN: 'hidden' } }),
    await job('exit 3', { labels: { is: 'failed' } }),
    await job('mkdir /out; echo kept > /out/file', { labels: { is: 'output' }, outputs: '/out' }),
  ]
  const batch = await client.batches.submit({ jobs: [1, 2].map((n) => ({ ...small, args: [`echo row ${n}`] })) })
  for (const { id } of jobs) {
    await until(async () => ['completed', 'failed'].includes((await client.jobs.get(id)).status))
  }
  await until(async () => (await client.batches.get(batch.batchId)).status === 'completed')
  await client.templates.create({ name: 'kept', config: small })
  await client.schedules.create({ name: 'nightly', schedule: '0 3 1 1 *', config: small })
  await client.webhooks.create({
    url: 'https://9.9.9.9/cortex',
    enabled: false,
    events: ['job.completed'],
    secret: 'a secret',
  })
  await client.keys.create({ name: 'reader', owner: 'somebody', permissions: ['jobs:read'] })
  // Receipts are signed by both a moment after the end.
  await until(async () => (await client.jobs.receipts(jobs[0]?.id ?? '')).length > 0)
  for (const { end } of network.processes.toReversed()) await end()
  await create({ gzip: true, cwd: network.folder, file, portable: true, filter: (path) => !LEFT_OUT.test(path) }, ['.'])
  console.error(`made ${file}`)
} catch (error) {
  await rm(file, { force: true })
  throw error
} finally {
  await network.stop()
  await engine.stop()
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 200))
}
