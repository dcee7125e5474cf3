/** What jobs bring, on a real engine and over real links. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, chown, link, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { pack } from 'tar-stream'
import { giveLocal } from '../../node/inputs/give-local.ts'
import type { JobRecord } from '../../node/store/index.ts'
import { type JobSubmission, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { openNode } from '../faults/walk/support/stage.ts'
import { until } from '../support/until.ts'
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

  it('a standard input is read to its end, and a job without one reads nothing', async () => {
    const read = await market.run('cat', { stdin: { inline: 'one\ntwo' } })
    assert.equal(await said(read), 'one\ntwo')
    const none = await market.run('cat; echo nothing')
    assert.equal(await said(none), 'nothing')
  })

  it('a standard input of any size comes whole to a program that takes its time; one that reads part of it ends as ever', async () => {
    const path = join(market.folder, 'large')
    await writeFile(path, Array.from({ length: 400_000 }, (_, i) => `line ${i}\n`).join(''))
    const stdin = { upload: await give(path) }
    const slow = await market.run('sleep 1; wc -l; echo done', { stdin })
    assert.equal(await said(slow), '400000\ndone')
    const part = await market.run('head -n 2', { stdin })
    assert.deepEqual([part.state.status, await said(part)], ['completed', 'line 0\nline 1'])
  })

  it('an archive with a name that leads out fails its job alone, and the provider runs the next one', async () => {
    const tar = pack()
    tar.entry({ name: 'good' }, 'x')
    tar.entry({ name: '../climb' }, 'x')
    tar.finalize()
    const { id } = await market.node.uploads.begin({ owner: 'test', folder: true, name: '', length: null })
    const upload = await market.node.uploads.append(
      { owner: 'test', id, offset: 0 },
      Readable.from(await buffer(tar)),
      true,
    )
    const inputs = [{ path: '/in', from: { upload: `sha256:${upload.sha256}` } }]
    const { state } = await market.run('true', { inputs })
    assert.ok(state.status === 'failed' && state.failure.details['reason'] === 'unsafe-archive', JSON.stringify(state))
    assert.equal(await prints('echo well', []), 'well')
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

  it('a second job with the same data sends nothing: its requester has lost it meanwhile', async () => {
    const from = join(market.folder, 'once')
    await mkdir(from)
    await writeFile(join(from, 'a'), 'kept at the provider')
    const upload = await give(from)
    const input = { path: '/data', from: { upload } }
    assert.equal(await prints('cat /data/a', [input]), 'kept at the provider')
    const blob = `${upload.slice('sha256:'.length)}.blob`
    await rm(join(market.folder, 'client-node/uploads', blob))
    assert.equal(await prints('cat /data/a', [input]), 'kept at the provider')
    assert.equal(await prints('echo mine > /data/a; cat /data/a', [{ ...input, mode: 'rw' }]), 'mine')
    assert.equal(await prints('cat /data/a', [input]), 'kept at the provider')
  })

  it('a requester that knows a digest is given nothing of what another brought', async () => {
    const from = join(market.folder, 'private')
    await writeFile(from, 'for its owner alone')
    const upload = await give(from)
    assert.equal(await prints('cat /in', [{ path: '/in', from: { upload } }]), 'for its owner alone')
    const stranger = await openNode(market, 'stranger')
    const spec = jobSubmissionSchema.parse(market.job('cat /in', { inputs: [{ path: '/in', from: { inline: 'x' } }] }))
    await until(() => stranger.node.directory.list().length > 0)
    // As a peer that keeps to no rules would: it names the digest, and does not have the bytes.
    const { job } = await stranger.node.requester.submit({ owner: 'test', spec, hold: true })
    const blob = { sha256: upload.slice('sha256:'.length), bytes: 19, folder: false }
    await stranger.node.store.change(job.id, (draft) =>
      draft.patch({ inputs: [{ path: '/in', writable: false, blob }] }),
    )
    await stranger.node.requester.release(job.id)
    await until(async () => isTerminal((await stranger.node.store.get(job.id))?.state.status ?? 'pending'))
    const state = (await stranger.node.store.get(job.id))?.state
    assert.ok(state?.status === 'failed', JSON.stringify(state))
    assert.deepEqual([state.failure.code, state.failure.details.reason], ['DATA_ERROR', 'upload-gone'])
  })

  it('a provider that is started again in the midst of it goes on where it was', async () => {
    const from = join(market.folder, 'large')
    const bytes = randomBytes(48 * 2 ** 20)
    await writeFile(from, bytes)
    const upload = await give(from)
    const inputs = [{ path: '/large', from: { upload } }]
    const { id } = await market.submit(market.job('sha256sum < /large', { inputs }))
    const came = async (): Promise<number> => {
      const events = await market.node.store.events(id, 0, 1_000)
      return Math.max(0, ...events.map(({ type, data }) => (type === 'transferring' ? Number(data.bytesDone) : 0)))
    }
    await until(
      async () => (await came()) > 0 || isTerminal((await market.node.store.get(id))?.state.status ?? 'pending'),
    )
    await market.sellers[0]?.restart()
    const job = await market.ended(id)
    assert.equal(job.state.status, 'completed', JSON.stringify(job.state))
    assert.equal(job.attempt, 1)
    assert.match(await said(job), new RegExp(createHash('sha256').update(bytes).digest('hex')))
  })

  it('what is left when all has ended are volumes of what was brought, with their notes', async () => {
    const owner = `org.cortex-node.owner=${market.sellers[0]?.id}`
    await until(async () => {
      const { Volumes: left } = await market.docker.listVolumes({ filters: { label: [owner] } } as object)
      return left.every(({ Labels: labels }) => labels['cortex.job'] === undefined)
    })
    await until(async () => (await market.left()).length === 0)
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
