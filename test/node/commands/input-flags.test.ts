import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { givenSources, type InputFlag, inputFlag, inputsToCheck } from '../../../node/commands/input-flags.ts'
import { inputFlags, type JobFlags, jobFlags, submissionOf } from '../../../node/commands/job-flags.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'

const JOB = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'
const DIGEST = 'ab'.repeat(32)
const NAMED = { accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' } }
const UPLOAD = `sha256:${'0'.repeat(64)}`

describe('the flag of inputs', () => {
  const cases: [flag: string, from: object, path: string, mode?: 'rw'][] = [
    ['./data:/data', { upload: UPLOAD }, '/data'],
    ['a:b/c:/data:rw', { upload: UPLOAD }, '/data', 'rw'],
    ['https://example.com/a:/in/a', { url: 'https://example.com/a' }, '/in/a'],
    ['https://example.com:8443/a?x=b:/c:/in/a:rw', { url: 'https://example.com:8443/a?x=b:/c' }, '/in/a', 'rw'],
    [`https://example.com/a#sha256=${DIGEST}:/in/a`, { url: 'https://example.com/a', sha256: DIGEST }, '/in/a'],
    [`http://example.com/a#sha256=${DIGEST.toUpperCase()}:/a`, { url: 'http://example.com/a', sha256: DIGEST }, '/a'],
    ['s3://data/rows/a.csv:/in/a', { s3: { bucket: 'data', key: 'rows/a.csv' } }, '/in/a'],
    ['git+https://example.com/a.git:/src', { git: { url: 'https://example.com/a.git' } }, '/src'],
    [
      'git+https://example.com:8443/a#v1/x:/src:rw',
      { git: { url: 'https://example.com:8443/a', ref: 'v1/x' } },
      '/src',
      'rw',
    ],
    [
      'git+https://example.com/a.git?submodules:/src',
      { git: { url: 'https://example.com/a.git', submodules: true } },
      '/src',
    ],
    [
      'git+https://example.com:8443/a?submodules#v1/x:/src:rw',
      { git: { url: 'https://example.com:8443/a', ref: 'v1/x', submodules: true } },
      '/src',
      'rw',
    ],
    ['s3://data/rows/:/in:rw', { s3: { bucket: 'data', prefix: 'rows/' } }, '/in', 'rw'],
    ['s3://data/:/in', { s3: { bucket: 'data', prefix: '' } }, '/in'],
    [
      's3://data/a#b:c#region=eu-central-1:/in',
      { s3: { region: 'eu-central-1', bucket: 'data', key: 'a#b:c' } },
      '/in',
    ],
    [
      's3://data/a#endpoint=https://s3.example.com:9000&accessKeyId=ID&secretAccessKey=KEY:/in',
      { s3: { endpoint: 'https://s3.example.com:9000', bucket: 'data', key: 'a', ...NAMED } },
      '/in',
    ],
  ]
  for (const [flag, from, path, mode] of cases) {
    it(flag, () => {
      const inputs = inputsToCheck({ input: inputFlag(flag), secret: { OTHER: 'x' } })
      assert.deepEqual(inputs, [{ path, from, ...(mode !== undefined && { mode }) }])
    })
  }

  it('gives what is of this machine, and nothing of a URL', async () => {
    const input = ['./data:/data', 'https://example.com/a:/in/a'].reduce<InputFlag[]>(
      (all, one) => inputFlag(one, all),
      [],
    )
    const given: string[] = []
    const { inputs } = await givenSources({ input }, async (path) => {
      given.push(path)
      return UPLOAD
    })
    assert.deepEqual(given, ['./data'])
    assert.deepEqual(
      inputs?.map(({ from }) => from),
      [{ upload: UPLOAD }, { url: 'https://example.com/a' }],
    )
  })

  function jobOf(...flags: string[]) {
    const command = inputFlags(jobFlags(new Command().exitOverride().configureOutput({ writeErr: () => undefined })))
    command.parse(flags, { from: 'user' })
    return jobSubmissionSchema.safeParse(submissionOf('busybox', [], command.opts<JobFlags>()))
  }

  it('takes the secrets that are called as the tools of Amazon call them', () => {
    const usual = ['--secret', 'AWS_ACCESS_KEY_ID=a', '--secret', 'AWS_SECRET_ACCESS_KEY=b']
    const own = ['--secret', 'ID=c', '--secret', 'KEY=d']
    const { data } = jobOf(...usual, '--input', 's3://data/a:/a')
    assert.deepEqual(data?.inputs?.[0]?.from.s3, {
      ...{ bucket: 'data', key: 'a', accessKeyId: { secret: 'AWS_ACCESS_KEY_ID' } },
      secretAccessKey: { secret: 'AWS_SECRET_ACCESS_KEY' },
    })
    const { data: opened } = jobOf('--secret', 'GIT_TOKEN=a', '--input', 'git+https://example.com/a#main:/a')
    assert.deepEqual(opened?.inputs?.[0]?.from.git, {
      ...{ url: 'https://example.com/a', ref: 'main', token: { secret: 'GIT_TOKEN' } },
    })
    const named = jobOf(...usual, ...own, '--input', 's3://data/a#accessKeyId=ID&secretAccessKey=KEY:/a')
    assert.deepEqual(named.data?.inputs?.[0]?.from.s3, { bucket: 'data', key: 'a', ...NAMED })
  })

  it('says what is wrong before anything is given', () => {
    assert.throws(() => jobOf('--input', 'git+https://example.com/a'), /behind the URL/)
    assert.match(String(jobOf('--input', 'git+https://example.com/a#a..b:/a').error), /name of a branch or tag/)
    assert.match(String(jobOf('--input', 'git+https://example.com/a?depth=1#main:/a').error), /must have no \?/)
    assert.throws(() => jobOf('--input', 's3://data/a'), /behind the URL/)
    assert.throws(() => jobOf('--input', 's3://data:/a'), /names no object/)
    assert.throws(() => jobOf('--input', 's3://data/a#region=a&acl=b:/a'), /acl says nothing/)
    assert.match(String(jobOf('--input', 's3://data/a#accessKeyId=ID&secretAccessKey=KEY:/a').error), /ID is none/)
    assert.throws(() => jobOf('--input', 'https://example.com/a'), /behind the URL/)
    assert.match(String(jobOf('--input', 'http://example.com/a:/a').error), /sha256 beside it/)
    assert.match(String(jobOf('--input', 'https://example.com/a#sha256=ab:/a').error), /64 hexadecimal digits/)
    assert.match(String(jobOf('--input', 'https://example.com/a#part:/a').error), /must have no #/)
    assert.match(String(jobOf('--input', 'https://me:word@example.com/a:/a').error), /no password/)
  })
})

it('--input names a file or folder of this machine, or what an earlier job left', async () => {
  const command = inputFlags(jobFlags(new Command()))
  const sources = ['./a:b:/data', `job:${JOB}:/all:rw`, `job:${JOB}/out/deep:/in`, `job:${JOB}/out/:/out`, './job:x:/x']
  command.parse(
    sources.flatMap((source) => ['--input', source]),
    { from: 'user' },
  )
  const flags = command.opts<JobFlags>()
  const given: string[] = []
  const { inputs } = await givenSources(flags, async (path) => {
    given.push(path)
    return `sha256:${path}`
  })
  assert.deepEqual(given, ['./a:b', './job:x'], 'nothing else is read')
  const left = [
    { path: '/all', from: { job: JOB }, mode: 'rw' },
    { path: '/in', from: { job: JOB, path: 'out/deep' } },
    { path: '/out', from: { job: JOB, path: 'out' } },
  ]
  assert.deepEqual(inputs, [
    { path: '/data', from: { upload: 'sha256:./a:b' } },
    ...left,
    { path: '/x', from: { upload: 'sha256:./job:x' } },
  ])
  const checked = submissionOf('busybox', [], flags)['inputs'] as typeof inputs
  assert.deepEqual(checked?.slice(1, 4), left, 'its id is checked before anything is read')
})

it('--output names one path, or several with names', () => {
  const outputsOf = (...texts: string[]) => {
    const command = jobFlags(new Command())
    command.parse(
      texts.flatMap((text) => ['--output', text]),
      { from: 'user' },
    )
    return submissionOf('busybox', [], command.opts<JobFlags>())['outputs']
  }
  const to = (...words: string[]) => {
    const command = jobFlags(new Command())
    command.parse(words, { from: 'user' })
    return submissionOf('busybox', [], command.opts<JobFlags>())['outputs']
  }
  const url = 'https://example.com/x?a=b'
  assert.deepEqual(to('--output', '/x/out', '--output', 'logs=/y', '--output-to', `out=${url}`), [
    { name: 'out', path: '/x/out', to: { url } },
    { name: 'logs', path: '/y' },
  ])
  assert.throws(() => to('--output', '/out', '--output-to', `other=${url}`), /there is no output other/)
  const usual = ['--secret', 'AWS_ACCESS_KEY_ID=a', '--secret', 'AWS_SECRET_ACCESS_KEY=b']
  const keys = { accessKeyId: { secret: 'AWS_ACCESS_KEY_ID' }, secretAccessKey: { secret: 'AWS_SECRET_ACCESS_KEY' } }
  const bucket = 's3://mine/run 1/#region=eu-west-1'
  assert.deepEqual(to(...usual, '--output', '/out', '--output-to', `out=${bucket}`), [
    { name: 'out', path: '/out', to: { s3: { bucket: 'mine', prefix: 'run 1/', region: 'eu-west-1', ...keys } } },
  ])
  assert.deepEqual(to('--output', '/a', '--output-to', 'a=s3://mine/b#accessKeyId=ID&secretAccessKey=KEY'), [
    {
      ...{ name: 'a', path: '/a' },
      to: { s3: { bucket: 'mine', key: 'b', accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' } } },
    },
  ])
  assert.throws(
    () => to('--output', '/a', '--output-to', 'a=s3://mine'),
    /^CliError: --output-to: s3:\/\/mine names no/,
  )
  assert.equal(outputsOf('/out'), '/out')
  assert.equal(outputsOf('/a=b'), '/a=b')
  assert.deepEqual(outputsOf('logs=/var/log'), [{ name: 'logs', path: '/var/log' }])
  assert.deepEqual(outputsOf('/out', 'logs=/var/log', '/x'), [
    { path: '/out' },
    { name: 'logs', path: '/var/log' },
    { path: '/x' },
  ])
})
