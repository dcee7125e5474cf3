import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from '../../protocol/codec.ts'
import { AnnouncementSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { encodedRequirements } from '../../protocol/job-wire.ts'
import { checkAnnouncement, readRequirements } from '../../protocol/market-messages.ts'
import { describeFigure, FIGURES, figuresOf, lacking, NO_MINIMUMS } from '../../protocol/measured.ts'
import { signStatement } from '../../protocol/statements.ts'
import { ANNOUNCEMENT, NETWORK, NOW_MS, provider } from './samples.ts'

const announced = async (measured: object) =>
  await checkAnnouncement(
    await signStatement('announcement', encode(AnnouncementSchema, { ...ANNOUNCEMENT, measured }), provider.key),
    NETWORK,
  )

describe('what a machine does in a second', () => {
  it('is announced as far as it was measured', async () => {
    const figures = { cpuSingle: 1_200n, iops: 90_000n }
    const { measured } = await announced({ figures, atMs: BigInt(NOW_MS), method: 'cortex-1' })
    assert.deepEqual(measured, { ...NO_MINIMUMS, cpuSingle: 1_200, iops: 90_000, atMs: NOW_MS, method: 'cortex-1' })
  })

  for (const [name, measured] of Object.entries({
    'a method that is no line': { method: '\x1b[31m' },
    'a time that is none': { method: 'm', atMs: 2n ** 60n },
    'an amount beyond all': { method: 'm', figures: { diskRead: 2n ** 60n } },
  })) {
    it(`is refused with ${name}`, async () => {
      await assert.rejects(announced(measured), { code: 'INVALID_FIELD', field: 'measured' })
    })
  }

  it('is asked for by the constraints of a job, and by a capability, so that an older provider declines', () => {
    const constraints = { minCpuScore: 1_000, minDiskRead: '500Mi', minIops: 20_000 }
    const read = readRequirements(encodedRequirements(jobSubmissionSchema.parse({ image: 'busybox', constraints })))
    assert.deepEqual(read.minimums, { ...NO_MINIMUMS, cpuSingle: 1_000, diskRead: 500 * 2 ** 20, iops: 20_000 })
    assert.deepEqual(read.capabilities, ['measured'])
    const plain = readRequirements(encodedRequirements(jobSubmissionSchema.parse({ image: 'busybox' })))
    assert.deepEqual([plain.minimums, plain.capabilities], [NO_MINIMUMS, []])
  })

  it('falls short in each figure by itself', () => {
    const ones = figuresOf(() => 1)
    assert.deepEqual(lacking(ones, ones), [])
    assert.deepEqual(lacking(ones, null), [...FIGURES])
    for (const figure of FIGURES) {
      assert.deepEqual(lacking({ ...NO_MINIMUMS, [figure]: 2 }, ones), [figure])
      assert.match(describeFigure(figure, 2_000_000), /\d (primes\/s|MB\/s|IOPS)$/, figure)
    }
  })
})
