/** How packages are made: the same bytes each time, the right Node, services that are in order. `scripts/packages-proof.ts` does the rest. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  access,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { canInstall, findProgram, installPackages } from '../../scripts/apt.ts'
import { makeDeb } from '../../scripts/packaging/deb.ts'
import { settle, tarball } from '../../scripts/packaging/files.ts'
import { makeFormula } from '../../scripts/packaging/formula.ts'
import { pinnedNode } from '../../scripts/packaging/node-binary.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const EPOCH = 1_700_000_000
const noDpkg = (await findProgram('dpkg-deb')) === null && 'needs dpkg-deb'
const noRuby = (await findProgram('ruby')) === null && !(await canInstall()) && 'needs ruby'
const noSystemd = (await findProgram('systemd-analyze')) === null && 'needs systemd-analyze'

describe('packages', () => {
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-packaging-'))
  })

  after(async () => await rm(folder, { recursive: true, force: true }))

  /** What a package is made of, in small; made at another time and by somebody of another umask each time. */
  async function lay(name: string, mode: number): Promise<string> {
    const laid = join(folder, name)
    for (const part of ['bin', 'lib/cortex-node/dist', 'share/doc/cortex-node', 'share/man/man1']) {
      await mkdir(join(laid, part), { recursive: true })
    }
    const files = ['bin/cortex', 'lib/cortex-node/node', 'lib/cortex-node/dist/b.js', 'lib/cortex-node/dist/a.js']
    for (const path of [...files, 'share/doc/cortex-node/LICENSE', 'share/man/man1/cortex.1']) {
      await writeFile(join(laid, path), path)
      await chmod(join(laid, path), mode)
      await utimes(join(laid, path), mode, mode)
    }
    await symlink('a.js', join(laid, 'lib/cortex-node/dist/c.js'))
    return laid
  }

  it('are archives of the same bytes', async () => {
    const made: Buffer[] = []
    for (const mode of [0o600, 0o664]) {
      await lay(join(String(mode), 'laid'), mode)
      await settle(join(folder, String(mode), 'laid'), new Set(['bin/cortex']), EPOCH)
      const file = join(folder, `${mode}.tar.gz`)
      await tarball(join(folder, String(mode)), 'laid', file, EPOCH, 6)
      made.push(await readFile(file))
    }
    assert.ok(made[0]?.equals(made[1] ?? Buffer.of()))
    const { stdout } = await execute('tar', ['-tvzf', join(folder, `${0o600}.tar.gz`)])
    assert.match(stdout, /^-rwxr-xr-x 0\/0 .* laid\/bin\/cortex$/m)
    assert.match(stdout, /^-rw-r--r-- 0\/0 .* laid\/lib\/cortex-node\/dist\/a\.js$/m)
  })

  it('are installed by a formula, which holds them against their digests', { skip: noRuby }, async () => {
    if ((await findProgram('ruby')) === null) await installPackages(['ruby'], () => undefined)
    const arches = ['x64', 'arm64'] as const
    const archives = await Promise.all(
      arches.map(async (arch) => {
        const name = `cortex-node-1.2.3-linux-${arch}`
        const laid = join(folder, 'brew')
        await lay(join('brew', name), 0o755)
        const file = join(folder, `${name}.tar.gz`)
        await tarball(laid, name, file, EPOCH, 1)
        const digest = createHash('sha256').update(await readFile(file))
        return { arch, file, digest: digest.digest('hex') }
      }),
    )
    const downloads = 'https://downloads.example/v1.2.3'
    const formula = await makeFormula(archives, { version: '1.2.3', downloads, out: folder })
    const install = async (arch: string, file: string, prefix: string) => {
      const program = join(import.meta.dirname, 'support/formula.rb')
      return (await execute('ruby', [program, formula, arch, file, prefix])).stdout
    }
    for (const { arch, file, digest } of archives) {
      const prefix = join(folder, `brewed-${arch}`)
      const said = JSON.parse(await install(arch, file, prefix))
      assert.deepEqual([said.version, said.license, said.homepage], ['1.2.3', 'Apache-2.0', downloads])
      assert.deepEqual(said.depends_on, ['linux'])
      assert.deepEqual(said.service, ['/opt/bin/cortex', 'gateway'])
      assert.deepEqual(said.archives[arch], {
        url: `${downloads}/cortex-node-1.2.3-linux-${arch}.tar.gz`,
        sha256: digest,
      })
      assert.equal(await realpath(join(prefix, 'bin/cortex')), join(await realpath(prefix), 'libexec/bin/cortex'))
      await access(join(prefix, 'libexec/lib/cortex-node/node'))
      await access(join(prefix, 'share/man/man1/cortex.1'))
      await access(join(prefix, 'share/doc/cortex-node/LICENSE'))
    }
    const [intel, arm] = archives
    await assert.rejects(install('x64', arm?.file ?? '', join(folder, 'wrong')), /the archive is [0-9a-f]{64}/)
    // Of one processor alone.
    await makeFormula(intel === undefined ? [] : [intel], { version: '1.2.3', downloads, out: folder })
    assert.doesNotMatch(await readFile(formula, 'utf8'), /on_arm|@[A-Z]+@/)
  })

  it('are Debian packages of the same bytes, which own what they should', { skip: noDpkg }, async () => {
    const made: Buffer[] = []
    let file = ''
    for (const mode of [0o600, 0o664]) {
      const laid = await lay(`deb-${mode}`, mode)
      const out = join(folder, `out-${mode}`)
      await mkdir(out)
      file = await makeDeb(laid, { arch: 'arm64', version: '1.2.3-1', out, epoch: EPOCH, level: 0 })
      assert.deepEqual(await readdir(out), ['cortex-node_1.2.3-1_arm64.deb'])
      made.push(await readFile(file))
    }
    assert.ok(made[0]?.equals(made[1] ?? Buffer.of()))
    const { stdout: fields } = await execute('dpkg-deb', ['-f', file])
    assert.match(fields, /^Package: cortex-node$/m)
    assert.match(fields, /^Version: 1\.2\.3-1$/m)
    assert.match(fields, /^Architecture: arm64$/m)
    assert.doesNotMatch(fields, /@[A-Z]+@/)
    const { stdout: content } = await execute('dpkg-deb', ['-c', file])
    assert.match(content, /^-rwxr-xr-x root\/root .* \.\/usr\/bin\/cortex$/m)
    assert.match(content, /^-rwxr-xr-x root\/root .* \.\/usr\/lib\/cortex-node\/node$/m)
    assert.match(content, /^-rw-r--r-- root\/root .* \.\/etc\/cortex\/cortex\.yaml$/m)
    assert.match(content, /\.\/usr\/lib\/systemd\/system\/cortex-gateway\.service$/m)
    const { stdout: settings } = await execute('dpkg-deb', ['--info', file, 'conffiles'])
    assert.equal(settings, '/etc/cortex/cortex.yaml\n')
  })

  it('bring the Node that the checkout runs on', async () => {
    const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      devDependencies: { node: string }
    }
    assert.equal((await pinnedNode()).version, devDependencies.node)
  })

  it('have settings that mean something once their marks are taken away', async () => {
    const text = await readFile(join(root, 'packaging/debian/cortex.yaml'), 'utf8')
    assert.equal(parse(text), null)
    const file = join(folder, 'cortex.yaml')
    const [, ...blocks] = text.split('\n\n')
    await writeFile(file, blocks.join('\n').replaceAll(/^# /gm, ''))
    for (const command of ['agent', 'gateway', 'relay']) {
      const { stdout } = await execute(process.execPath, [
        ...[join(root, 'bin/cortex.ts'), 'config', command, '--config', file, '--json'],
      ])
      const settings = JSON.parse(stdout) as { from: string }[]
      assert.ok(settings.some(({ from }) => from === `file ${file}`))
    }
  })

  it('have a compose file whose commands and files are there', async () => {
    const folder = join(root, 'packaging/container')
    const { services } = parse(await readFile(join(folder, 'compose.yaml'), 'utf8')) as {
      services: Record<string, { command?: string[]; volumes?: string[] }>
    }
    assert.deepEqual(Object.keys(services), ['gateway', 'agent', 'prometheus', 'grafana'])
    for (const { command = [] } of [services.gateway ?? {}, services.agent ?? {}]) {
      await execute(process.execPath, [join(root, 'bin/cortex.ts'), 'config', ...command])
    }
    const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.map((one) => one.split(':')[0] ?? ''))
    const files = mounted.filter((path) => path.startsWith('.'))
    assert.equal(files.length, 4)
    for (const file of files) await access(join(folder, file))
  })

  it('have services that are in order, and little exposed', { skip: noSystemd }, async () => {
    const units = await readdir(join(root, 'packaging/systemd'))
    assert.deepEqual(units.toSorted(), ['cortex-agent.service', 'cortex-gateway.service', 'cortex-relay.service'])
    for (const unit of units) {
      const path = join(folder, unit)
      await cp(join(root, 'packaging/systemd', unit), path)
      // Where there is such a program.
      await writeFile(path, (await readFile(path, 'utf8')).replace('/usr/bin/cortex', process.execPath))
      await execute('systemd-analyze', ['verify', '--man=no', path])
      const { stdout } = await execute('systemd-analyze', ['security', '--offline=true', '--no-pager', path])
      const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])
      assert.ok(exposure < 5, `${unit}: ${exposure}`)
    }
  })
})
