import type Docker from 'dockerode'
import { sandboxOf } from '../../networks/network-mode.ts'
import type { Abort } from '../ask-engine.ts'
import { exitOf } from '../endings/container-exit.ts'
import { checkInit } from '../endings/init-failure.ts'
import { type ContainerEvent, type Ear, wasToldToEnd } from '../endings/outside.ts'
import { waitWithin } from '../endings/wait-within.ts'
import type { EngineProperties } from '../engine-properties.ts'
import { toEngineError } from '../errors.ts'
import { type ContainerExit, EngineError } from '../index.ts'
import { inspectContainer } from './find-container.ts'

interface WaitComponents {
  docker: Docker
  ear: Ear
  properties(): Promise<EngineProperties>
}

/** Waits for a container's end, and answers how it ended. */
export async function waitForContainer(components: WaitComponents, name: string, abort: Abort): Promise<ContainerExit> {
  const { docker, ear, properties } = components
  const before = await inspectContainer(docker, name, abort)
  const details = await untilEnded(components, before, name, abort)
  const { Id: id, State: state } = details
  if (state.StartedAt !== before.State.StartedAt) {
    throw new EngineError('ENGINE_ERROR', `${name} was started again`, { reason: 'restarted' })
  }
  if (state.Status === 'created') {
    throw new EngineError('ENGINE_ERROR', `${name} was never started`, { reason: 'not-started' })
  }
  const { isPodman, info } = await properties()
  const ended = { exitCode: state.ExitCode, details, isPodman, architecture: info.architecture }
  // What ran out of memory has run.
  if (!state.OOMKilled) await checkInit(docker.getContainer(name), ended, abort)
  const { StopSignal: stopSignal } = details.Config as { StopSignal?: string }
  return await exitOf(
    docker,
    { id, state, isPodman, stopSignal, heard: ear.heard(id), isHeard: before.State.Running },
    abort,
  )
}

/**
 * Waits, and looks at what has ended. An engine that is being stopped ends its containers, and answers nothing but the
 * wait: then it is known at once that there is nothing to wait for.
 *
 * @throws {EngineError} `ENGINE_ERROR` with `details.reason: 'engine-stopped'` in that case
 */
async function untilEnded(
  { docker, ear }: WaitComponents,
  before: Docker.ContainerInspectInfo,
  name: string,
  abort: Abort,
) {
  const { Id: id, State: state, HostConfig: config } = before
  const { StopSignal: stopSignal } = before.Config as { StopSignal?: string }
  const sandbox = sandboxOf(config.NetworkMode)
  const endListening = state.Running ? ear.listen(id, Date.parse(state.StartedAt)) : () => undefined
  let hasEnded = false
  // The engine tells of a kill that was asked for here as of any other.
  let others: readonly ContainerEvent[] | null = null
  const beforeKill = (): void => {
    others = ear.heard(id)
  }
  try {
    // First wait, then look: the other way round, it could end in between.
    if (sandbox === null) await docker.getContainer(name).wait(abort)
    else await waitWithin(docker, name, sandbox, beforeKill, abort)
    hasEnded = true
    return await inspectContainer(docker, name, abort)
  } catch (error) {
    abort.abortSignal?.throwIfAborted()
    const { code, details } = toEngineError(error, '')
    const isSilent = hasEnded && code === 'ENGINE_UNAVAILABLE'
    // An engine that is being stopped may end first what keeps the network.
    const isStopped = wasToldToEnd(others ?? ear.heard(id), stopSignal)
    if (!isStopped || !(isSilent || details.reason === 'network-lost')) throw error
    throw new EngineError('ENGINE_ERROR', `the engine has stopped ${name}`, { reason: 'engine-stopped' })
  } finally {
    endListening()
  }
}
