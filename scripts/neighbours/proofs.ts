import assert from 'node:assert/strict'
import type { Answer, Pair } from './pair.ts'

/** Something that two versions have to do together. */
export interface Proof {
  what: string
  /** Answers what came of it, in a few words. @throws Error where it does not hold */
  prove(pair: Pair): Promise<string>
}

const ENDED = ['completed', 'failed', 'cancelled']
/** How long a job is looked for a provider that nobody may be, in seconds. */
const QUEUE_SECONDS = 10

const jobOf = ({ image }: Pair, script: string, more: object = {}) => ({
  ...{ image, command: ['sh', '-c'], args: [script], cpu: 100, memory: '64Mi', storage: '64Mi', duration: 120 },
  ...more,
})

async function submit(pair: Pair, job: object): Promise<string> {
  const { status, body } = await pair.ask('POST', '/jobs', job)
  assert.equal(status, 201, JSON.stringify(body))
  return body.data.id
}

async function ended(pair: Pair, id: string): Promise<Answer['body']> {
  return (await pair.until(`/jobs/${id}`, ({ body }) => ENDED.includes(body.data?.status))).body.data
}

async function linesOf(pair: Pair, id: string): Promise<string[]> {
  const { body } = await pair.ask('GET', `/jobs/${id}/logs`)
  return body.data.logs.map(({ line }: { line: string }) => line)
}

/** What every two versions do. */
export const PROOFS: readonly Proof[] = [
  {
    what: 'a job runs, with its log, exit code, cost and receipt',
    async prove(pair) {
      const id = await submit(
        pair,
        jobOf(pair, 'echo out; echo err >&2; sleep 2', { env: { A: 'b' }, secrets: { C: 'd' } }),
      )
      const job = await ended(pair, id)
      assert.deepEqual([job.status, job.results.exitCode], ['completed', 0], JSON.stringify(job.error))
      assert.deepEqual((await linesOf(pair, id)).toSorted(), ['err', 'out'])
      const { body } = await pair.until(`/jobs/${id}/receipt`, ({ status }) => status === 200)
      assert.ok(body.data.signed.provider !== '' && body.data.signed.requester !== '')
      assert.equal(body.data.cost, job.cost.final)
      return `${body.data.meteredSeconds} s for ${body.data.cost} $`
    },
  },
  {
    what: 'a job that fails says with which code',
    async prove(pair) {
      const job = await ended(pair, await submit(pair, jobOf(pair, 'exit 3')))
      assert.deepEqual([job.status, job.error.code, job.results.exitCode], ['failed', 'NON_ZERO_EXIT', 3])
      return job.error.message
    },
  },
  {
    what: 'a job is extended and cancelled while it runs',
    async prove(pair) {
      const id = await submit(pair, jobOf(pair, 'sleep 600'))
      await pair.until(`/jobs/${id}`, ({ body }) => body.data?.status === 'running')
      const longer = await pair.ask('POST', `/jobs/${id}/extend`, { additional: 60 })
      assert.equal(longer.body.data?.duration, 180, JSON.stringify(longer.body))
      assert.equal((await pair.ask('POST', `/jobs/${id}/cancel`)).status, 200)
      const job = await ended(pair, id)
      assert.equal(job.status, 'cancelled')
      return `cost ${job.cost.final} $`
    },
  },
  {
    what: 'ten jobs at once all run',
    async prove(pair) {
      const ids = await Promise.all(Array.from({ length: 10 }, (_, i) => submit(pair, jobOf(pair, `echo ${i}`))))
      const jobs = await Promise.all(ids.map((id) => ended(pair, id)))
      assert.deepEqual(new Set(jobs.map(({ status }) => status)), new Set(['completed']))
      return 'completed'
    },
  },
  {
    what: 'the agent is killed, starts again, and its job goes on',
    async prove(pair) {
      const id = await submit(pair, jobOf(pair, 'echo began; sleep 12; echo ended'))
      await pair.until(`/jobs/${id}`, ({ body }) => body.data?.status === 'running')
      await pair.agent.end('SIGKILL')
      pair.agent.restart()
      const job = await ended(pair, id)
      assert.deepEqual([job.status, job.attempt], ['completed', 1], JSON.stringify(job.error))
      assert.deepEqual(await linesOf(pair, id), ['began', 'ended'])
      return 'on its first attempt'
    },
  },
]

