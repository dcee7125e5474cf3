/**
 * `node scripts/packages-proof.ts`: packages are made twice and compared byte by byte; the archive is installed and taken away,
 * once by itself and once by the formula; the Debian package goes into a fresh Debian, over an older one, runs its gateway as
 * its service does, and is purged. Prints what held; the exit code is 1 where something did not. Takes root, debootstrap, and
 * some minutes.
 * `--made FOLDER` takes packages that are there instead of making them, `--debian FOLDER` a copy of what debootstrap made.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { exists } from '../node/exists.ts'
import { canInstall, installPackages } from './apt.ts'
import { freePort } from './free-port.ts'
import { run } from './packaging/files.ts'

const root = join(import.meta.dirname, '..')
const UNITS = ['cortex-agent.service', 'cortex-gateway.service', 'cortex-relay.service']
/** Exposure as systemd rates it, from 0 to 10; below 5 it says OK. */
const MAX_EXPOSURE = 5
const MIRROR = 'http://deb.debian.org/debian'

const { values } = parseArgs({ options: { made: { type: 'string' }, debian: { type: 'string' } } })
if (!(await canInstall())) throw new Error('needs root on a Debian, to make a fresh Debian in a folder')
const folder = await mkdtemp(join(tmpdir(), 'cortex-packages-proof-'))
const debian = join(folder, 'debian')
try {
  const made = values.made ?? (await makeTwice())
  const files = await readdir(made)
  const archive = files.find((name) => name.endsWith('-x64.tar.gz'))
  const deb = files.find((name) => name.endsWith('_amd64.deb'))
  assert.ok(archive !== undefined && deb !== undefined, `an archive and a package for x64 in ${made}`)
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  await proveArchive(join(made, archive), version)
  await proveFormula(made, archive, version)
  await makeDebian()
  await provePackage(join(made, deb), version)
} finally {
  await run('umount', [join(debian, 'proc')]).catch(() => undefined) // not mounted yet
  await rm(folder, { recursive: true, force: true })
}

function held(what: string): void {
  console.log(`holds: ${what}`)
}

async function makeTwice(): Promise<string> {
  const outs = [join(folder, 'one'), join(folder, 'other')]
  for (const out of outs) {
    const args = [join(root, 'scripts/package.ts'), '--arch', 'x64', '--fast', '--out', out]
    await run(process.execPath, args)
  }
  const [one, other] = await Promise.all(outs.map(async (out) => await readFile(join(out, 'SHA256SUMS'), 'utf8')))
  assert.equal(one, other)
  held('made twice, the same bytes')
  return join(folder, 'one')
}

async function proveArchive(archive: string, version: string): Promise<void> {
  const prefix = join(folder, 'prefix')
  await run('tar', ['-xzf', archive, '-C', folder])
  const unpacked = join(folder, `cortex-node-${version}-linux-x64`)
  // Nothing of this machine's Node.
  const env = { PATH: '/usr/bin:/bin' }
  await run(join(unpacked, 'install.sh'), ['--prefix', prefix], { env })
  assert.equal((await run(join(prefix, 'bin/cortex'), ['--version'], { env })).trim(), version)
  await run(join(prefix, 'lib/cortex-node/install.sh'), ['--prefix', prefix, '--uninstall'], { env })
  assert.deepEqual(
    (await readdir(prefix, { recursive: true, withFileTypes: true })).filter((one) => one.isFile()),
    [],
  )
  held('the archive is installed, runs, and is taken away whole')
}

/** What Homebrew would do with it: Homebrew itself is in no Debian. */
async function proveFormula(made: string, archive: string, version: string): Promise<void> {
  await installPackages(['ruby'], () => undefined)
  const prefix = join(folder, 'brewed')
  const brew = join(root, 'test/scripts/support/formula.rb')
  await run('ruby', [brew, join(made, 'cortex-node.rb'), 'x64', join(made, archive), prefix])
  const env = { PATH: '/usr/bin:/bin' }
  assert.equal((await run(join(prefix, 'bin/cortex'), ['--version'], { env })).trim(), version)
  held('the formula has the archive’s digest, and what it installs runs')
}

async function makeDebian(): Promise<void> {
  if (values.debian !== undefined) await run('cp', ['-a', values.debian, debian])
  else await bootstrapDebian()
  await run('mount', ['-t', 'proc', 'proc', join(debian, 'proc')])
}

