/**
 * `node scripts/docs-images.ts`: takes the pictures in `docs/images` anew: a gateway, two agents and a real engine, jobs that
 * say what jobs say, and the dashboard in Chromium.
 */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { JobSubmission } from '../gateway/client/index.ts'
import { type Rig, startRig } from '../test/browser/support/rig.ts'
import { until } from '../test/support/until.ts'

const FOLDER = join(import.meta.dirname, '../docs/images')
/** Of the pictures, in percent: text stays sharp. */
const QUALITY = 85
const TRAINING = `echo "loading 48,000 samples"; i=1; while [ $i -le 60 ]; do
  printf "epoch %2d/60  loss \\033[33m0.%03d\\033[0m  accuracy \\033[32m%d.%d %%\\033[0m\\n" $i $((900 - i * 13)) $((55 + i / 2)) $((i % 10))
  [ $((i % 20)) = 0 ] && echo "warning: learning rate halved" >&2; i=$((i + 1)); sleep 0.05; done; echo "saved /out/model.bin"`
/** Uses some of what it has, more and less by turns, for the charts. */
const WORKING = `while :; do end=$(($(date +%s) + 6)); while [ $(date +%s) -lt $end ]; do :; done; sleep 5; done`

const sh = (script: string): Pick<JobSubmission, 'command' | 'args'> => ({ command: ['sh', '-c'], args: [script] })

/** Jobs of several kinds, in every state. @returns ids by name */
async function fill({ client, image }: Rig) {
  const small = { image, cpu: 200, memory: '64Mi', storage: '64Mi', network: 'none', stopGraceSeconds: 0 } as const
  const submit = async (name: string, job: Partial<JobSubmission>): Promise<string> =>
    (await client.jobs.submit({ ...small, name, ...job })).id
  const team = { team: 'research' }
  const ids = {
    train: await submit('train-classifier', { ...sh(`${TRAINING}; sleep 600`), labels: team, cpu: 400 }),
    serve: await submit('serve-api', { ...sh(WORKING), cpu: 500, memory: '128Mi', labels: { team: 'web' } }),
  }
  await submit('needs-a-gpu', { ...sh('nvidia-smi'), gpu: 1, queueTimeout: 3600, labels: team })
  const ended = [
    await submit('nightly-report', { ...sh('echo "12 pages"'), labels: { team: 'finance' } }),
    await submit('migrate', { ...sh('echo "table users is locked" >&2; exit 3') }),
    await submit('render-preview', { ...sh('echo done'), labels: { team: 'media' } }),
  ]
  const batch = await client.batches.submit({
    jobs: Array.from({ length: 120 }, (_, i) => ({
      ...small,
      ...sh(i % 17 === 5 ? 'exit 1' : 'true'),
      memory: '32Mi',
    })),
    concurrency: 6,
  })
  for (const id of [...ended, ...batch.jobIds]) await until(async () => (await client.jobs.get(id)).endedAt !== null)
  return { ...ids, batch: batch.batchId }
}

async function main(): Promise<void> {
  const rig = await startRig()
  try {
    const { page } = rig
    const take = async (name: string): Promise<void> => {
      const session = await page.context().newCDPSession(page)
      const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY })
      await session.detach()
      await writeFile(join(FOLDER, `dashboard-${name}.webp`), Buffer.from(data, 'base64'))
      process.stderr.write(`dashboard-${name}.webp\n`)
    }
    const show = async (path: string, ready: string): Promise<void> => {
      await rig.open(path)
      await page.locator(ready).first().waitFor({ timeout: 60_000 })
      await delay(1_000) // what is drawn after it
    }
    await rig.signIn()
    const ids = await fill(rig)
    await show('/jobs', '.job-link')
    await take('jobs')
    await show(`/jobs/batches/${ids.batch}`, '[role=grid]')
    await take('batch')
    await show(`/jobs/${ids.train}?tab=logs`, '.log-line')
    await take('logs')
    await show(`/jobs/${ids.train}?tab=terminal`, 'text=Open Terminal')
    await page.getByRole('button', { name: 'Open Terminal' }).click()
    await page.locator('.terminal-state').getByText('Connected').waitFor()
    for (const words of ['ls /', 'free -m', 'ps']) {
      await page.keyboard.type(words)
      await page.keyboard.press('Enter')
      await delay(1_000)
    }
    await take('terminal')
    await show('/jobs/create', 'text=Submit')
    await page.getByLabel('Docker image').fill(rig.image)
    await delay(3_000) // the dry run
    await take('create-job')
    await delay(60_000) // samples for the charts
    await show(`/jobs/${ids.serve}?tab=metrics`, 'canvas')
    await take('metrics')
    await show('/network', 'svg')
    await take('network')
  } finally {
    await rig.stop()
  }
}

await main()
