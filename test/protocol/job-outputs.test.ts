import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { OUTPUT_LIST, OUTPUT_TO, S3_OUTPUTS } from '../../protocol/capabilities.ts'
import { JobSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { outputsOfWire, secretsOfOutputs } from '../../protocol/job-outputs.ts'
import { type JobSubmission, jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { checkWireJob, jobToWire, requirementsOf } from '../../protocol/job-wire.ts'
import type { WireError } from '../../protocol/wire-error.ts'

describe('what is kept at the end', () => {
  const asked = (outputs: JobSubmission['outputs']) =>
    splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', outputs }))

  it('is one path as it ever was, or several with names, of who keeps them apart', () => {
    const one = asked('/data/out')
    const { outputs, outputList } = create(JobSchema, jobToWire(one.spec, one.secrets))
    assert.deepEqual([outputs, outputList], ['/data/out', []])
    assert.deepEqual(requirementsOf(one.spec).capabilities, ['outputs'])

    const list = asked([{ path: '/a/out put' }, { name: 'logs', path: '/var/log' }])
    assert.deepEqual(requirementsOf(list.spec).capabilities, ['outputs', OUTPUT_LIST])
    const sent = asked([{ path: '/out', to: { url: 'https://example.com/put?signature=x' } }])
    assert.deepEqual(requirementsOf(sent.spec).capabilities, ['outputs', OUTPUT_LIST, OUTPUT_TO])
    const job = create(JobSchema, jobToWire(list.spec, list.secrets))
    const arrived = checkWireJob(job, requirementsOf(list.spec))
    assert.equal(arrived.outputs, '', 'an older provider would keep one of them alone')
    assert.deepEqual(outputsOfWire(arrived), [
      { name: 'out-put', path: '/a/out put' },
      { name: 'logs', path: '/var/log' },
    ])
  })

  it('goes elsewhere as its requester said it', () => {
    const to = { url: 'https://example.com/put?signature=x' }
    const { spec, secrets } = asked([{ path: '/a', to }, { path: '/b' }])
    const arrived = checkWireJob(create(JobSchema, jobToWire(spec, secrets)), requirementsOf(spec))
    assert.deepEqual(outputsOfWire(arrived), [
      { name: 'a', path: '/a', to },
      { name: 'b', path: '/b' },
    ])
  })

  it('goes to a bucket by keys that are named, and are not the program’s', () => {
    const keys = { accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' } }
    const to = { s3: { bucket: 'mine', prefix: 'a/b', region: 'eu-west-1', ...keys } }
    const outputs = [{ path: '/a', to }, { path: '/b' }]
    const submission = { image: 'busybox', outputs, secrets: { ID: 'AKIA', KEY: 'x', OWN: 'y' } }
    const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse(submission))
    assert.deepEqual(requirementsOf(spec).capabilities, ['outputs', OUTPUT_LIST, OUTPUT_TO, S3_OUTPUTS])
    const arrived = checkWireJob(create(JobSchema, jobToWire(spec, secrets)), requirementsOf(spec))
    const list = outputsOfWire(arrived)
    assert.deepEqual(list, [
      { name: 'a', path: '/a', to },
      { name: 'b', path: '/b' },
    ])
    assert.deepEqual([...secretsOfOutputs(Array.isArray(list) ? list : [])], ['ID', 'KEY'])
    const without = create(JobSchema, jobToWire(spec, { ...secrets, secrets: { ID: 'AKIA' } }))
    assert.throws(
      () => checkWireJob(without, requirementsOf(spec)),
      /outputs\.?\S* must name one of secrets, and KEY is none/,
    )
    const { error } = jobSubmissionSchema.safeParse({ ...submission, secrets: { ID: 'AKIA' } })
    assert.deepEqual(error?.issues[0]?.path, ['outputs', 0, 'to', 's3', 'secretAccessKey'])
    const plain = { s3: { bucket: 'mine', key: 'a', endpoint: 'http://minio.lan:9000' } }
    const reads = jobSubmissionSchema.parse({ image: 'busybox', inputs: [{ path: '/a', from: plain }] })
    assert.ok(requirementsOf(splitSecrets(reads).spec).capabilities.includes(S3_OUTPUTS), 'older ones know no http')
  })

  it('is refused where it says both, or what no job could', () => {
    const { spec, secrets } = asked([{ name: 'a', path: '/a' }])
    const wire = jobToWire(spec, secrets)
    for (const wrong of [
      { outputs: '/b' },
      { outputList: [{ name: '', path: '/a' }] },
      { outputList: [{ name: '../a', path: '/a' }] },
      { outputList: [{ name: 'a', path: '/proc' }] },
      { outputList: [{ name: 'a', path: '/a', to: { case: 'toUrl', value: { url: 'http://example.com' } } }] },
      { outputList: [{ name: 'a', path: '/a', to: { case: 'toS3', value: { bucket: 'A', key: 'x' } } }] },
      { outputList: [{ name: 'a', path: '/a', to: { case: 'toS3', value: { bucket: 'mine', key: '../x' } } }] },
      { outputList: ['/a', '/a/b'].map((path, i) => ({ name: `n${i}`, path })) },
      { outputList: Array.from({ length: 17 }, (_, i) => ({ name: `n${i}`, path: `/p${i}` })) },
    ]) {
      const refusal = (error: WireError) => error.code === 'INVALID_FIELD' && /^outputs/.test(error.message)
      assert.throws(
        () =>
          checkWireJob(
            create(JobSchema, { ...wire, ...wrong } as MessageInitShape<typeof JobSchema>),
            requirementsOf(spec),
          ),
        refusal,
      )
    }
  })
})
