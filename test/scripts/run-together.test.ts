/** Test files that share a process: each is told of as if it had run alone. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runTogether } from '../../scripts/testing/run-together.ts'

const folder = mkdtempSync(join(tmpdir(), 'cortex-together-'))
after(() => rmSync(folder, { recursive: true }))
const init = { timeoutMs: 120_000 }
const IMPORTS = `import { before, describe, test } from 'node:test'`

/** Writes a test file. */
function file(name: string, ...lines: string[]): string {
  const path = join(folder, `${name}.test.ts`)
  writeFileSync(path, [IMPORTS, ...lines].join('\n'))
  return path
}

/** In which process each of its tests runs. */
const says = (name: string): string => `test('${name}', () => console.log('${name} in', process.pid))`
const processesIn = (output: string): Set<string> =>
  new Set([...output.matchAll(/in (\d+)$/gm)].map(([, pid = '']) => pid))

/** The file's name, and of each test its kind and name. */
async function told(files: string[]): Promise<Record<string, string[]>> {
  const results = await runTogether(files, init)
  return Object.fromEntries(
    results.map(({ file: path, tests, problems }) => [
      path.slice(folder.length + 1, -'.test.ts'.length),
      [...tests.map(({ type, name }) => `${type} ${name}`), ...problems],
    ]),
  )
}

test('each has its own tests, hooks and times, in one process', async () => {
  const hooked = file(
    'hooked',
    'let ready = false',
    'before(() => { ready = true })',
    says('alone'),
    `describe('in', () => { test('a', () => { if (!ready) throw new Error('not ready') }); test.skip('b', () => {}) })`,
  )
  const plain = file('plain', says('plain'))
  const results = await runTogether([hooked, plain], init)
  assert.deepEqual(
    results.map(({ file, tests, problems }) => [file, tests.map(({ type, name }) => `${type} ${name}`), problems]),
    [
      [hooked, ['passed alone', 'passed in › a', 'skipped in › b'], []],
      [plain, ['passed plain'], []],
    ],
  )
  assert.equal(processesIn(results[0]?.output ?? '').size, 1)
  for (const { durationMs, processorMs } of results) assert.ok(durationMs >= 0 && processorMs >= 0)
})

test('one that is alone has a process of its own', async () => {
  assert.deepEqual(await told([file('single', says('single'))]), { single: ['passed single'] })
})

test('what fails has failed, and the others pass by themselves', async () => {
  const files = [
    file('bad', `test('bad', () => { throw new Error('no!') })`, says('beside')),
    file('broken', `throw new Error('cannot be loaded')`),
    file('good', says('good')),
  ]
  const { broken, ...others } = await told(files)
  assert.deepEqual(others, { bad: ['failed bad', 'passed beside'], good: ['passed good'] })
  assert.equal(broken?.filter((line) => line.startsWith('failed')).length, 1)
})

test('one that holds no test, crashes, leaves a process behind or rejects behind everybody’s back is found', async () => {
  const cases: [name: string, lines: string[], problem: RegExp][] = [
    ['empty', [], /^no test in it ran$/],
    ['crash', [`test('ends', () => process.exit(3))`], /^exit code 3$/],
    [
      'leaves',
      [
        `import { spawn } from 'node:child_process'`,
        `test('leaves', () => spawn('sleep', ['602'], { detached: true, stdio: 'ignore' }).unref())`,
      ],
      /^left processes running: sleep 602$/,
    ],
    [
      'rejects',
      [
        `test('rejects', async () => { void Promise.reject(new Error('nobody has it')); await new Promise((done) => setTimeout(done, 50)) })`,
      ],
      /^exit code 1$/,
    ],
  ]
  for (const [name, lines, problem] of cases) {
    const found = await told([
      file(`before-${name}`, says('one')),
      file(name, ...lines),
      file(`after-${name}`, says('two')),
    ])
    assert.deepEqual([found[`before-${name}`], found[`after-${name}`]], [['passed one'], ['passed two']], name)
    assert.match(found[name]?.at(-1) ?? '', problem, name)
  }
})

test('one that waits at its top runs in a process of its own', async () => {
  const files = [
    file('waits', `await new Promise((resolve) => setTimeout(resolve, 5))`, says('late')),
    file('other', says('other')),
  ]
  assert.deepEqual(await told(files), { waits: ['passed late'], other: ['passed other'] })
})
