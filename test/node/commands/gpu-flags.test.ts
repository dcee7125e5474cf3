import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { bidTable } from '../../../node/commands/bid-table.ts'
import { type JobFlags, jobFlags, submissionOf } from '../../../node/commands/job-flags.ts'
import type { BidRecord } from '../../../node/store/index.ts'
import { gpuView } from '../../../node/views/gpu-view.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { aKind } from '../../support/gpus.ts'

function jobOf(...flags: string[]) {
  const command = jobFlags(new Command().exitOverride().configureOutput({ writeErr: () => undefined }))
  command.parse(flags, { from: 'user' })
  const { gpu, gpuRequirements } = jobSubmissionSchema.parse(submissionOf('busybox', [], command.opts<JobFlags>()))
  return { gpu, gpuRequirements }
}

describe('the flags of GPUs', () => {
  const cases: [flags: string[], gpu: number, asked: object | undefined][] = [
    [[], 0, undefined],
    [['--gpu', '2'], 2, undefined],
    [['--gpu-model', 'h100', '--gpu-model', 'a100 80gb'], 1, { models: ['h100', 'a100 80gb'] }],
    [['--gpu', '4', '--gpu-vram', '24Gi'], 4, { minVram: '24Gi' }],
    [['--gpu-vendor', 'amd', '--gpu-compute', 'gfx942'], 1, { vendor: 'amd', minCompute: 'gfx942' }],
    [['--gpu-cuda', '12.4', '--gpu-interconnect', 'nvlink'], 1, { cuda: '>=12.4', interconnect: 'nvlink' }],
    [['--gpu-cuda', '>=12.4'], 1, { cuda: '>=12.4' }],
  ]
  for (const [flags, gpu, gpuRequirements] of cases) {
    it(flags.join(' '), () => assert.deepEqual(jobOf(...flags), { gpu, gpuRequirements }))
  }

  it('are refused where no GPU is asked for, in words', () => {
    assert.throws(() => jobOf('--gpu', '0', '--gpu-model', 'h100'), /gpu of at least 1 beside it/)
  })

  it('refuse a number whose unit was forgotten', () => {
    assert.throws(() => jobOf('--gpu', '1', '--gpu-vram', '24'), /did you mean \\"24Gi\\"/)
  })

  it('refuse makers and links that there are not', () => {
    assert.throws(() => jobOf('--gpu-vendor', 'matrox'), /nvidia, amd, intel/)
    assert.throws(() => jobOf('--gpu-interconnect', 'string'), /pcie, nvlink, xgmi/)
  })
})

it('flags of pairs take each name once', () => {
  for (const [flag, one, other] of [
    ['--env', 'A=1', 'A=2'],
    ['--secret', 'A=1', 'A='],
    ['--label', 'team=red', 'team=blue'],
    ['--ulimit', 'nofile=100', 'nofile=200'],
  ] as const) {
    const name = one.slice(0, one.indexOf('='))
    assert.throws(() => jobOf(flag, one, flag, other), new RegExp(`${flag} .*${name} is given twice`), flag)
  }
})

it('--platform is the job’s', () => {
  const command = jobFlags(new Command())
  command.parse(['--platform', 'linux/arm64'], { from: 'user' })
  assert.equal(submissionOf('busybox', [], command.opts<JobFlags>())['platform'], 'linux/arm64')
})

it('--isolation is the job’s, and one of those that there are', () => {
  const command = () => jobFlags(new Command().exitOverride().configureOutput({ writeErr: () => undefined }))
  const isolation = (word: string) => {
    const options = command().parse(['--isolation', word], { from: 'user' }).opts<JobFlags>()
    return submissionOf('busybox', [], options)['isolation']
  }
  assert.equal(isolation('gvisor'), 'gvisor')
  assert.throws(() => isolation('runsc'), /container, gvisor, vm/)
})

describe('the table of bids', () => {
  const bid: BidRecord = {
    ...{ attempt: 1, provider: 'p', name: 'attic', timestampMs: 0, outcome: 'accepted', pricePerHour: '1000000000' },
    ...{ minimumCharge: '0', score: 1, reason: 'the cheapest' },
  }

  it('says which GPUs were offered, where any were', () => {
    assert.equal(bidTable([bid]).join('').includes('GPU'), false)
    const table = bidTable([{ ...bid, gpu: gpuView(aKind({ count: 2 })) }, bid]).join('\n')
    assert.match(table, /AT LEAST +GPU +SCORE/)
    assert.match(table, /2 × NVIDIA H100 80GB HBM3/)
    assert.match(bidTable([{ ...bid, gpu: gpuView(aKind({ migProfile: '1g.10gb' })) }]).join(''), /MIG 1g\.10gb/)
  })

  it('says which walls it would have where bids differ', () => {
    const under = (isolation: string): BidRecord => ({ ...bid, isolation })
    assert.equal(
      bidTable([under('container'), bid])
        .join('')
        .includes('ISOLATION'),
      false,
    )
    const table = bidTable([under('container'), under('gvisor'), bid]).join('\n')
    assert.match(table, /AT LEAST +ISOLATION +SCORE/)
    assert.match(table, /gvisor/)
  })

  it('says as what it would run where bids differ', () => {
    const on = (platform: string): BidRecord => ({ ...bid, platform })
    assert.equal(
      bidTable([on('linux/amd64'), on('linux/amd64'), bid])
        .join('')
        .includes('PLATFORM'),
      false,
    )
    assert.match(bidTable([on('linux/amd64'), on('linux/arm64')]).join('\n'), /AT LEAST +PLATFORM +SCORE/)
  })
})
