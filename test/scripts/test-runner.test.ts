import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runFile } from '../../scripts/testing/run-file.ts'

const runner = join(import.meta.dirname, '../../scripts/test.ts')
const folder = mkdtempSync(join(tmpdir(), 'cortex-runner-'))
after(() => rmSync(folder, { recursive: true }))

/** Writes a test file whose body is `lines`. */
function file(name: string, ...lines: string[]): string {
  const path = join(folder, `${name}.test.ts`)
  writeFileSync(path, [`import { describe, test } from 'node:test'`, ...lines].join('\n'))
  return path
}

/** Runs `npm test -- …`; answers the exit code and what it printed. */
function run(...args: string[]): { status: number | null; output: string; lastLine: string | undefined } {
  const { status, stdout } = spawnSync(process.execPath, [runner, ...args], { encoding: 'utf8' })
  return { status, output: stdout, lastLine: stdout.trimEnd().split('\n').at(-1) }
}

describe('npm test', () => {
  const good = file('good', `describe('two', () => { test('a', () => {}); test('b', () => {}) })`)
  const mixed = file(
    'mixed',
    `test('parent', async (t) => { await t.test('child', () => {}); await t.test('bad', () => { throw new Error('no!') }) })`,
    `test('later', { skip: 'no moon' }, () => {})`,
    `test('one day', { todo: true }, () => { throw new Error('not yet') })`,
  )
  const cases = [
    { name: 'counts leaves, not suites', files: [good], status: 0, line: '2 passed, 0 failed, 0 skipped' },
    { name: 'adds files up', files: [good, mixed], status: 1, line: '3 passed, 1 failed, 2 skipped' },
    { name: 'runs a file once', files: [good, good], status: 0, line: '2 passed, 0 failed, 0 skipped' },
    {
      name: 'fails where every test is skipped',
      files: [file('skipped', `test('x', { skip: 'always' }, () => {})`)],
      status: 1,
      line: '0 passed, 0 failed, 1 skipped',
    },
    {
      name: 'counts a file without tests as failed',
      files: [good, file('empty', '')],
      status: 1,
      line: '2 passed, 1 failed, 0 skipped',
    },
    {
      name: 'counts a crash once',
      files: [file('crash', 'process.exit(3)')],
      status: 1,
      line: '0 passed, 1 failed, 0 skipped',
    },
    {
      name: 'counts a hook that fails',
      files: [
        file(
          'hook',
          `import { after } from 'node:test'`,
          `describe('s', () => { after(() => { throw new Error() }); test('a', () => {}) })`,
        ),
      ],
      status: 1,
      line: '1 passed, 1 failed, 0 skipped',
    },
  ]
  for (const { name, files, status, line } of cases) {
    test(name, () => {
      const result = run(...files)
      assert.equal(result.lastLine, line, result.output)
      assert.equal(result.status, status, result.output)
    })
  }

  test('says which test failed, where and why', () => {
    const { output } = run(mixed)
    assert.match(output, /mixed\.test\.ts:2 parent › bad\n {4}Error: no!/)
  })

  test('refuses what it does not know', () => {
    assert.equal(run('test/nowhere.test.ts').status, 1)
  })
})

/** False for one that is dead and not yet collected by the process that inherited it. */
function isRunning(pid: string): boolean {
  const stat = `/proc/${pid}/stat`
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'))
}

describe('runFile', {
  skip: !existsSync('/proc/self/stat') && 'finds processes through /proc, which is not here',
}, () => {
  test('ends a file that hangs, with all that it started, and names the test', async () => {
    const hangs = file(
      'hangs',
      `import { spawn } from 'node:child_process'`,
      `test('fine', () => {})`,
      `test('waits', async () => {`,
      `  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })`,
      `  console.log('pid', child.pid)`,
      `  await new Promise(() => {})`,
      `})`,
    )
    const result = await runFile(hangs, { timeoutMs: 10_000 })
    assert.deepEqual(result.problems, ['took longer than 10 s; the last test that began: waits'])
    const pid = /pid (\d+)/.exec(result.output)?.[1]
    assert.ok(pid)
    assert.equal(isRunning(pid), false)
  })

  test('reports and ends processes that are left behind', async () => {
    const leaves = file(
      'leaves',
      `import { spawn } from 'node:child_process'`,
      `test('leaves', () => spawn('sleep', ['601'], { detached: true, stdio: 'ignore' }).unref())`,
    )
    const result = await runFile(leaves, { timeoutMs: 120_000 })
    assert.deepEqual(result.problems, ['left processes running: sleep 601'])
  })

  test('fails a file for an error that nobody caught, and shows where it was', async () => {
    for (const [name, code] of [
      ['thrown', `setTimeout(() => { throw new Error('nobody has it') }, 1)`],
      ['rejected', `void Promise.reject(new Error('nobody has it'))`],
      [
        'rejected-later',
        `void new Promise((done) => setTimeout(done, 1)).then(() => { throw new Error('nobody has it') })`,
      ],
    ] as const) {
      const body = `test('waits', async () => { ${code}; await new Promise((resolve) => setTimeout(resolve, 50)) })`
      const { tests, problems, output } = await runFile(file(name, body), { timeoutMs: 120_000 })
      const reasons = tests.flatMap((one) => (one.type === 'failed' ? one.reason : []))
      assert.equal(problems.length + reasons.length, 1, output)
      assert.match(
        [...reasons, output].join('\n'),
        /Error: nobody has it\n +at .*(?:thrown|rejected|later)\.test\.ts:2/,
      )
    }
  })

  test('leaves hooks and tests to the suites that they are written in', async () => {
    const nested = file(
      'nested',
      `import { before, beforeEach } from 'node:test'`,
      `await new Promise((resolve) => setTimeout(resolve, 5))`,
      `const said = []`,
      `describe('one', () => {`,
      `  before(async () => { await 0; said.push('one') })`,
      `  beforeEach(async () => { await 0; said.push('each') })`,
      `  test('a', async () => { await 0 })`,
      `  describe('in', () => { before(() => { said.push('in') }); test('b', async () => { await 0 }) })`,
      `})`,
      `describe('two', () => { before(() => { said.push('two') }); test('c', () => { console.log('said', said.join(' ')) }) })`,
    )
    const { tests, output } = await runFile(nested, { timeoutMs: 120_000 })
    assert.deepEqual(
      tests.map(({ name }) => name),
      ['one › a', 'one › in › b', 'two › c'],
    )
    assert.match(output, /said one each in each two$/m)
  })

  test('stops at once when told to', async () => {
    const result = await runFile(file('slow', `test('slow', () => new Promise(() => setInterval(() => {}, 1000)))`), {
      timeoutMs: 120_000,
      signal: AbortSignal.abort(),
    })
    assert.deepEqual(result.problems, ['was ended by SIGKILL'])
  })
})
