import type Docker from 'dockerode'
import { dropNetwork, removeNetwork } from '../../networks/network.ts'
import { lentTo, sandboxOf } from '../../networks/network-mode.ts'
import { removeHolder } from '../../sandbox/holder.ts'
import { type Abort, askEngine } from '../ask-engine.ts'
import { createEar } from '../endings/outside.ts'
import { unrunnable } from '../endings/unrunnable.ts'
import type { EngineProperties } from '../engine-properties.ts'
import { statusOf, toEngineError } from '../errors.ts'
import { type AbortOptions, type ContainerEngine, EngineError } from '../index.ts'
import { isOfProgram } from '../invalid-command.ts'
import { removeContainer } from '../removal.ts'
import { containerFolder, removeHeld } from '../storage/btrfs.ts'
import { type CreateStepInit, createCreateStep } from './create-container.ts'
import { findContainer, inspectContainer } from './find-container.ts'
import { checkName } from './spec.ts'
import { stopContainer, whileDying } from './stop-container.ts'
import { waitForContainer } from './wait-for-container.ts'

type ContainerSteps = Pick<ContainerEngine, 'create' | 'start' | 'wait' | 'stop' | 'remove'>

interface ContainerStepsInit extends CreateStepInit {
  properties(options: AbortOptions): Promise<EngineProperties>
  /** Resolves when a container's network is held to its bandwidth. */
  ensureShaped(): Promise<void>
  /** The same of one that has been started. */
  ensureBegunShaped(): Promise<void>
}

/** The steps of a container's life, each of which may be repeated. */
export function createContainerSteps(init: ContainerStepsInit): ContainerSteps {
  const { docker, sandboxes, properties, ensureShaped, ensureBegunShaped } = init
  const ear = createEar(docker)

  return {
    create: createCreateStep(init),

    start: (name, { signal } = {}) =>
      askEngine(`starting ${name}`, signal, async (abort) => {
        const { State: before } = await inspectContainer(docker, name, abort)
        // Starting a container that has ended would run its program again.
        if (before.Status === 'created') {
          await ensureShaped().catch(notShaped)
          try {
            await docker.getContainer(name).start(abort)
          } catch (error) {
            if (statusOf(error) !== 304) throw await startError(docker, name, error, abort)
          }
          // Its end of the network is there from now on, but for what was made ahead.
          await ensureBegunShaped().catch(notShaped)
        }
        const { State: state } = await inspectContainer(docker, name, abort)
        return { startedAtMs: Date.parse(state.StartedAt) }
      }),

    wait: (name, { signal } = {}) =>
      askEngine(`waiting for ${name}`, signal, async (abort) => {
        const known = async () => await properties(signal === undefined ? {} : { signal })
        return await waitForContainer({ docker, ear, properties: known }, name, abort)
      }),

    stop: (name, how, { signal } = {}) =>
      askEngine(`stopping ${name}`, signal, async (abort) => await stopContainer(docker, name, how, abort)),

    remove: (name, { signal } = {}) =>
      askEngine(`removing ${name}`, signal, async (abort) => {
        checkName(name)
        const container = docker.getContainer(name)
        const found = await findContainer(docker, name, abort)
        if (found !== null) ear.forget(found.Id)
        const { NetworkMode: mode } = found?.HostConfig ?? {}
        const sandbox = sandboxOf(mode, found?.Config.Labels)
        // First, for the container alone knows which it is.
        if (sandbox !== null) await removeHolder(docker, sandbox.name, abort)
        // Side by side: an ended container holds no address. If it runs, its network goes after it.
        const removeIt = async (): Promise<void> =>
          await whileDying(docker, container, abort, async () => await removeContainer(container, abort))
        const lent = lentTo(mode)
        const [, networkGone] = await Promise.all([
          removeHeld(removeIt, async () => await containerFolder(docker, name, abort), signal),
          lent !== null || removeNetwork(docker, name, abort),
        ])
        if (!networkGone) await dropNetwork(docker, name, abort)
        const networks = sandboxes.networks()
        await networks?.giveBack(name)
        // One that an earlier run of the agent lent is of no use to this one.
        if (lent !== null && !networks?.has(lent)) await dropNetwork(docker, lent, abort)
      }),
  }
}

function notShaped(cause: Error): never {
  const message = `jobs cannot be held to their bandwidth: ${cause.message}`
  throw new EngineError('ENGINE_ERROR', message, { reason: 'bandwidth' }, { cause })
}

/** What kept a container from its start; where that is its command, what is wrong with it. */
async function startError(docker: Docker, name: string, error: unknown, abort: Abort): Promise<unknown> {
  const { code, message, details } = toEngineError(error, '')
  if (code !== 'INVALID_COMMAND' || !isOfProgram(details.reason)) return error
  return await unrunnable(docker.getContainer(name), await inspectContainer(docker, name, abort), message, abort)
}
