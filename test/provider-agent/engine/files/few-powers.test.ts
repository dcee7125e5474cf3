import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { reasonToSkipPuts } from './support/folder-inside.ts'

const run = promisify(execFile)
const UNIT = new URL('../../../../packaging/systemd/cortex-agent.service', import.meta.url)
const CHILD = new URL('./support/few-powers.ts', import.meta.url)

async function reasonToSkip(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'only root has powers to give up'
  if (spawnSync('setpriv', ['--version']).status !== 0) return 'needs setpriv, of util-linux'
  return await reasonToSkipPuts()
}

test('with the powers of the packaged agent, what the kernel does not let it do is left to the engine and the image', {
  skip: await reasonToSkip(),
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-few-powers-'))
  t.after(async () => await rm(folder, { recursive: true, force: true }))
  const at = (...parts: string[]) => join(folder, 'root', ...parts)
  await mkdir(at('sticky'), { recursive: true })
  await chmod(at('sticky'), 0o1777)
  for (const name of ['mode', 'time', 'sticky/old']) {
    await writeFile(at(name), 'x')
    await chown(at(name), 1000, 1000)
  }
  await chown(at('sticky'), 1000, 1000)

  const set = /^CapabilityBoundingSet=(.+)$/m.exec(await readFile(UNIT, 'utf8'))?.[1] ?? ''
  const powers = ['-all', ...set.split(' ').map((power) => `+${power.replace(/^CAP_/, '').toLowerCase()}`)].join(',')
  const words = [`--bounding-set=${powers}`, '--inh-caps=-all', '--no-new-privs', process.execPath, CHILD.pathname]
  const { stdout } = await run('setpriv', [...words, at(), join(folder, 'spool')])

  assert.deepEqual(JSON.parse(stdout), {
    unpacked: [{ at: '/', name: 'others', uid: 1000, content: 'all of it' }],
    commands: [
      ['chmod', '0600', '--', '/mode'],
      ['touch', '-c', '-d', '@1', '--', '/time'],
      ['mv', '-f', '--', '/sticky/old', '/sticky/new'],
    ],
  })
  assert.equal(await readFile(at('root’s'), 'utf8'), 'all of it')
  assert.equal((await stat(at('root’s'))).uid, 0)
  assert.deepEqual((await readdir(at())).sort(), ['mode', 'root’s', 'sticky', 'time'], 'and no draft is left')
})
