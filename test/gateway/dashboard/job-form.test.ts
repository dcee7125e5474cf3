import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { JOB_DEFAULTS } from '../../../gateway/contract/job-defaults.ts'
import { errorAt, otherProblems } from '../../../gateway/dashboard/src/jobs/form/field-errors.ts'
import { lineOf, wordsOf } from '../../../gateway/dashboard/src/jobs/form/words.ts'
import { rateOf, withSample } from '../../../gateway/dashboard/src/jobs/page/metric-series.ts'
import { curlOf, submissionOf } from '../../../gateway/dashboard/src/jobs/submission.ts'

describe('a command line', () => {
  const cases: [string, string[]][] = [
    ['', []],
    ['  sh  -c ', ['sh', '-c']],
    [`echo 'a b' "c d"`, ['echo', 'a b', 'c d']],
    [`a"b"'c'`, ['abc']],
    [`'' ""`, ['', '']],
    [`a\\ b \\'`, ['a b', "'"]],
    [`"\\"\\\\\\n"`, ['"\\\\n']],
    [`'not closed yet`, ['not closed yet']],
    ['end\\', ['end\\']],
  ]
  for (const [line, words] of cases) it(`has its words: ${line}`, () => assert.deepEqual(wordsOf(line), words))

  it('is written so that it has the same words again', () => {
    fc.assert(fc.property(fc.array(fc.string()), (words) => assert.deepEqual(wordsOf(lineOf(words)), words)))
  })
})

describe('the errors of fields', () => {
  const problems = [
    { path: 'ports[1].port', message: 'is listed twice' },
    { path: 'cpu', message: 'must be whole' },
  ]

  it('land on the field, or on what it is in', () => {
    assert.equal(errorAt(problems, 'cpu'), 'Must be whole')
    assert.equal(errorAt(problems, 'ports'), '[1].port is listed twice')
    assert.equal(errorAt(problems, 'ports', false), undefined)
    assert.equal(errorAt(problems, 'port'), undefined)
  })

  it('are not lost where the form has no such field', () => {
    assert.deepEqual(otherProblems(problems, ['ports']), [problems[1]])
  })
})

describe('a job as it could have been submitted', () => {
  const job = {
    ...{ id: 'job_1', image: 'busybox', provider: 'p2p', command: ['sh'], args: [], cpu: 100 },
    ...{ gpu: JOB_DEFAULTS.gpu, maxAttempts: JOB_DEFAULTS.maxAttempts },
    labels: { team: "o'brien" },
    config: { env: {}, outputs: '/out', network: 'bridge', constraints: { regions: [], maxPrice: 0, minCpu: 2 } },
  }

  it('has no defaults and nothing empty', () => {
    assert.deepEqual(submissionOf(job as never), {
      ...{ image: 'busybox', command: ['sh'], cpu: 100, labels: { team: "o'brien" }, outputs: '/out' },
      constraints: { minCpu: 2 },
    })
  })

  it('is a command line that a shell reads as it was meant', () => {
    const line = curlOf(submissionOf(job as never), 'http://localhost:1').replace('curl', 'printf "%s\\n"')
    const told = execFileSync('sh', ['-c', line], { env: { CORTEX_KEY: 'ck_x' }, encoding: 'utf8' })
    assert.match(told, /^-X\nPOST\nhttp:\/\/localhost:1\/api\/plugin-core\/jobs\n-H\nAuthorization: Bearer ck_x\n/)
    assert.deepEqual(JSON.parse(told.slice(told.indexOf('{'))), submissionOf(job as never))
  })
})

describe('the points of a chart', () => {
  const at = (seconds: number): string => new Date(seconds * 1000).toISOString()

  it('are the growth of a counter per second; a new container begins at nothing', () => {
    const counted = [
      [0, 100],
      [10, 200],
      [20, 50],
      [20, 60],
    ].map(([s = 0, value = 0]) => ({ timestamp: at(s), value }))
    assert.deepEqual(
      rateOf(counted).map(({ value }) => value),
      [10, 5, 0],
    )
    assert.deepEqual(rateOf([]), [])
  })

  it('take a sample in, in the place of the last of the same bucket', () => {
    const none = { cpu: [], memory: [], network: { rx: [], tx: [] }, storage: [], gpu: [], gpuMemory: [] }
    const sample = (s: number, cpu: number | null) =>
      ({ timestamp: at(s), cpu, memory: 1, storage: null, network: { rx: 1, tx: 2 } }) as never
    const first = withSample(none, sample(61, 5), 60_000)
    const second = withSample(first, sample(119, 6), 60_000)
    const third = withSample(second, sample(120, null), 60_000)
    assert.deepEqual(third.cpu, [{ timestamp: at(60), value: 6 }])
    assert.deepEqual(
      third.memory.map(({ timestamp }) => timestamp),
      [at(60), at(120)],
    )
    assert.deepEqual(third.storage, [])
  })
})
