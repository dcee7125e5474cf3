import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { InputHelloSchema, InputReplySchema } from '../../protocol/gen/cortex/v1/inputs_pb.js'
import { InputSchema, JobSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { readInputHello, readInputReply } from '../../protocol/input-messages.ts'
import { inlineBlob, inputsOf, type JobInput, secretsOfInputs } from '../../protocol/job-inputs.ts'
import { type JobSubmission, jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { checkWireJob, encodedRequirements, jobToWire } from '../../protocol/job-wire.ts'
import { readRequirements } from '../../protocol/market-messages.ts'
import { WireError } from '../../protocol/wire-error.ts'

const INPUTS: JobInput[] = [
  { path: '/etc/app.conf', writable: false, blob: inlineBlob('retries: 3\n') },
  { path: '/data', writable: true, blob: { sha256: 'ab'.repeat(32), bytes: 2 ** 40, folder: true } },
]
const URLS: JobInput[] = [
  { path: '/model', writable: false, url: { url: 'https://example.com/a?signature=secret' } },
  { path: '/rows', writable: true, url: { url: 'http://example.com/a', sha256: 'ab'.repeat(32) } },
  { path: '', stdin: true, writable: false, url: { url: 'https://example.com/rows' } },
]
const KEYS = { accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' }, sessionToken: { secret: 'TOKEN' } }
const BUCKETS: JobInput[] = [
  { path: '/model', writable: false, s3: { bucket: 'data', key: 'model.bin' } },
  { path: '/rows', writable: true, s3: { bucket: 'data', prefix: 'rows/', region: 'eu-central-1', ...KEYS } },
  { path: '/all', writable: false, s3: { bucket: 'data', prefix: '', endpoint: 'https://s3.example.com' } },
  { path: '', stdin: true, writable: false, s3: { bucket: 'data', key: 'rows.csv' } },
  { path: '/src', writable: false, git: { url: 'https://example.com/a.git' } },
  { path: '/own', writable: true, git: { url: 'https://example.com/a.git', ref: 'v1', token: { secret: 'GIT' } } },
  { path: '/with', writable: false, git: { url: 'https://example.com/a.git', submodules: true } },
]
const JOB: JobSubmission = {
  image: 'busybox',
  secrets: { ID: 'AKIAEXAMPLE', KEY: 'hidden', TOKEN: 'token', GIT: 'token' },
  volumes: [{ name: 'out', mountPath: '/out', size: '1Mi' }],
  inputs: [{ path: '/etc/app.conf', from: { inline: 'retries: 3\n' } }],
}

function onTheWire(inputs: readonly JobInput[]) {
  const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse(JOB))
  const requirements = readRequirements(encodedRequirements(spec))
  const bytes = toBinary(JobSchema, create(JobSchema, jobToWire(spec, secrets, null, inputs)))
  return { requirements, job: fromBinary(JobSchema, bytes) }
}

function refuses(task: () => unknown, field: RegExp): void {
  assert.throws(task, (error: WireError) => error.code === 'INVALID_FIELD' && field.test(error.message))
}

describe('what a job brings, on the wire', () => {
  it('arrives as it was sent', () => {
    const { job, requirements } = onTheWire(INPUTS)
    assert.deepEqual(inputsOf(checkWireJob(job, requirements)), INPUTS)
  })

  it('goes to nobody who would not bring it, and says nothing of it in public', () => {
    const { requirements } = onTheWire(INPUTS)
    assert.deepEqual(requirements.capabilities, ['volumes', 'inputs'])
    const { spec } = splitSecrets(jobSubmissionSchema.parse(JOB))
    assert.equal(Buffer.from(encodedRequirements(spec)).includes('app.conf'), false)
  })

  it('is the standard input of who gives a program one, and of nobody else', () => {
    const parsed = jobSubmissionSchema.parse({ image: 'busybox', stdin: { inline: 'a' } })
    const { capabilities } = readRequirements(encodedRequirements(splitSecrets(parsed).spec))
    assert.deepEqual(capabilities, ['inputs', 'stdin'])
    const stdin: JobInput = { path: '', stdin: true, writable: false, blob: inlineBlob('a') }
    const { job, requirements } = onTheWire([...INPUTS, stdin])
    assert.deepEqual(inputsOf(checkWireJob(job, requirements)), [...INPUTS, stdin])
    for (const wrong of [[{ ...stdin, path: '/a' }], [{ ...stdin, writable: true }], [stdin, stdin]]) {
      refuses(() => checkWireJob({ ...job, inputs: onTheWire(wrong).job.inputs }, requirements), /^stdin/)
    }
  })

  it('is fetched by who knows how, and where from is said in public to nobody', () => {
    const from = { url: 'https://example.com/a?signature=secret' }
    for (const job of [{ inputs: [{ path: '/a', from }] }, { stdin: from }]) {
      const { spec } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', ...job }))
      const bytes = encodedRequirements(spec)
      assert.ok(readRequirements(bytes).capabilities.includes('url-inputs'))
      assert.equal(Buffer.from(bytes).includes('example'), false)
    }
    const { job, requirements } = onTheWire(URLS)
    assert.deepEqual(inputsOf(checkWireJob(job, requirements)), URLS)
  })

  it('is fetched from buckets by who knows how, with secrets of the job', () => {
    const from = { s3: { bucket: 'whose-bucket', key: 'a', ...KEYS } }
    const secrets = { ID: 'a', KEY: 'b', TOKEN: 'c' }
    for (const job of [{ inputs: [{ path: '/a', from }] }, { stdin: from }]) {
      const { spec } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', secrets, ...job }))
      const bytes = encodedRequirements(spec)
      assert.ok(readRequirements(bytes).capabilities.includes('s3-inputs'))
      assert.equal(Buffer.from(bytes).includes('whose-bucket'), false)
    }
    const { job, requirements } = onTheWire(BUCKETS)
    assert.deepEqual(inputsOf(checkWireJob(job, requirements)), BUCKETS)
    assert.deepEqual([...secretsOfInputs(BUCKETS)], ['ID', 'KEY', 'TOKEN', 'GIT'])
    refuses(() => checkWireJob({ ...job, secrets: { ID: 'a', KEY: 'b' } }, requirements), /TOKEN/)
    const git = { url: 'https://example.com/whose.git' }
    const asked = jobSubmissionSchema.parse({ image: 'busybox', inputs: [{ path: '/a', from: { git } }] })
    const bytes = encodedRequirements(splitSecrets(asked).spec)
    assert.deepEqual(readRequirements(bytes).capabilities, ['inputs', 'git-inputs'])
    const all = jobSubmissionSchema.parse({
      image: 'busybox',
      inputs: [{ path: '/a', from: { git: { ...git, submodules: true } } }],
    })
    const { capabilities } = readRequirements(encodedRequirements(splitSecrets(all).spec))
    assert.deepEqual(capabilities, ['inputs', 'git-inputs', 'git-submodules'], 'older providers decline')
    assert.equal(Buffer.from(bytes).includes('whose'), false)
  })

  it('says where a key belongs, under the field that has it or lacks it', () => {
    const s3 = { bucket: 'data', key: 'a', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: { secret: 'KEY' } }
    const parsed = jobSubmissionSchema.safeParse({ image: 'busybox', inputs: [{ path: '/a', from: { s3 } }] })
    const [issue] = parsed.error?.issues ?? []
    assert.deepEqual(issue?.path, ['inputs', 0, 'from', 's3', 'accessKeyId'])
    assert.match(issue?.message ?? '', /secrets/)
    assert.doesNotMatch(String(parsed.error), /AKIAEXAMPLE/)
  })

  const blob = { case: 'blob', value: { sha256: Buffer.alloc(32), bytes: 1n, folder: false } } as const
  const cases: Record<string, MessageInitShape<typeof InputSchema>[]> = {
    'a relative path': [{ path: 'data', source: blob }],
    'a path that engines use': [{ path: '/proc/x', source: blob }],
    'a path twice': [
      { path: '/a', source: blob },
      { path: '/a', source: blob },
    ],
    'one in another': [
      { path: '/a', source: blob },
      { path: '/a/b', source: blob },
    ],
    'a volume inside of it': [{ path: '/out', source: blob }],
    'no source': [{ path: '/a' }],
    'a short digest': [{ path: '/a', source: { case: 'blob', value: { sha256: Buffer.alloc(31) } } }],
    'a size beyond all': [
      { path: '/a', source: { case: 'blob', value: { sha256: Buffer.alloc(32), bytes: 2n ** 63n } } },
    ],
    'a URL of another kind': [{ path: '/a', source: { case: 'url', value: { url: 'file:///etc/passwd' } } }],
    'a URL in the clear': [{ path: '/a', source: { case: 'url', value: { url: 'http://example.com/' } } }],
    'a URL with a password': [{ path: '/a', source: { case: 'url', value: { url: 'https://a:b@example.com/' } } }],
    'a URL and a short digest': [
      { path: '/a', source: { case: 'url', value: { url: 'https://example.com/', sha256: Buffer.alloc(31) } } },
    ],
    'a bucket and a key out of it': [{ path: '/a', source: { case: 's3', value: { bucket: 'data', key: '../a' } } }],
    'a bucket that is none': [{ path: '/a', source: { case: 's3', value: { bucket: 'a/../b', key: 'a' } } }],
    'a repository in the clear': [{ path: '/a', source: { case: 'git', value: { url: 'http://example.com/a' } } }],
    'a ref that is a flag': [
      { path: '/a', source: { case: 'git', value: { url: 'https://example.com/a', ref: '--upload-pack=x' } } },
    ],
    'one key of two': [{ path: '/a', source: { case: 's3', value: { bucket: 'data', key: 'a', accessKeyId: 'ID' } } }],
    'a bucket elsewhere than at a server': [
      { path: '/a', source: { case: 's3', value: { bucket: 'data', key: 'a', endpoint: 'file:///etc' } } },
    ],
    'too many': Array.from({ length: 65 }, (_, i) => ({ path: `/a${i}`, source: blob })),
  }
  for (const [name, inputs] of Object.entries(cases)) {
    it(`is refused with ${name}`, () => {
      const { requirements, job } = onTheWire([])
      const wrong = create(JobSchema, { ...job, inputs: inputs.map((input) => create(InputSchema, input)) })
      refuses(() => checkWireJob(wrong, requirements), /^inputs/)
    })
  }
})

describe('messages of their streams', () => {
  const HELLO = { jobId: `job_${'0'.repeat(26)}`, fence: 1, sha256: Buffer.alloc(32), offset: 5n }

  it('are read', () => {
    assert.partialDeepStrictEqual({ ...readInputHello(encode(InputHelloSchema, HELLO)) }, { fence: 1, offset: 5n })
    assert.equal(readInputReply(encode(InputReplySchema, { ok: true, bytes: 7n })).bytes, 7n)
  })

  const wrong = { jobId: '../x', fence: 0, sha256: Buffer.alloc(33), offset: 2n ** 63n }
  for (const [name, value] of Object.entries(wrong)) {
    it(`are refused with a wrong ${name}`, () => {
      assert.throws(() => readInputHello(encode(InputHelloSchema, { ...HELLO, [name]: value })), WireError)
    })
  }
  it('are refused beyond their size, and with a size that is no number', () => {
    assert.throws(() => readInputHello(Buffer.alloc(200_000)), WireError)
    assert.throws(() => readInputReply(encode(InputReplySchema, { ok: true, bytes: 2n ** 63n })), WireError)
  })
})
