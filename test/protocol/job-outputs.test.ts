import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { JobSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { outputsOfWire } from '../../protocol/job-outputs.ts'
import { type JobSubmission, jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { checkWireJob, jobToWire, OUTPUT_LIST, OUTPUT_TO, requirementsOf } from '../../protocol/job-wire.ts'
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

  it('is refused where it says both, or what no job could', () => {
    const { spec, secrets } = asked([{ name: 'a', path: '/a' }])
    const wire = jobToWire(spec, secrets)
    for (const wrong of [
      { outputs: '/b' },
      { outputList: [{ name: '', path: '/a' }] },
      { outputList: [{ name: '../a', path: '/a' }] },
      { outputList: [{ name: 'a', path: '/proc' }] },
      { outputList: [{ name: 'a', path: '/a', to: { case: 'toUrl', value: { url: 'http://example.com' } } }] },
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
