import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { cortexAtGateway } from '../support/cortex.ts'

describe('cortex batch', () => {
  const at = cortexAtGateway('by environment')

  it('submits a job for each row of a CSV file, and shows how far it is', async () => {
    const base = join(at.cortex.folder, 'base.json')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the API
    await writeFile(base, JSON.stringify({ image: 'busybox', args: ['echo', '${word}'] }))
    const args = ['batch', 'submit', '-f', base, '--csv', '-', '--concurrency', '2']
    const submitted = await at.cortex.run(args, { input: 'word;cpu\r\n"hello; you";250\r\nworld;\r\n' })
    assert.equal(submitted.code, 0, submitted.err)
    assert.equal(submitted.err, '2 jobs\n')
    const id = submitted.out.trim()
    const listed = await at.cortex.run(['job', 'list', '--batch', id, '--sort', 'createdAt:asc', '--json'])
    const jobs = JSON.parse(listed.out) as { args: string[]; cpu: number }[]
    assert.deepEqual(
      jobs.map(({ args, cpu }) => [args, cpu]),
      [
        [['echo', 'hello; you'], 250],
        [['echo', 'world'], 1000],
      ],
    )
    assert.match((await at.cortex.run(['batch', 'get', id])).out, /^jobs\s+2, 2 at a time$/m)
    assert.match((await at.cortex.run(['batch', 'list'])).out, new RegExp(`^${id}\\s+submitted\\s+2`, 'm'))
    const rows = await at.cortex.run(['batch', 'rows', id, '--status', 'pending'])
    assert.match(rows.out, /^ROW +STATUS +JOB\n1 +pending +job_\w+\n2 +pending +job_\w+\n$/)
    assert.match((await at.cortex.run(['batch', 'retry', id])).err, /goes on: wait for its end, or cancel it/)
    const folded = await at.cortex.run(['job', 'list', '--fold', '-q', 'hello; you'])
    assert.match(folded.out, new RegExp(`^JOB.*\\n${id}\\s+2 pending\\s+busybox\\s.*\\n$`))
    assert.equal((await at.cortex.run(['batch', 'cancel', id])).code, 0)
  })

  it('takes no file in which characters would become others', async () => {
    const csv = join(at.cortex.folder, 'windows-1252.csv')
    await writeFile(csv, Buffer.from('name,image\r\nbob,busybox\r\nM\xfcller,busybox\r\n', 'latin1'))
    const { code, out, err } = await at.cortex.run(['batch', 'submit', '--csv', csv])
    assert.deepEqual([code, out], [1, ''])
    assert.equal(err, `cortex: ${csv} is not UTF-8 (line 3): save it as UTF-8\n`)
  })

  it('submits a list of jobs', async () => {
    const file = join(at.cortex.folder, 'jobs.yaml')
    await writeFile(file, 'concurrency: 1\njobs:\n  - image: a\n  - image: b\n')
    const { code, out, err } = await at.cortex.run(['batch', 'submit', '-f', file, '--json'])
    assert.equal(code, 0, err)
    assert.equal(JSON.parse(out).jobIds.length, 2)
  })

  it('names the rows that are wrong', async () => {
    const file = join(at.cortex.folder, 'rows.csv')
    await writeFile(file, 'image,cpu\nbusybox,100\nbusybox,many\n')
    const { code, out, err } = await at.cortex.run(['batch', 'submit', '--csv', file])
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /^ROW\s+COLUMN\s+REASON\n\d+\s+cpu\s+/)
    assert.match(err, /\ncortex: [^\n]+\n$/)
  })

  it('asks for rows where there are none', async () => {
    assert.match((await at.cortex.run(['batch', 'submit'])).err, /Give the rows with --csv/)
  })
})
