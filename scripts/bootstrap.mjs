// Runs a script of this checkout with what it needs: `node scripts/bootstrap.mjs scripts/demo.ts --keep`.
//
// The only file that the Node found on the machine has to understand: plain JavaScript, no package, Node 20. It installs
// the packages where they are missing or older than the lock file, one of which is the Node that everything else runs
// on, and hands over to that one. Exit code and signals pass through.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldest = { bootstrap: '20.0.0', program: '22.18.0' }
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const binFolder = join(root, 'node_modules', '.bin')
/** What one process compiled, the next ones read; a process of the tests begins in two thirds of the time. */
const compiledFolder = join(root, 'node_modules', '.cache', 'node-compile-cache')

/** @param {string} version @param {string} minimum Both `major.minor.patch`. */
function isAtLeast(version, minimum) {
  const [a, b] = [version, minimum].map((v) => v.split('.').map(Number))
  const differs = a.findIndex((part, index) => part !== b[index])
  return differs === -1 || a[differs] > b[differs]
}

/** @param {string} line @returns {never} */
function giveUp(line) {
  process.stderr.write(`${line}\n`)
  process.exit(1)
}

/** Every package that is not for some other platform is there in the locked version. */
function isInstalled() {
  let installed
  try {
    installed = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages
  } catch {
    return false // no node_modules yet, or one that npm did not finish
  }
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || installed[path]?.version === entry.version,
  )
}

function install() {
  process.stderr.write('Installing the packages (a minute or so the first time) …\n')
  // Not `npm ci`: that deletes node_modules under whatever else runs from this checkout.
  const args = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const env = { ...process.env, npm_config_engine_strict: 'false' }
  const npm = spawnSync('npm', args, {
    cwd: root,
    env,
    stdio: ['ignore', 2, 2], // what the script prints on standard output is its own
    shell: process.platform === 'win32',
  })
  if (npm.error) giveUp(`npm could not be started (${npm.error.message}): install Node.js with npm`)
  if (npm.status !== 0) giveUp('npm could not install the packages; its reason is above')
}

/** The installed Node, else this one if it is new enough. */
function findNode() {
  const packaged = join(binFolder, 'node')
  const answer = spawnSync(packaged, ['--version'], { encoding: 'utf8' })
  if (answer.status === 0) return realpathSync(packaged)
  if (isAtLeast(process.versions.node, oldest.program)) return process.execPath
  return giveUp(
    `Node ${process.versions.node} cannot run this and the Node 24 in node_modules does not work, most likely because ` +
      'npm was told to ignore install scripts: run `npm rebuild node --ignore-scripts=false`, or use Node 24',
  )
}

/** @param {string} node @param {string[]} args */
function handOver(node, args) {
  const env = {
    NODE_COMPILE_CACHE: compiledFolder,
    ...process.env,
    PATH: `${binFolder}${delimiter}${process.env.PATH ?? ''}`,
  }
  if (process.execve) process.execve(node, [node, ...args], env) // Node 22.15 and later, but for Windows; never returns

  const child = spawn(node, args, { stdio: 'inherit', env })
  // A terminal sends Ctrl-C to the child as well.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => giveUp(`${node} could not be started: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)))
}

const [script, ...args] = process.argv.slice(2)
if (!script) giveUp('usage: node scripts/bootstrap.mjs SCRIPT [ARGUMENTS]')
if (!isAtLeast(process.versions.node, oldest.bootstrap)) {
  giveUp(`Node ${process.versions.node} is too old: install Node 20 or later (the right one is then fetched by npm)`)
}
if (!isInstalled()) install()
handOver(findNode(), [resolve(root, script), ...args])
