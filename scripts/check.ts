/**
 * `npm run check`: everything that can be known without running the program. `npm run check -- types lint` runs some.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import PQueue from 'p-queue'

const root = join(import.meta.dirname, '..')
const temporary = mkdtempSync(join(tmpdir(), 'cortex-check-'))

interface Step {
  name: string
  /** Run one after the other until one fails. */
  commands: [program: string, ...args: string[]][]
  /** What to do about a failure. */
  remedy: string
}

const steps: Step[] = [
  {
    name: 'types',
    commands: [
      ['tsc', '-p', '.'],
      ['tsc', '-p', 'gateway/dashboard'],
    ],
    remedy: 'mend the types',
  },
  {
    name: 'types on Node 22',
    commands: [['tsc', '-p', 'tsconfig.oldest.json']],
    remedy: 'the package runs on Node 22.18: use what is there, or a library',
  },
  {
    name: 'lint',
    commands: [['biome', 'ci', '--colors=off', '--diagnostic-level=warn', '--error-on-warnings']],
    remedy: '`npm run format` mends most of it',
  },
  { name: 'unused', commands: [['knip']], remedy: 'remove what nothing uses, or use it' },
  { name: 'wire lint', commands: [['buf', 'lint']], remedy: 'see buf.build/docs/lint/rules' },
  {
    name: 'wire compatible',
    commands: [['buf', 'breaking', '--against', 'protocol/released.json']],
    remedy: 'released peers could not read this: add a field or a message instead (CONTRIBUTING.md)',
  },
  {
    name: 'wire generated',
    commands: [
      ['buf', 'generate', '--output', temporary],
      ['git', 'diff', '--no-index', '--stat', 'protocol/gen', join(temporary, 'protocol/gen')],
    ],
    remedy: 'run `npm run gen`',
  },
  {
    name: 'lock file',
    commands: [['npm', 'ci', '--dry-run', '--ignore-scripts', '--loglevel=error']],
    remedy: 'run `npm install`, then `npm run lock`',
  },
]

interface Outcome {
  ok: boolean
  output: string
}

async function run(step: Step): Promise<Outcome> {
  let output = ''
  for (const [program, ...args] of step.commands) {
    const outcome = await runCommand(program, args)
    output += outcome.output
    if (!outcome.ok) return { ok: false, output }
  }
  return { ok: true, output }
}

function runCommand(program: string, args: string[]): Promise<Outcome> {
  const env = {
    ...process.env,
    NO_COLOR: '1',
    PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
  }
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ ok: false, output: `${program}: ${error.message}\n` }))
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

const wanted = process.argv.slice(2)
const chosen = steps.filter((step) => wanted.length === 0 || wanted.includes(step.name))
if (chosen.length < wanted.length) {
  console.error(`The checks are: ${steps.map((step) => step.name).join(', ')}`)
  process.exit(1)
}

const queue = new PQueue({ concurrency: availableParallelism() })
const failures: (Outcome & Step)[] = []
await queue.addAll(
  chosen.map((step) => async () => {
    const startedMs = performance.now()
    const outcome = await run(step)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    console.log(`${outcome.ok ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(16)} ${seconds.padStart(5)} s`)
    if (!outcome.ok) failures.push({ ...step, ...outcome })
  }),
)
rmSync(temporary, { recursive: true, force: true })
for (const failure of failures) {
  console.log(`\n── ${failure.name}: ${failure.remedy}\n${failure.output.trimEnd()}`)
}
process.exitCode = failures.length === 0 ? 0 : 1
