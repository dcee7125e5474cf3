/** A machine with an agent that insists on everything that can be insisted on, attacked from inside and robbed of its rules. */

import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type { ManagedProcess } from '../../../scripts/local-network.ts'
import { namespaceProblem } from '../../faults/support/namespaces.ts'
import { closeAll } from '../../support/close-all.ts'
import { until } from '../../support/until.ts'
import { attackerOn, attackTests, confinementTests, speakTo } from './suite.ts'
import { type AttackedMachine, createMachine, internet, metadata } from './support/machine.ts'

const problem = await namespaceProblem()
/** An agent without the right to set rules. */
const weakly = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin']
const required = '--require-network-isolation'
const insisting = [required, '--runtime', 'sandbox', '--dns', internet]
/** As many as jobs take that are put into sandboxes here. */
const SANDBOXES = 6

describe('attacks', { skip: problem ?? false }, () => {
  let machine: AttackedMachine

  before(async () => {
    machine = await createMachine([...insisting, '--sandboxes', '0'])
    await attackerOn(machine).api.provider('attacked', ({ paused }) => paused === null)
  })
  after(async () => await machine?.[Symbol.asyncDispose]())

  attackTests(() => machine, 'sandbox')

  describe('in sandboxes', { concurrency: 4 }, () => {
    const name = 'pooled'
    let id = ''
    let agent: ManagedProcess
    const jobsOfAgent = (): string[] => [`org.cortex-node.owner=${id}`, 'cortex.job']

    before(async () => {
      agent = machine.startAgent(name, [...insisting, '--sandboxes', String(SANDBOXES)], [])
      id = (await attackerOn(machine).api.provider(name, ({ paused }) => paused === null)).id
      const filters = { label: [`org.cortex-node.sandbox=${id}`] }
      await until(async () => (await machine.docker.listContainers({ filters })).length === SANDBOXES)
    })
    after(async () => {
      // A job has ended before its container is gone, and an agent that ends meanwhile leaves it to its next start.
      const filters = { label: jobsOfAgent() }
      await closeAll(
        async () => await until(async () => (await machine.docker.listContainers({ all: true, filters })).length === 0),
        async () => await agent.end(),
        async () => await machine.idle(),
      )
    })

    confinementTests(
      () => machine,
      () => attackerOn(machine, { provider: id, network: 'bridge' }),
    )

    after(async () => {
      const filters = { event: ['create'], label: jobsOfAgent() }
      const ask = { since: 0, until: Math.ceil(Date.now() / 1000), filters }
      const events = await machine.docker.getEvents(ask)
      const made = (await text(events)).split('\n').filter((line) => line !== '')
      assert.ok(made.length >= SANDBOXES - 1, `${made.length} containers`)
      for (const line of made) assert.match(line, /"cortex\.sandbox":/)
    })
  })

  describe('with the least privileges', { concurrency: 4 }, () => {
    const name = 'least'
    let id = ''
    let agent: ManagedProcess

    before(async () => {
      agent = machine.startAgent(name, [...insisting, '--sandboxes', '0', '--privileges', 'least'], [])
      id = (await attackerOn(machine).api.provider(name, ({ paused }) => paused === null)).id
    })
    after(async () => {
      await closeAll(machine.idle, agent.end)
    })

    it('entry 43: the agent says that it leaves programs the least, and the other that it does not', async () => {
      const { api } = attackerOn(machine)
      const [own, other] = await Promise.all([name, 'attacked'].map(async (one) => await api.provider(one, () => true)))
      const has = (provider: { capabilities: string[] }): boolean =>
        provider.capabilities.includes('ordinary-privileges')
      assert.deepEqual([has(own), has(other)], [false, true])
    })

    confinementTests(
      () => machine,
      () => attackerOn(machine, { provider: id }),
      { privileges: 'least' },
    )
  })

  describe('on the machine', () => {
    const isClosed = async (): Promise<void> => {
      const { run } = attackerOn(machine)
      const script = speakTo([internet, machine.host, machine.lan, metadata])
      const { job, lines } = await run(script, { network: 'bridge' })
      assert.deepEqual([job.status, lines], ['completed', [`OPEN ${internet}`]], JSON.stringify(job.error))
    }

    it('an agent that may set no rules says so, or does not start, as its owner wants', async () => {
      const { api } = attackerOn(machine)
      const [weak, strict] = [
        machine.startAgent('weak', ['--deny-image', '*'], weakly),
        machine.startAgent('insisting', [required], weakly),
      ]
      const [{ capabilities }, code] = await Promise.all([
        api.provider('weak', ({ paused }) => paused === null),
        strict.ended(),
      ])
      assert.ok(!capabilities.includes('network-isolation'), `${capabilities}`)
      assert.match(weak.output(), /firewall rules cannot be set.*jobs can reach the network around this machine/)
      assert.equal(code, 1)
      assert.match(
        strict.output(),
        /Jobs cannot be kept from the network around this machine: firewall rules cannot be set: .*or leave out --require-network-isolation/,
      )
      await weak.end()
    })

    it('somebody takes the rules out: an agent that cannot put them back takes no jobs, says why, and goes on once it can', async () => {
      const { api } = attackerOn(machine)
      await machine.breakFirewall(true)
      await machine.flushRules()
      const { paused, capabilities } = await api.provider('attacked', (provider) => provider.paused !== null)
      assert.match(paused, /cannot keep jobs from the network around it: iptables-save failed: out of order/)
      assert.ok(capabilities.includes('network-isolation'))
      await machine.breakFirewall(false)
      await api.provider('attacked', (provider) => provider.paused === null)
      assert.match(await machine.rules(), /-j CORTEX-ctxj\w+-FWD/, 'back without a job')
      await isClosed()
    })

    it('the engine starts anew and sets its own rules: jobs are kept as before', async () => {
      const { api } = attackerOn(machine)
      await machine.restartEngine()
      await api.provider('attacked', ({ paused }) => paused === null)
      await isClosed()
    })

    it('the rules go with the agent', async () => {
      await machine.idle()
      await machine.agent.end()
      assert.doesNotMatch(await machine.rules(), /CORTEX/)
    })
  })
})
