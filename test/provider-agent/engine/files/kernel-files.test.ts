import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, type TestContext, test } from 'node:test'
import { ownerIn, textInside } from '../../../../provider-agent/engine/files/owner.ts'
import { filesOf, folderInside, reasonToSkipPuts } from './support/folder-inside.ts'
import { createPutter } from './support/put-file.ts'

const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

/** Takes a lease on a file, and does not give it up when it is asked to: after that the kernel waits for 45 s. */
const LEASE = `$SIG{IO} = 'IGNORE'; $| = 1; open(F, '+<', $ARGV[0]) or die $!; fcntl(F, 1024, 1) or die $!; print 'held'; sleep 600`
const noPuts = await reasonToSkipPuts()
const canLease = spawnSync('perl', ['-e', 'exit 0']).status === 0

describe('files by the kernel', () => {
  let folder: string
  const commands: string[][] = []
  const at = (...parts: string[]) => join(folder, ...parts)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-kernel-files-'))
    await mkdir(at('a/b/c'), { recursive: true })
    await mkdir(at('etc'))
  })
  after(async () => await rm(folder, { recursive: true, force: true }))

  async function lease(t: TestContext, path: string): Promise<void> {
    const program = spawn('perl', ['-e', LEASE, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => program.kill('SIGKILL'))
    await once(program.stdout, 'data')
  }

  test('a file is put into a folder below others, and into the root', { skip: noPuts }, async () => {
    for (const path of ['a/b/c/file', 'file']) {
      await using place = await filesOf(folder, commands).openPlace('c', `/${path}`)
      assert.equal(
        await place?.put(
          (async function* () {
            yield Buffer.from('all of it')
          })(),
          { bytes: 9, mode: 0o640, mtimeMs: 1_000, owner: OWN },
        ),
        true,
      )
      assert.equal(await readFile(at(path), 'utf8'), 'all of it')
      const { mode, mtimeMs } = await stat(at(path))
      assert.deepEqual([mode & 0o7777, mtimeMs], [0o640, 1_000])
    }
  })

  test('while a file is on its way, its folder alone is held', { skip: noPuts }, async () => {
    const held = async () => {
      const links = await Promise.all(
        (await readdir('/proc/self/fd')).map(async (fd) => await readlink(`/proc/self/fd/${fd}`).catch(() => '')),
      )
      return links.filter((link) => link.startsWith(folder))
    }
    await using _place = await filesOf(folder, commands).openPlace('c', '/a/b/c/new')
    assert.deepEqual(await held(), [at('a/b/c')])
  })

  test('what is put is given up when its time is over, or the disk is full; where the old one makes room, the engine does it', {
    skip: noPuts,
  }, async () => {
    await writeFile(at('a/old'), Buffer.alloc(10_000))
    const over = AbortSignal.abort(new Error('its time is over'))
    const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
    await using place = await filesOf(folder, commands).openPlace('c', '/a/old')
    async function put(bytes: number, last: Error | null, signal?: AbortSignal) {
      async function* content() {
        yield Buffer.alloc(bytes)
        if (last !== null) throw last
      }
      return await place?.put(content(), {
        bytes,
        mode: 0o644,
        owner: OWN,
        ...(signal === undefined ? {} : { signal }),
      })
    }
    await assert.rejects(put(10, null, over), /its time is over/)
    assert.equal(await put(10, full), false)
    await assert.rejects(put(1_000_000, full), { code: 'NO_ROOM' })
    assert.deepEqual([await readdir(at('a')), (await stat(at('a/old'))).size], [['b', 'old'], 10_000])
  })

  test('where there is no room for the old one and the new one, the engine puts it', { skip: noPuts }, async () => {
    await mkdir(at('tight/spool'), { recursive: true })
    await writeFile(at('tight/old'), 'old')
    const init = { spool: at('tight/spool'), more: filesOf(at('tight'), commands), freeBytes: 5 }
    const { put, unpacked } = await createPutter(init)
    await put('/old', 'new', OWN.uid)
    await put('/new', 'much of it', OWN.uid)
    assert.deepEqual([await readFile(at('tight/old'), 'utf8'), unpacked], ['new', []])
    await put('/old', 'too much of it', OWN.uid)
    assert.deepEqual(unpacked, [{ at: '/', name: 'old', uid: OWN.uid, content: 'too much of it' }])
  })

  test('a path through more folders than are held is refused', async () => {
    const path = Array.from({ length: 300 }, () => 'd').join('/')
    await mkdir(at(path), { recursive: true })
    await assert.rejects(filesOf(folder, commands).openFile('c', `/${path}/file`), /more than 256 folders/)
  })

  test('a file that becomes shorter as it is read is not taken for whole', async () => {
    await writeFile(at('long'), Buffer.alloc(1_000_000))
    await using held = await filesOf(folder, commands).openFile('c', '/long')
    assert.equal(held?.file.size, 1_000_000)
    await truncate(at('long'), 300_000)
    await assert.rejects(buffer(held?.read(0, 1_000_000) ?? []), { code: 'BAD_PATH', message: /became shorter/ })
  })

  test('what is the machine’s and not the container’s is not changed by the agent', async () => {
    const run: string[][] = []
    const { mode } = await stat('/proc/meminfo')
    await assert.rejects(filesOf('/', run).change('c', '/proc/meminfo', { mode: mode & 0o7777 }), /no commands here/)
    assert.deepEqual(run, [['chmod', `0${(mode & 0o777).toString(8)}`, '--', '/proc/meminfo']])
  })

  const skip = canLease ? false : 'needs perl to take leases'
  test('a file that is leased is left to the engine, and not waited for', { skip }, async (t) => {
    await writeFile(at('leased'), 'x')
    await lease(t, at('leased'))
    assert.equal(await filesOf(folder, commands).openFile('c', '/leased'), null)
  })

  test('whose files are is asked of the engine where the kernel does not tell, and nobody becomes root by that', {
    skip,
  }, async (t) => {
    await using inside = await folderInside(folder)
    assert.equal(await textInside(inside, '/etc/passwd', 100), null)
    await writeFile(at('etc/passwd'), 'app:x:1000:1001::/:/bin/sh\n')
    assert.deepEqual(await ownerIn('app', async (path, most) => (await textInside(inside, path, most)) ?? null), {
      uid: 1000,
      gid: 1001,
    })
    await lease(t, at('etc/passwd'))
    assert.equal(await textInside(inside, '/etc/passwd', 100), undefined)
  })
})
