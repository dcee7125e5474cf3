import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CortexClient, JobListItem, JobSubmission } from '../../../gateway/client/index.ts'
import { createBudget, createTurns } from '../../../gateway/mcp/budget.ts'
import { parseUsd } from '../../../protocol/money.ts'

const signal = new AbortController().signal
/** An hour, with what comes after it. */
const JOB: JobSubmission = { image: 'busybox', duration: 3_590, stopGraceSeconds: 10 }

/** A gateway whose providers ask so much for a job, in US dollars; null declines. */
function gatewayWith({ jobs = [], costs = [] }: { jobs?: JobListItem[]; costs?: (number | null)[] }) {
  const submitted: JobSubmission[] = []
  const client = {
    jobs: {
      async *all() {
        yield* jobs
      },
      dryRun: async () => ({ quotes: costs.map((cost) => ({ accepts: cost !== null, cost, reason: '' })) }),
      submit: async (job: JobSubmission) => {
        submitted.push(job)
        return { id: 'job_1' }
      },
    },
  } as unknown as CortexClient
  return { client, submitted }
}

const job = (status: string, current: number, projected: number, final?: number) =>
  ({ status, cost: { current, projected, ...(final === undefined ? {} : { final }), currency: 'USD' } }) as JobListItem

function budgetOf(client: CortexClient, limit: string) {
  return createBudget({ client, inTurn: createTurns() }, { keyId: 'key_1', limit: parseUsd(limit) ?? 0n })
}

describe('the budget of tools', () => {
  it('counts what ended jobs cost, and the most that others may', async () => {
    const { client } = gatewayWith({
      jobs: [
        job('completed', 0.1, 0.5, 0.1),
        job('running', 0.2, 0.5),
        job('pending', 0, 0.25),
        job('failed', 0.05, 1),
      ],
    })
    assert.deepEqual(await budgetOf(client, '1').state(signal), { limitUsd: '1', usedUsd: '0.9', remainingUsd: '0.1' })
    assert.equal((await budgetOf(client, '0.5').state(signal)).remainingUsd, '0')
  })

  const cases: [
    name: string,
    limit: string,
    costs: (number | null)[],
    maxPrice: JobSubmission['maxPrice'],
    price: string | null,
  ][] = [
    ['caps a job at what it may cost', '1', [0.2, 0.3], undefined, '0.300000008'],
    ['leaves out who is too dear', '0.25', [0.2, 0.3], undefined, '0.200000008'],
    ['never caps above what is left', '0.3', [0.3], undefined, '0.3'],
    ['keeps a lower cap of the job’s own', '1', [0.2], 0.2, '0.2'],
    ['waits for somebody at what is left where nobody is free', '0.5', [null], undefined, '0.5'],
    ['refuses what is dearer than what is left', '0.1', [0.2, 0.3], undefined, null],
    ['refuses everything where nothing is left', '0', [0.2], undefined, null],
  ]
  for (const [name, limit, costs, maxPrice, price] of cases) {
    it(name, async () => {
      const { client, submitted } = gatewayWith({ costs })
      const submission = { ...JOB, ...(maxPrice === undefined ? {} : { maxPrice }) }
      const done = budgetOf(client, limit).submit(submission, signal)
      if (price === null) await assert.rejects(done, { code: 'BUDGET_EXCEEDED' })
      else await done
      assert.deepEqual(
        submitted.map(({ maxPrice: capped, labels }) => [capped, labels]),
        price === null ? [] : [[price, { 'mcp.key': 'key_1' }]],
      )
    })
  }

  it('takes one after the other', async () => {
    const inTurn = createTurns()
    const order: string[] = []
    const first = Promise.withResolvers<void>()
    const one = inTurn('key', async () => {
      await first.promise
      order.push('one')
      throw new Error('of the first alone')
    })
    const two = inTurn('key', async () => void order.push('two'))
    await inTurn('another', async () => void order.push('another'))
    first.resolve()
    await assert.rejects(one)
    await two
    assert.deepEqual(order, ['another', 'one', 'two'])
  })
})