/** Jobs that one of two versions may not know how to run, by what they ask for. */
const WISHES: Record<string, { job: object; script?: string; says?: string }> = {
  outputs: { job: { outputs: '/out' }, script: 'mkdir /out && echo kept > /out/file' },
  'several outputs': { job: { outputs: [{ path: '/out' }] }, script: 'mkdir /out && echo kept > /out/file' },
  inputs: { job: { inputs: [{ path: '/in', from: { inline: 'brought' } }] }, script: 'cat /in', says: 'brought' },
  stdin: { job: { stdin: { inline: 'typed' } }, script: 'cat', says: 'typed' },
  'a user': { job: { user: '1000:1000' }, script: 'id -u', says: '1000' },
  'a working directory': { job: { workdir: '/tmp' }, script: 'pwd', says: '/tmp' },
  'fewer processes': { job: { pids: 64 } },
  'larger shared memory': { job: { shmSize: '8Mi' } },
  'bounded traffic': { job: { maxNetwork: '1Gi' } },
  'a platform': { job: { platform: process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64' } },
  'stronger walls': { job: { isolation: 'gvisor' } },
  'a volume that stays': { job: { volumes: [{ name: 'v', mountPath: '/v', size: '1Mi', keep: 60 }] } },
  'a public port': { job: { ports: [{ port: 80, public: true }] } },
}

/** Each either comes true or is declined in words: nothing that was asked for is passed over in silence. */
export const WISH_PROOFS: readonly Proof[] = Object.entries(WISHES).map(([name, { job, script = 'true', says }]) => ({
  what: `a job with ${name} has that, or is declined in words`,
  async prove(pair) {
    const asked = await pair.ask('POST', '/jobs', jobOf(pair, script, { ...job, queueTimeout: QUEUE_SECONDS }))
    if (asked.status === 400) return `declined by the gateway: ${asked.body.error.message}`
    assert.equal(asked.status, 201, JSON.stringify(asked.body))
    const { id } = asked.body.data
    const done = await ended(pair, id)
    if (done.status === 'failed') {
      assert.equal(done.startedAt, null, `it ran, and failed: ${JSON.stringify(done.error)}`)
      assert.ok(done.error.message.length > 10, JSON.stringify(done.error))
      return `declined by the market: ${done.error.message}`
    }
    assert.equal(done.status, 'completed')
    if (says !== undefined) assert.deepEqual(await linesOf(pair, id), [says])
    if (name.includes('outputs')) return await outputOf(pair, id)
    return 'runs'
  },
}))

/** What the job left comes, or the job says why not. */
async function outputOf(pair: Pair, id: string): Promise<string> {
  const { body } = await pair.until(`/jobs/${id}`, ({ body: { data } }) => {
    return data.results.outputUrl !== null || (data.results.leftOut ?? []).length > 0
  })
  const { outputUrl, leftOut } = body.data.results
  if (outputUrl === null) return `not kept: ${JSON.stringify(leftOut)}`
  const { status, body: tar } = await pair.ask('GET', `/jobs/${id}/output`)
  assert.equal(status, 200, JSON.stringify(tar))
  assert.match(tar, /kept/)
  return 'runs, and its output came'
}

/** Reaching into a container is done, or refused in words. */
export const REACH_PROOF: Proof = {
  what: 'a command in a running container is run, or refused in words',
  async prove(pair) {
    const id = await submit(pair, jobOf(pair, 'sleep 600'))
    await pair.until(`/jobs/${id}`, ({ body }) => body.data?.status === 'running')
    const { status, body } = await pair.ask('POST', `/jobs/${id}/exec`, { command: ['echo', 'inside'] })
    await pair.ask('POST', `/jobs/${id}/cancel`)
    await ended(pair, id)
    if (status === 200) {
      assert.deepEqual([body.data.exitCode, body.data.stdout], [0, 'inside\n'])
      return 'run'
    }
    assert.ok(status >= 400 && body.error.message.length > 10, JSON.stringify(body))
    assert.notEqual(body.error.code, 'INTERNAL_ERROR', JSON.stringify(body))
    return `refused: ${body.error.code} ${body.error.message}`
  },
}
