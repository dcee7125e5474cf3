/** What jobs bring, on a real engine and over real links. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, chown, link, mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { giveLocal } from '../../node/inputs/give-local.ts'
import type { JobRecord } from '../../node/store/index.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { openMarket, type TestMarket } from './support/market.ts'

/** All that there is to see of a folder. */
const LOOK = [
  "find . -print0 | sort -z | xargs -0 stat -c '%n %f %s %u %g %h %Y'",
  'find . -type l -exec readlink {} \\;',
  'find . -type f -print0 | sort -z | xargs -0 cat | sha256sum',
].join(' && ')

describe('what jobs bring', () => {
  let market: TestMarket

  before(async () => {
    market = await openMarket()
    await market.addSeller()
  })
  after(async () => await market.close())

  async function said(job: JobRecord): Promise<string> {
    const lines = await market.node.store.logs(job.id, 1, 1_000)
    return lines.map(({ line }) => line).join('\n')
  }

  async function prints(script: string, inputs: JobSubmission['inputs']): Promise<string> {
    const job = await market.run(script, { inputs })
    const log = await said(job)
    assert.equal(job.state.status, 'completed', `${JSON.stringify(job.state)} ${log}`)
    return log
  }

  /** Sizes of folders are their file system's own. */
  const linesOf = (text: string): string[] =>
    text
      .trim()
      .split('\n')
      .map((line) => line.replace(/(?<= 4[0-9a-f]{3}) \d+/, ''))

  async function give(path: string): Promise<string> {
    const { upload } = await giveLocal(market.node.uploads, 'test', path)
    return `sha256:${upload.sha256}`
  }

  it('text stands at its path, read-only, beside what the image has there', async () => {
    const text = 'first\nsecond “line” \u{1f600}'
    const script =
      'cat /etc/app/settings.conf; echo; ls /etc/passwd; (echo x >> /etc/app/settings.conf) 2>/dev/null || echo read-only'
    const log = await prints(script, [{ path: '/etc/app/settings.conf', from: { inline: text } }])
    assert.equal(log, `${text}\n/etc/passwd\nread-only`)
  })

  it('with rw it is the job’s own, and the next job finds it as it was', async () => {
    const input = { path: '/work/notes.txt', from: { inline: 'one\n' }, mode: 'rw' } as const
    for (const time of ['first', 'second']) {
      assert.equal(await prints('echo two >> /work/notes.txt; cat /work/notes.txt', [input]), 'one\ntwo', time)
    }
  })

  it('a folder comes as it is: modes, owners, times, links and odd names', async () => {
    const from = await oddFolder(join(market.folder, 'odd'))
    if (process.getuid?.() === 0) await chown(from, 77, 88)
    const look = (folder: string): string => `cd ${folder} && ${LOOK}`
    const upload = await give(from)
    const there = await prints(look('/data'), [{ path: '/data', from: { upload } }])
    const here = execFileSync('sh', ['-c', look(from)], { encoding: 'utf8' })
    assert.deepEqual(linesOf(there), linesOf(here))
    const script = `cd /data && echo more >> plain && rm broken && cd / && ${look('/other')}`
    const own = { path: '/data', from: { upload }, mode: 'rw' } as const
    const again = await prints(script, [own, { path: '/other', from: { upload } }])
    assert.deepEqual(linesOf(again), linesOf(here), 'what a job did to its copy is in no other')
  })

  it('an empty text is an empty file', async () => {
    assert.equal(await prints('stat -c %s /empty', [{ path: '/empty', from: { inline: '' } }]), '0')
  })
})

async function oddFolder(path: string): Promise<string> {
  await mkdir(join(path, 'deep/er'), { recursive: true })
  await mkdir(join(path, 'empty'), { mode: 0o700 })
  await chmod(path, 0o711)
  const files = [
    'plain',
    'new\nline',
    'ünï “code” 😀',
    ' space ',
    'quote\'"\\n',
    'n'.repeat(200),
    '-dash',
    '*',
    'deep/er/file',
  ]
  for (const [i, name] of files.entries()) await writeFile(join(path, name), Buffer.alloc(1000 * i, name))
  await chmod(join(path, 'plain'), 0o755)
  await chmod(join(path, '-dash'), 0o4711)
  await chmod(join(path, '*'), 0o000)
  if (process.getuid?.() === 0) await chown(join(path, ' space '), 1234, 4321)
  await utimes(join(path, 'deep/er/file'), 1_000_000_000, 1_000_000_000)
  await link(join(path, 'plain'), join(path, 'deep/same'))
  await symlink('../plain', join(path, 'deep/inside'))
  await symlink('/usr/bin/env', join(path, 'outside'))
  await symlink('nowhere', join(path, 'broken'))
  return path
}
