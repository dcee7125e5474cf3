import assert from 'node:assert/strict'
import { it } from 'node:test'
import { jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import { createLeaseRig } from '../../../support/lease-rig.ts'

it('whoever sees that a job is placed sees whose bid was taken', async (test) => {
  const rig = await createLeaseRig()
  test.after(rig.stop)
  const seen: Promise<[status: string | undefined, outcomes: string[]]>[] = []
  const { store } = rig
  const spec = jobSubmissionSchema.parse({ image: 'busybox', duration: 60 })
  const { job } = await rig.requester.submit({ owner: 'local', spec })
  store.onChange(job.id, () => {
    const outcomes = store.bids(job.id).then((bids) => bids.map(({ outcome }) => outcome))
    seen.push(Promise.all([store.get(job.id).then((one) => one?.state.status), outcomes]))
  })
  await rig.when(() => rig.awards.length > 0)
  await rig.when(async () => (await rig.job(job.id)).state.status !== 'pending')
  const placed = (await Promise.all(seen)).filter(([status]) => status !== 'pending')
  assert.ok(placed.length > 0)
  for (const one of placed) assert.deepEqual(one, ['scheduled', ['accepted']])
})
