/// <reference lib="dom" />
/** Data in the dashboard: files of a running container, inputs of the form, and volumes that stay. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Locator } from 'playwright-core'
import { until } from '../support/until.ts'
import { type Rig, startRig, takeShot } from './support/rig.ts'

const SMALL = { cpu: 100, memory: '32Mi', storage: '16Mi', stopGraceSeconds: 0, network: 'none' as const }
/** What a container may call its files to look like another, or to be taken for markup. */
const ODD = `<img src=x onerror=document.title='owned'>\u202egpj.exe`
const SCRIPT = `mkdir -p /work/deep/er /work/many; cd /work; echo first > a.txt; head -c 3000 /dev/zero > deep/b.bin
ln -s /work/deep link; echo odd > "$ODD"; i=0; while [ $i -lt 450 ]; do : > many/file$i; i=$((i+1)); done
while [ ! -e /stop ]; do sleep 0.1; done; cat /work/deep/new.txt /work/deep/sent/in/c.txt`

describe('data in the dashboard', () => {
  let rig: Rig
  let folder: string
  let id: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-browser-'))
    await mkdir(join(folder, 'sent', 'in'), { recursive: true })
    await writeFile(join(folder, 'new.txt'), 'new\n')
    await writeFile(join(folder, 'sent', 'in', 'c.txt'), 'of a folder\n')
    rig = await startRig()
    const { client, image } = rig
    const job = { image, ...SMALL, command: ['sh', '-c'], args: [SCRIPT], env: { ODD } }
    ;({ id } = await client.jobs.submit(job))
    await rig.signIn()
    await until(async () => (await client.jobs.get(id)).status === 'running')
  })
  after(async () => {
    await rig?.stop()
    await rm(folder, { recursive: true })
  })

  const button = (name: string | RegExp) => rig.page.getByRole('button', { name })

  async function downloaded(name: string | RegExp): Promise<{ name: string; content: Buffer }> {
    const [file] = await Promise.all([rig.page.waitForEvent('download'), button(name).click()])
    return { name: file.suggestedFilename(), content: await readFile(await file.path()) }
  }

  /** As a person drops files of the desktop, folders too. */
  async function drop(onto: Locator, ...names: string[]): Promise<void> {
    await onto.scrollIntoViewIfNeeded()
    const box = await onto.boundingBox()
    assert.ok(box)
    const cdp = await rig.page.context().newCDPSession(rig.page)
    const data = { items: [], files: names.map((name) => join(folder, name)), dragOperationsMask: 1 }
    const at = { x: box.x + box.width / 2, y: box.y + Math.min(box.height / 2, 20), data }
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await cdp.send('Input.dispatchDragEvent', { type, ...at })
    await cdp.detach()
  }

  it('shows the files of a running container, whatever they are called', async () => {
    const { page } = rig
    await rig.open(`/jobs/${id}?tab=files`)
    await page.getByLabel('Path in the container').fill('//work/./x/../')
    await page.keyboard.press('Enter')
    await page.getByText('5 entries.').waitFor()
    await page.getByText('gpj.exe').waitFor()
    assert.equal(await page.locator('.plain-table img').count(), 0)
    assert.match((await page.getByText('gpj.exe').textContent()) ?? '', /\\u202egpj/)
    assert.doesNotMatch(await page.title(), /owned/)
    await rig.inspect('job-files')
    await page.setViewportSize({ width: 1024, height: 768 })
    await takeShot(rig.page, 'job-files-1024')
    await page.setViewportSize({ width: 1360, height: 860 })
    const file = await downloaded('Download a.txt')
    assert.deepEqual([file.name, file.content.toString()], ['a.txt', 'first\n'])
    const tar = await downloaded('Download deep as a tar')
    assert.equal(tar.name, 'deep.tar')
    assert.ok(tar.content.includes('deep/b.bin'))
  })

  it('shows large folders in parts, and says so; and says of what is not there that it is not', async () => {
    const { page } = rig
    await button('many/').click()
    await page.getByText('The first 200 of 450 entries.').waitFor()
    await button('Show more').click()
    await page.getByText('The first 400 of 450 entries.').waitFor()
    await button('Show more').click()
    await page.getByText('450 entries.').waitFor()
    await page.getByLabel('Path in the container').fill('/no/such')
    await page.keyboard.press('Enter')
    const refused = page.locator('.drop-zone').getByRole('alert')
    await refused.waitFor()
    assert.match((await refused.textContent()) ?? '', /\/no\/such|nothing|no file|not there/i)
  })

  it('takes files and folders, chosen and dropped, into the folder that is shown, and names what did not go', async () => {
    const { page, client } = rig
    await page
      .getByRole('navigation', { name: 'Folders above' })
      .getByRole('button', { name: '/', exact: true })
      .click()
    await button('work/').click()
    await button('deep/').click()
    await page.getByText('2 entries.').waitFor()
    await page.locator('.drop-zone input[type=file]').first().setInputFiles(join(folder, 'new.txt'))
    await page.getByText('1 of 1 file sent').waitFor()
    await page.getByText('3 entries.').waitFor()
    await drop(page.locator('.drop-zone'), 'sent')
    await button('sent/').waitFor()
    await page.getByLabel('Path in the container').fill('/proc')
    await page.keyboard.press('Enter')
    await page.getByText('cpuinfo').waitFor()
    await page.locator('.drop-zone input[type=file]').first().setInputFiles(join(folder, 'new.txt'))
    await page.getByText('1 file did not go').waitFor()
    await rig.inspect('job-files-refused')
    await client.jobs.files.write(id, '/stop', '')
    await page.getByText('The container does not run').waitFor()
    await until(async () => (await client.jobs.get(id)).status === 'completed')
    const lines: string[] = []
    for await (const { line } of client.jobs.logs(id)) lines.push(line)
    assert.deepEqual(lines, ['new', 'of a folder'])
  })

  it('uploads a file and a folder for a new job, with what an earlier one left', async () => {
    const { page, image, client } = rig
    const earlier = await client.jobs.submit({
      image,
      ...SMALL,
      command: ['sh', '-c', 'echo left > /left'],
      outputs: '/left',
    })
    await until(async () => (await client.jobs.get(earlier.id)).results.outputUrl !== null)
    await rig.open('/jobs/create')
    const input = (path: string) => ({ path, from: { inline: '' } })
    const job = {
      image,
      ...SMALL,
      command: ['sh', '-c', 'cat /a /b/in/c.txt /c'],
      inputs: [input('/a'), input('/b'), input('/c')],
    }
    await page.getByLabel('The job as JSON').fill(JSON.stringify(job))
    await page.getByLabel('Path of input 3').waitFor()
    const zones = page.locator('.form-source .drop-zone')
    await zones.nth(0).locator('input[type=file]').first().setInputFiles(join(folder, 'new.txt'))
    await page.getByText('new.txt, 4 B uploaded').waitFor()
    await drop(zones.nth(1), 'sent')
    await page.getByText(/sent, 1 file, .* uploaded/).waitFor()
    await button('Output of a job for input 3').click()
    await page.getByRole('combobox', { name: 'Choose a job for input 3' }).click()
    await page.getByRole('option', { name: earlier.id.slice(-8) }).click()
    assert.equal(await page.getByLabel('Job of input 3').inputValue(), earlier.id)
    await rig.inspect('create-job-inputs')
    await button('Submit').click()
    await page.waitForURL(/\/jobs\/job_/)
    await page.locator('.status[data-status=completed]').first().waitFor()
    await page.getByRole('tab', { name: 'Logs' }).click()
    for (const text of ['new', 'of a folder', 'left'])
      await page.locator('.log-line', { hasText: text }).first().waitFor()
  })

  it('lists volumes that stay, keeps them longer, uses them, and asks before it deletes', async () => {
    const { page, image, client } = rig
    const volumes = [{ name: 'results', mountPath: '/data', size: '16Mi', keep: 86_400 }]
    const { id: leaving } = await client.jobs.submit({
      image,
      ...SMALL,
      volumes,
      command: ['sh', '-c', 'echo kept > /data/x'],
    })
    await until(async () => (await client.jobs.get(leaving)).status === 'completed')
    await until(async () => {
      const [volume] = (await client.volumes.list()).items
      return volume !== undefined && !(await client.volumes.get(volume.id)).inUse
    })
    await rig.open('/jobs')
    await page.getByRole('link', { name: 'Volumes' }).click()
    await page.getByRole('cell', { name: /^results/ }).waitFor()
    await rig.inspect('volumes')
    const tar = await downloaded('Download results as a tar')
    assert.deepEqual([tar.name, tar.content.includes('kept\n')], ['volume.tar', true])
    await button('Extend results').click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Keep it after its last use for' }).fill('2')
    await rig.inspect('volume-extend')
    await page.getByRole('dialog').getByRole('button', { name: 'Extend', exact: true }).click()
    await page.getByText('kept so long from its last use').waitFor()
    const [volume] = (await client.volumes.list()).items
    assert.equal(volume?.keep, 2 * 86_400)
    await page.getByRole('link', { name: 'Use in a new job: results' }).click()
    await page.getByLabel('Id of volume 1').waitFor()
    assert.equal(await page.getByLabel('Id of volume 1').inputValue(), volume?.id)
    await page.goBack()
    await page.getByRole('link', { name: 'results', exact: true }).click()
    await button('Look at its files').click()
    await page.getByRole('cell', { name: 'x', exact: true }).waitFor()
    await page.getByText('keeping it has cost nothing yet').waitFor()
    await rig.inspect('volume')
    const file = await downloaded('Download x')
    assert.deepEqual([file.name, file.content.toString()], ['x', 'kept\n'])
    await page.goBack()
    await button('Delete results').click()
    await page.getByRole('dialog').getByText('for good').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('heading', { name: 'No volumes' }).waitFor()
    await page.getByLabel('Also those that are gone').check()
    await page.getByText('deleted', { exact: true }).waitFor()
  })

  it('complains of nothing', () => {
    assert.deepEqual(rig.complaints, [])
  })
})
