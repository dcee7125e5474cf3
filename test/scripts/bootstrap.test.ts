import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, describe, test } from 'node:test'

const scripts = join(import.meta.dirname, '../../scripts')
const folder = mkdtempSync(join(tmpdir(), 'cortex-bootstrap-'))
after(() => rmSync(folder, { recursive: true }))

const lock = (version: string) => ({
  packages: {
    '': {},
    'node_modules/a': { version },
    'node_modules/for-another-system': { version: '1.0.0', optional: true },
  },
})

/**
 * A checkout that locks package `a` at 2.0.0 and has the one of `installed`, and a `npm` in front of the real one that
 * notes what it was called with, and then ends with `npmStatus`.
 */
function checkout(name: string, { installed = null as string | null, npmStatus = 0 } = {}) {
  const root = join(folder, name)
  const bin = join(root, 'node_modules', '.bin')
  const calls = join(root, 'npm-calls')
  mkdirSync(join(root, 'scripts'), { recursive: true })
  mkdirSync(join(root, 'tools'))
  cpSync(join(scripts, 'bootstrap.mjs'), join(root, 'scripts', 'bootstrap.mjs'))
  writeFileSync(
    join(root, 'script.mjs'),
    `console.log(JSON.stringify([process.argv.slice(2), process.env.PATH.split('${delimiter}')[0]])); process.exit(7)`,
  )
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock('2.0.0')))
  writeFileSync(join(root, 'tools', 'npm'), `#!/bin/sh\necho "$@" >> ${calls}\nexit ${npmStatus}\n`, { mode: 0o755 })
  if (installed !== null) {
    mkdirSync(bin, { recursive: true })
    symlinkSync(process.execPath, join(bin, 'node'))
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify(lock(installed)))
  }
  const env = { ...process.env, PATH: [join(root, 'tools'), process.env.PATH].join(delimiter) }
  return {
    root,
    bin,
    npmCalls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
    env,
    run: (...args: string[]) =>
      spawnSync(process.execPath, [join(root, 'scripts', 'bootstrap.mjs'), ...args], { env, encoding: 'utf8' }),
  }
}

/** A script of the real package.json, for `waits.mjs` instead of what it runs. */
function npmScript(name: string): string {
  const { scripts: all } = JSON.parse(readFileSync(join(scripts, '..', 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  return (all[name] ?? '').replace(/\S+\.ts$/, 'waits.mjs')
}

describe('bootstrap', () => {
  test('runs the script on the installed Node, with its tools on the path, and passes its exit code on', () => {
    const { bin, npmCalls, run } = checkout('ready', { installed: '2.0.0' })
    const { status, stdout } = run('script.mjs', '--keep', 'a b')
    assert.deepEqual(JSON.parse(stdout), [['--keep', 'a b'], bin])
    assert.equal(status, 7)
    assert.deepEqual(npmCalls(), [])
  })

  for (const { name, installed } of [
    { name: 'installs the packages where there are none', installed: null },
    { name: 'installs the packages where one is not the locked one', installed: '1.0.0' },
  ]) {
    test(name, () => {
      const { npmCalls, run } = checkout(`install-${installed}`, { installed })
      assert.equal(run('script.mjs').status, 7)
      assert.equal(npmCalls().length, 1)
      assert.match(npmCalls()[0] ?? '', /^install --no-save --include=dev/)
    })
  }

  test('does not run the script where the packages could not be installed', () => {
    const { status, stdout, stderr } = checkout('failing', { npmStatus: 1 }).run('script.mjs')
    assert.equal(status, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /npm could not install the packages/)
  })

  for (const { name, start } of [
    {
      name: 'passes SIGTERM on',
      start: (path: string) => [process.execPath, join(path, 'scripts/bootstrap.mjs'), 'waits.mjs'],
    },
    { name: 'passes SIGTERM on from npm, which tells it to the shell', start: () => ['sh', '-c', npmScript('cortex')] },
  ]) {
    test(name, async () => {
      const { root, env } = checkout(name.replaceAll(' ', '-'), { installed: '2.0.0' })
      writeFileSync(
        join(root, 'waits.mjs'),
        `process.on('SIGTERM', () => process.exit(9)); console.log('ready'); setInterval(() => {}, 1000)`,
      )
      const [program = '', ...args] = start(root)
      const child = spawn(program, args, { cwd: root, env })
      await once(child.stdout, 'data')
      child.kill('SIGTERM')
      assert.deepEqual(await once(child, 'exit'), [9, null])
    })
  }

  test('imports no package: none is there when it runs', () => {
    const source = readFileSync(join(scripts, 'bootstrap.mjs'), 'utf8')
    const imported = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1])
    assert.ok(imported.length > 0)
    for (const name of imported) assert.match(name ?? '', /^node:/)
  })
})
