import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { canInstall, findProgram } from '../../scripts/apt.ts'
import { unpackPackages } from '../../scripts/debian-packages.ts'

const ready = (await canInstall()) && (await findProgram('dpkg-deb')) !== null && (await findProgram('flock')) !== null
const skip = ready ? false : 'needs root, apt-get, dpkg-deb and flock'

/** A folder, with an `apt-get` before the machine's that downloads one package of a file, or none. */
async function prepare(test: TestContext, { script }: { script: string }) {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-packages-'))
  const { PATH } = process.env
  test.after(async () => {
    process.env.PATH = PATH
    await rm(folder, { recursive: true, force: true })
  })
  const made = join(folder, 'made')
  await mkdir(join(made, 'DEBIAN'), { recursive: true })
  await writeFile(
    join(made, 'DEBIAN', 'control'),
    'Package: hello\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x.example>\nDescription: x\n',
  )
  await writeFile(join(made, 'hello'), 'from the package')
  await promisify(execFile)('dpkg-deb', ['--build', made, join(folder, 'hello.deb')])
  const programs = join(folder, 'programs')
  await mkdir(programs)
  const text = `#!/bin/sh\ncase "$*" in *" download "*) ${script};; esac\n`
  await writeFile(join(programs, 'apt-get'), text.replaceAll('FOLDER', folder), { mode: 0o755 })
  process.env.PATH = `${programs}:${PATH}`
  return { suite: 'other', packages: ['hello'], folder: join(folder, 'kept') }
}

describe('packages of another release', { skip }, () => {
  it('are unpacked beside the machine’s, once', async (test) => {
    const wanted = await prepare(test, { script: 'cp FOLDER/hello.deb .' })
    const said: string[] = []
    const roots = [wanted, wanted].map(async (each) => await unpackPackages(each, (line) => said.push(line)))
    const [root = '', again] = await Promise.all(roots)
    assert.equal(root, again)
    assert.equal(await readFile(join(root, 'hello'), 'utf8'), 'from the package')
    assert.deepEqual(said, ['fetching hello of Debian other'])
  })

  it('that cannot be fetched leave nothing, and it is said why', async (test) => {
    const wanted = await prepare(test, { script: 'echo "E: no such package" >&2; exit 100' })
    await assert.rejects(
      unpackPackages(wanted, () => undefined),
      { message: 'cannot fetch hello of Debian other: E: no such package' },
    )
    assert.deepEqual(await readdir(wanted.folder), ['lock'])
  })
})
