/** Files that are no longer what was written, or never were. */

import assert from 'node:assert/strict'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, it } from 'node:test'
import { extract, pack } from 'tar-stream'
import { NOWHERE, readBackupFile, writeBackupFile } from '../../../node/backup/backup-file.ts'
import { readBackup } from '../../../node/backup/read-backup.ts'
import { writeBackup } from '../../../node/backup/write-backup.ts'
import { endJob, HOW, noPassphrase, openHome, restoreInto, sourceOf, verify } from './support/home.ts'

describe('backups that are not what they were', () => {
  let root: string
  let file: string

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cortex-damaged-'))
    const home = await openHome(join(root, 'gateway'))
    for (let i = 0; i < 20; i += 1) await endJob(home, `job-${i}`)
    file = join(root, 'gateway.tar')
    await writeBackupFile(writeBackup(sourceOf(home), HOW), { path: file, passphrase: null })
    await home.close()
  })
  after(async () => await rm(root, { recursive: true, force: true }))

  const read = async (bytes: Buffer) => await readBackup(Readable.from([bytes]), NOWHERE)

  it('are refused wherever they are cut off, with the place', async () => {
    const whole = await readFile(file)
    // The last blocks of a tar are empty, and the entry before them is what counts.
    const end = whole.length - 1024 - 512
    for (let at = 0; at < end; at += Math.max(1, Math.floor(end / 97))) {
      await assert.rejects(read(whole.subarray(0, at)), { code: 'BACKUP_DAMAGED' }, String(at))
    }
    const path = join(root, 'cut.tar')
    await writeFile(path, whole)
    await truncate(path, 3_000)
    await assert.rejects(readBackupFile(path, noPassphrase, verify), /cut off behind "files\//)
  })

  it('are refused with any byte of a part changed, and put nothing anywhere', async () => {
    const whole = await readFile(file)
    for (let at = 100; at < whole.length - 1024; at += Math.floor(whole.length / 211)) {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ 0x20
      // Rights, owners and padding of the tar itself are nobody's.
      const result = await read(bytes).then(
        (summary) => summary,
        (error: unknown) => error,
      )
      if (result instanceof Error)
        assert.equal((result as { code?: string }).code, 'BACKUP_DAMAGED', `${at}: ${result.message}`)
      else assert.deepEqual(result, await read(whole), String(at))
    }
    const bytes = Buffer.from(whole)
    const key = bytes.indexOf('cortex-node ed25519')
    bytes[key] = 0x43
    const folder = join(root, 'changed/gateway')
    await assert.rejects(restoreInto(folder)(Readable.from([bytes])), /"files\/identity.key" was changed/)
    assert.deepEqual(await readdir(join(root, 'changed')), [])
  })

  /** The backup with an entry of somebody's own in it. */
  async function withEntry(
    header: { name: string; size?: number; type?: 'file' | 'symlink'; linkname?: string },
    content = 'x',
  ) {
    const out = pack()
    const entries = extract()
    createReadStream(file).pipe(entries as unknown as NodeJS.WritableStream)
    const written = new PassThrough()
    const bytes: Buffer[] = []
    written.on('data', (chunk: Buffer) => bytes.push(chunk))
    const piped = pipeline(out as unknown as NodeJS.ReadableStream, written)
    for await (const entry of entries) {
      const chunks: Buffer[] = []
      for await (const chunk of entry) chunks.push(chunk as Buffer)
      if (entry.header.name === 'sums.json') out.entry(header, header.type === 'symlink' ? '' : content)
      out.entry({ name: entry.header.name, mode: 0o600 }, Buffer.concat(chunks))
    }
    out.finalize()
    await piped
    return Buffer.concat(bytes)
  }

  const HOSTILE = [
    ['../../etc/cron.d/x', /"\.\.\/\.\.\/etc\/cron.d\/x" is nothing that a backup/],
    ['files/../../x', /is nothing that a backup/],
    ['folders/outputs/../../x', /is nothing that a backup/],
    ['folders/outputs/..', /is no name that a backup has/],
    ['folders/outputs/.ssh', /is no name that a backup has/],
    ['/etc/passwd', /is nothing that a backup/],
    ['files/db', /is nothing that a backup/],
    ['stores/jobs/00000009.ndjson.gz', /stands where/],
    ['stores/__proto__/00000001.ndjson.gz', /is nothing that a backup/],
    ['files/identity.key', /is in it twice/],
    ['folders/outputs/fine', /was added/],
  ] as const
  for (const [name, message] of HOSTILE) {
    it(`are refused with ${name} in them`, async () => {
      const folder = join(root, 'hostile/gateway')
      await assert.rejects(restoreInto(folder)(Readable.from([await withEntry({ name })])), message)
      assert.deepEqual(await readdir(join(root, 'hostile')), [])
    })
  }

  it('are refused with links in them', async () => {
    const bytes = await withEntry({ name: 'folders/outputs/link', type: 'symlink', linkname: '/etc/passwd' })
    await assert.rejects(read(bytes), /"folders\/outputs\/link" is no plain file/)
  })

  it('are refused at once where they say that they are gigantic', async () => {
    const whole = await readFile(file)
    const at = whole.indexOf('files/identity.key')
    const header = Buffer.from(whole.subarray(at, at + 512))
    header.write('77777777777\0', 124) // 8 GiB, the most that octal digits say
    header.fill(' ', 148, 156)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const bytes = Buffer.concat([whole.subarray(0, at), header])
    // It goes on for ever: whoever believed it would, too.
    const endless = Readable.from(
      (function* () {
        yield bytes
        for (;;) yield Buffer.alloc(65_536)
      })(),
    )
    await assert.rejects(readBackup(endless, NOWHERE), /"files\/identity.key" says that it has 8589934591 bytes/)
  })

  it('are refused where they are something else', async () => {
    await assert.rejects(read(Buffer.alloc(0)), /no backup of this program/)
    await assert.rejects(read(Buffer.from('hello, world '.repeat(100))), { code: 'BACKUP_DAMAGED' })
    const out = pack()
    out.entry({ name: 'readme.txt' }, 'x')
    out.finalize()
    const path = join(root, 'other.tar')
    await pipeline(out as unknown as NodeJS.ReadableStream, createWriteStream(path))
    await assert.rejects(readBackupFile(path, noPassphrase, verify), /begins with "readme.txt", and is no backup/)
  })
})
