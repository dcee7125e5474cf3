/** What one job left, at one provider, as what the next brings to another. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { outputArrived } from '../../node/outputs/arrived.ts'
import type { JobRecord } from '../../node/store/index.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { LONGEST_WAIT_MS } from '../support/until.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'

/** All that there is to see of a folder but its owners, and the times of folders and links. */
const LOOK = [
  "find . ! -type l -print0 | sort -z | xargs -0 stat -c '%n %f %h'",
  "find . -type f -print0 | sort -z | xargs -0 stat -c '%n %s %Y'",
  'find . -type l | sort | while read -r name; do echo "$name $(readlink "$name")"; done',
  'find . -type f -print0 | sort -z | xargs -0 cat | sha256sum',
].join(' && ')

const MAKE = [
  'mkdir -p /work/out/deep/er /work/out/empty && cd /work/out && chmod 711 . && chmod 700 empty',
  'head -c 3000000 /dev/urandom > deep/large && echo run > run && chmod 755 run && touch -d @1000000000 run',
  'echo odd > "deep/o dd *" && : > none && ln deep/large deep/er/same && ln -s ../run deep/link && ln -s deep latest',
].join(' && ')

describe('the output of a job as an input of the next', () => {
  let market: TestMarket
  let here: Seller
  let there: Seller

  before(async () => {
    market = await openMarket()
    here = await market.addSeller()
    there = await market.addSeller()
  })
  after(async () => await market.close())

  async function run(script: string, seller: Seller, changes: Partial<JobSubmission>): Promise<JobRecord> {
    const job = await market.run(script, { provider: seller.id, ...changes })
    return await outputArrived(market.node.store, job, AbortSignal.timeout(LONGEST_WAIT_MS))
  }

  async function said(job: JobRecord): Promise<string> {
    const lines = await market.node.store.logs(job.id, 1, 1_000)
    const text = lines.map(({ line }) => line).join('\n')
    assert.equal(job.state.status, 'completed', `${JSON.stringify(job.state)} ${text}`)
    return text
  }

  it('is there to the byte, with modes and links, at another provider, whole and in part', async () => {
    const first = await run(`${MAKE} && ${LOOK}`, here, { outputs: '/work/out' })
    const made = await said(first)
    const whole = await run(`cd /in && ${LOOK}`, there, { inputs: [{ path: '/in', from: { job: first.id } }] })
    assert.equal(await said(whole), made)
    assert.match(made, /deep\/er\/same 81a4 2/, 'one file under two names')
    const inputs: JobSubmission['inputs'] = [
      { path: '/er', from: { job: first.id, path: 'out/deep/er' } },
      { path: '/file', from: { job: first.id, path: 'out/deep/link' } },
      { path: '/own', from: { job: first.id, path: 'out/deep' }, mode: 'rw' },
    ]
    const script = 'cat /file; cmp /er/same /own/large && stat -c %h /er/same; echo more > "/own/o dd *"'
    assert.equal(await said(await run(script, there, { inputs })), 'run\n1')
    const again = await run('cat "/own/o dd *"; cat', here, { inputs, stdin: { job: first.id, path: 'out/run' } })
    assert.equal(await said(again), 'odd\nrun', 'what a job did to its copy is in no other')
  })

  it('goes on from job to job', async () => {
    const first = await run('echo one > /out', here, { outputs: '/out' })
    const second = await run('cat /in > /both; echo two >> /both', there, {
      ...{ inputs: [{ path: '/in', from: { job: first.id } }], outputs: '/both' },
    })
    const third = await run('cat /in', here, { inputs: [{ path: '/in', from: { job: second.id } }] })
    assert.equal(await said(third), 'one\ntwo')
  })

  it('fails the next job where there is no such path in it, and says so', async () => {
    const first = await run('echo one > /out', here, { outputs: '/out' })
    const next = await run('true', there, { inputs: [{ path: '/in', from: { job: first.id, path: 'out/x' } }] })
    assert.ok(next.state.status === 'failed', JSON.stringify(next.state))
    assert.deepEqual(
      [next.state.failure.code, next.state.failure.message],
      ['DATA_ERROR', `${first.id} has no out/x in its output (/in).`],
    )
  })
})
