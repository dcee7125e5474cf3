/** The same attacks on a machine whose jobs run under gVisor: their kernel is their own, and what they may do there theirs. */

import { after, before, describe } from 'node:test'
import { gvisorProblem, RUNSC } from '../../../scripts/gvisor.ts'
import { namespaceProblem } from '../../faults/support/namespaces.ts'
import { attackerOn, attackTests } from './suite.ts'
import { type AttackedMachine, createMachine, internet } from './support/machine.ts'

const problem = (await namespaceProblem()) ?? (await gvisorProblem())
const flags = ['--require-network-isolation', '--runtime', RUNSC, '--dns', internet, '--sandboxes', '0']

describe('attacks under gVisor', { skip: problem ?? false }, () => {
  let machine: AttackedMachine

  before(async () => {
    machine = await createMachine(flags, true)
    await attackerOn(machine).api.provider('attacked', ({ paused }) => paused === null)
  })
  after(async () => await machine?.[Symbol.asyncDispose]())

  attackTests(() => machine, RUNSC, { ownsKernel: true })
})
