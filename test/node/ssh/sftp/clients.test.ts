import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '../../../../node/clock.ts'
import { createSftpRoom } from '../../../../node/ssh/sftp/room.ts'
import { serveSftp } from '../../../../node/ssh/sftp/serve.ts'
import { type DiskFiles, diskFiles } from './support/disk-files.ts'
import { openRelay, type Relay } from './support/relay.ts'

const run = promisify(execFile)
const MIB = 2 ** 20
/** Kept small, so that it is met. */
const SHARE = 8 * MIB

const isThere = spawnSync('sftp', ['-h']).error === undefined

/** The real programs, which speak to the server without SSH in between. */
describe('files over SFTP, by the clients of OpenSSH', { skip: !isThere }, () => {
  let folder = ''
  let files: DiskFiles
  let relay: Relay
  const over = new AbortController()
  const inside = (...parts: string[]) => join(folder, 'root', ...parts)
  const here = (...parts: string[]) => join(folder, 'here', ...parts)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-sftp-'))
    for (const name of ['root', 'here', 'room']) await mkdir(join(folder, name))
    files = diskFiles(join(folder, 'root'))
    const room = createSftpRoom({ folder: join(folder, 'room'), maxBytes: 4 * SHARE, maxSessionBytes: SHARE })
    await room.start()
    relay = await openRelay(folder, (stream) => {
      serveSftp(stream, { files, room, clock: systemClock }, { signal: over.signal })
        .catch(() => undefined)
        .finally(() => stream.end())
    })
  })
  after(async () => {
    over.abort()
    relay.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function sftp(...commands: string[]): Promise<string> {
    const batch = here('batch')
    await writeFile(batch, `${commands.join('\n')}\n`)
    const { stdout, stderr } = await run('sftp', ['-b', batch, '-D', relay.program])
    return stdout + stderr
  }

  async function scp(...words: string[]): Promise<void> {
    await run('scp', ['-D', relay.program, ...words])
  }

  test('a file is put and taken, byte for byte, with its mode and time', async () => {
    const bytes = randomBytes(5 * MIB + 17)
    await writeFile(here('large'), bytes)
    await chmod(here('large'), 0o750)
    await utimes(here('large'), 1_600_000_000, 1_600_000_000)
    await sftp(`put -p ${here('large')} /large`, `get -p /large ${here('back')}`)
    assert.deepEqual(await readFile(inside('large')), bytes)
    assert.deepEqual(await readFile(here('back')), bytes)
    for (const path of [inside('large'), here('back')]) {
      const { mode, mtimeMs } = await stat(path)
      assert.deepEqual([mode & 0o777, mtimeMs], [0o750, 1_600_000_000_000], path)
    }
    assert.deepEqual(await readdir(join(folder, 'room')), [])
  })

  test('a folder goes there and back by scp, with all that is in it', async () => {
    await mkdir(here('tree', 'a', 'b'), { recursive: true })
    for (let at = 0; at < 50; at += 1) await writeFile(here('tree', 'a', `file ${at}`), `content ${at}`)
    await writeFile(here('tree', 'a', 'b', 'é "odd"'), 'odd')
    await writeFile(here('tree', 'empty'), '')
    await scp('-r', '-p', here('tree'), 'job:/tree')
    assert.equal(await readFile(inside('tree', 'a', 'b', 'é "odd"'), 'utf8'), 'odd')
    await scp('-r', 'job:/tree', here('again'))
    assert.equal((await readdir(here('again', 'a'))).length, 51)
    assert.equal(await readFile(here('again', 'a', 'file 49'), 'utf8'), 'content 49')
    assert.equal((await stat(here('again', 'empty'))).size, 0)
  })

  test('folders, links, names, modes and lengths', async () => {
    await writeFile(inside('plain'), 'hello world')
    const said = await sftp(
      ...['mkdir /data', 'cd /data', 'ln -s ../plain link', 'ls -l /data', `get link ${here('linked')}`],
      ...['rename /plain /data/moved', 'chmod 600 /data/moved', 'ls -l /data/moved', 'rm link', '-rmdir /data'],
      ...['mkdir deep', 'rmdir deep', 'pwd', '-get /nothing', '-df /'],
    )
    assert.match(said, /lrwxrwxrwx .* link/)
    assert.match(said, /-rw------- .* 11 .*moved/)
    assert.equal(await readFile(here('linked'), 'utf8'), 'hello world')
    assert.match(said, /Remote working directory: \/data/)
    assert.equal((await stat(inside('data', 'moved'))).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(inside('data')), ['moved'])
  })

  test('what is appended comes behind what is there, and a broken upload goes on', async () => {
    const bytes = randomBytes(3 * MIB)
    await writeFile(here('whole'), bytes)
    await writeFile(inside('whole'), bytes.subarray(0, MIB))
    await sftp(`put -a ${here('whole')} /whole`)
    assert.deepEqual(await readFile(inside('whole')), bytes)
  })

  test('a climbing path stays within, and climbs out of where a link leads', async () => {
    await mkdir(inside('far', 'away'), { recursive: true })
    await writeFile(inside('far', 'beside'), 'beside')
    const said = await sftp(
      'ln -s far/away near',
      'cd /near/..',
      'pwd',
      'cd /../../..',
      'pwd',
      `get near/../beside ${here('b')}`,
    )
    assert.match(said, /Remote working directory: \/far\n/)
    assert.match(said, /Remote working directory: \/\n/)
    assert.equal(await readFile(here('b'), 'utf8'), 'beside')
  })

  test('what is larger than a session’s share is refused, and leaves nothing there', async () => {
    await writeFile(here('huge'), Buffer.alloc(SHARE + 1))
    await assert.rejects(sftp(`put ${here('huge')} /huge`))
    assert.equal((await readdir(inside())).includes('huge'), false)
    await writeFile(inside('giant'), Buffer.alloc(SHARE + 1))
    await assert.rejects(sftp(`get /giant ${here('giant')}`))
    assert.deepEqual(await readdir(join(folder, 'room')), [])
  })

  test('names of a large folder are all told', async () => {
    await mkdir(inside('many'))
    await Promise.all(Array.from({ length: 5_000 }, async (_, at) => await writeFile(inside('many', `name-${at}`), '')))
    const said = await sftp('ls -1 /many')
    assert.equal(said.match(/name-\d+/g)?.length, 5_000)
  })
})