async function bootstrapDebian(): Promise<void> {
  await installPackages(['debootstrap'], () => undefined)
  const include = '--include=adduser,systemd'
  await run('debootstrap', ['--variant=minbase', include, 'bookworm', debian, MIRROR], {
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  })
}

async function inDebian(...words: string[]): Promise<string> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', DEBIAN_FRONTEND: 'noninteractive' }
  return await run('/usr/sbin/chroot', [debian, ...words], { env })
}

async function provePackage(deb: string, version: string): Promise<void> {
  const older = join(folder, 'older')
  await run('dpkg-deb', ['-R', deb, older])
  const control = join(older, 'DEBIAN/control')
  await writeFile(control, (await readFile(control, 'utf8')).replace(/^Version: .*$/m, 'Version: 0.0.1-1'))
  await run('dpkg-deb', ['--root-owner-group', '-Znone', '-b', older, join(debian, 'older.deb')])
  await cp(deb, join(debian, 'newer.deb'))

  await inDebian('dpkg', '-i', '/older.deb')
  assert.equal((await inDebian('cortex', '--version')).trim(), version)
  await inDebian('systemd-analyze', 'verify', '--man=no', ...UNITS)
  for (const unit of UNITS) {
    const said = await inDebian('systemd-analyze', 'security', '--offline=true', '--no-pager', unit)
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1])
    assert.ok(exposure < MAX_EXPOSURE, `${unit}: ${exposure}`)
    held(`${unit} is in order, and its exposure is ${exposure}`)
  }

  const settings = join(debian, 'etc/cortex/cortex.yaml')
  const changed = `${await readFile(settings, 'utf8')}\nrelay:\n  relay-places: 10\n`
  await writeFile(settings, changed)
  const before = await serve()
  await inDebian('dpkg', '-i', '/newer.deb')
  assert.match(await inDebian('dpkg-query', '-W', 'cortex-node'), new RegExp(`\\t${version}-1`))
  assert.equal(await readFile(settings, 'utf8'), changed)
  assert.equal(await serve(), before)
  held('the gateway answers; over an older version its identity, its key and its settings stay')

  await inDebian('dpkg', '-r', 'cortex-node')
  assert.ok(await isThere('var/lib/cortex/gateway/gateway/admin.key'))
  assert.ok(!(await isThere('usr/bin/cortex')))
  await inDebian('dpkg', '-P', 'cortex-node')
  for (const path of ['var/lib/cortex', 'etc/cortex', 'usr/lib/cortex-node']) {
    assert.ok(!(await isThere(path)), `${path} is still there`)
  }
  held('removed, its data stays; purged, nothing does')
}

/** Runs the gateway as its unit says, user and all, until it has answered. Answers who it is and its key. */
async function serve(): Promise<string> {
  const unit = await readFile(join(debian, 'usr/lib/systemd/system/cortex-gateway.service'), 'utf8')
  const field = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
  const state = `/var/lib/${field('StateDirectory')}`
  await inDebian('install', '-d', '-o', field('User'), '-g', field('Group'), '-m', field('StateDirectoryMode'), state)
  const port = await freePort()
  const peers = { CORTEX_LISTEN: '/ip4/127.0.0.1/tcp/0', CORTEX_NO_MDNS: 'true', CORTEX_PORT: String(port) }
  const [name = '', value = ''] = field('Environment').split(/=(.*)/)
  const own = `--userspec=${field('User')}:${field('Group')}`
  const child = spawn('/usr/sbin/chroot', [own, debian, ...field('ExecStart').split(' ')], {
    env: { PATH: '/usr/bin:/bin', [name]: value, ...peers },
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  try {
    await answered(child, port)
    const key = (await readFile(join(debian, state, 'gateway/admin.key'), 'utf8')).trim()
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/plugin-core/jobs`, {
      headers: { authorization: `Bearer ${key}` },
    })
    assert.equal(response.status, 200, await response.text())
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
    return `${key} ${(await inDebian('cortex', 'id', '--data', state)).trim()}`
  } finally {
    child.kill('SIGKILL')
  }
}

async function answered(child: ChildProcess, port: number): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null) // it does not listen yet
    if (response?.ok === true) return
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`)
    await delay(200)
  }
}

async function isThere(path: string): Promise<boolean> {
  return await exists(join(debian, path))
}
