import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import pino from 'pino'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { until } from '../../support/until.ts'

const SECRET = 'secret-value-c44d'
const PASSWORD = 'pass-word-88e3'
const ENV = 'plain-value-91c2'
const JOB = {
  image: 'registry.example/team/app',
  env: { PLAIN: ENV },
  secrets: { TOKEN: SECRET },
  registryCredentials: { username: 'me', password: PASSWORD, serverAddress: 'registry.example' },
}
const FAILURE = new EngineError('IMAGE_PULL_ERROR', 'image busybox: denied', { reason: 'unauthorized' })

describe('what a provider is told in confidence', () => {
  let rig: AgentRig
  afterEach(async () => await rig.stop())

  it('reaches engine and container, and neither the journal nor any log, whatever becomes of the job', async () => {
    const logged: string[] = []
    const stream = { write: (line: string) => void logged.push(line) }
    rig = await createAgentRig({ logger: pino({ level: 'trace' }, stream) })
    const asked: unknown[] = []
    rig.engine.onPull = ({ credentials }) => void asked.push(credentials?.password)
    const good = await rig.run(JOB)
    const container = await rig.container(good.name)
    assert.deepEqual([container.spec.env.TOKEN, container.spec.env.PLAIN, asked[0]], [SECRET, ENV, PASSWORD])
    rig.engine.script = () => ({ pullError: FAILURE })
    const bad = await rig.run(JOB)
    await bad.follow.report('ended')
    await rig.restart()
    await until(() => rig.agent.status().leases.length > 0)
    const written = await rig.written()
    assert.ok(written.includes(ENV), 'the journal was looked at, and the environment is in it')
    for (const hidden of [SECRET, PASSWORD]) assert.ok(!written.includes(hidden), `${hidden} is in the journal`)
    const log = logged.join('')
    assert.ok(log.includes(bad.asked.jobId), 'the log was looked at')
    for (const hidden of [SECRET, PASSWORD, ENV]) assert.ok(!log.includes(hidden), `${hidden} is in the log`)
  })
})
