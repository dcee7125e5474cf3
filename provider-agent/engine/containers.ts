import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { removeHolder } from '../sandbox/holder.ts'
import type { Networks } from '../sandbox/networks.ts'
import { containerFolder, removeHeld } from './btrfs.ts'
import { type Abort, call } from './call.ts'
import { exitOf } from './container-exit.ts'
import { statusOf, toEngineError } from './errors.ts'
import type { GpuDesk } from './gpu-desk.ts'
import { type AbortOptions, type ContainerEngine, type ContainerSpec, EngineError } from './index.ts'
import { checkInit } from './init-failure.ts'
import { alone, joining, lentTo, type Place, type Sandbox, sandboxOf } from './joined.ts'
import { createNetwork, dropNetwork, removeNetwork } from './network.ts'
import { removeContainer } from './removal.ts'
import { checkName, type HardeningOptions, labelsOf, ownerLabel, toCreateOptions } from './spec.ts'
import type { EngineTraits } from './traits.ts'
import { createVolumes } from './volumes.ts'
import { waitWithin } from './wait-within.ts'

type ContainerSteps = Pick<ContainerEngine, 'create' | 'start' | 'wait' | 'stop' | 'remove'>

/** Networks made ahead and lent, see `provider-agent/sandbox`. */
export interface SandboxSource {
  /** One that is ready, for one container alone; null where there is none. */
  take(): Sandbox | null
  /** Those that one container has after the other; null where each makes its own. */
  networks(): Pick<Networks, 'lend' | 'giveBack' | 'has'> | null
}

interface ContainerStepsInit {
  docker: Docker
  /** What a container is held to. */
  hardening(spec: ContainerSpec, options: AbortOptions): Promise<HardeningOptions>
  gpuDesk: GpuDesk
  /** Resolves when a container with a network reaches no more than it should. */
  ensureIsolated(): Promise<void>
  sandboxes: SandboxSource
  traits(options: AbortOptions): Promise<EngineTraits>
}

/** The steps of a container's life, each of which may be repeated. */
export function createContainerSteps(init: ContainerStepsInit): ContainerSteps {
  const { docker, hardening, gpuDesk, ensureIsolated, sandboxes, traits } = init

  /** The container as it is now, or null. */
  async function find(name: string, abort: Abort) {
    checkName(name)
    try {
      return await docker.getContainer(name).inspect(abort)
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw error
    }
  }

  async function get(name: string, abort: Abort) {
    const found = await find(name, abort)
    if (found === null) throw new EngineError('ENGINE_ERROR', `there is no container ${name}`, { reason: 'not-found' })
    return found
  }

  /** Creates the container; one of that name and owner is taken for it. Answers whether there was none. */
  async function createContainer(
    spec: ContainerSpec,
    limits: HardeningOptions,
    abort: Abort,
    place?: Place,
  ): Promise<boolean> {
    return await gpuDesk.take(spec, abort, async (devices) => {
      return await createWith(spec, toCreateOptions(spec, limits, devices, place), abort)
    })
  }

  /** Creates the container in a sandbox that is ready. False where it is not: then the ordinary way says why, or works. */
  async function createInSandbox(spec: ContainerSpec, limits: HardeningOptions, abort: Abort): Promise<boolean> {
    // Ports are published by the network that they are on, when it is made.
    const publishes = limits.publishAt !== null && (spec.publish ?? []).length > 0
    const sandbox = publishes ? null : sandboxes.take()
    if (sandbox === null) return false
    const [isolated, container] = await Promise.allSettled([
      ensureIsolated(),
      createContainer(spec, limits, abort, joining(sandbox)),
    ])
    const isCreated = container.status === 'fulfilled' && container.value
    if (isolated.status === 'fulfilled' && isCreated) return true
    if (isCreated) await removeContainer(docker.getContainer(spec.name), abort)
    await removeHolder(docker, sandbox.name, abort)
    return false
  }

  async function createWith(spec: ContainerSpec, options: Docker.ContainerCreateOptions, abort: Abort) {
    const { name, ...body } = options
    try {
      // Body and query apart: dockerode would else put all of it into the URL too, secrets included.
      const request = { _query: { name }, _body: body, ...abort } as Docker.ContainerCreateOptions
      await docker.createContainer(request)
      return true
    } catch (error) {
      // Podman 4 answers 500.
      if (statusOf(error) !== 409 && !/name .*already in use/i.test(String(error))) throw error
      const { Config: config } = await get(spec.name, abort)
      if (config.Labels[ownerLabel] === spec.owner) return false
      throw new EngineError(
        'ENGINE_ERROR',
        `the name ${spec.name} is taken`,
        { reason: 'name-taken' },
        { cause: error },
      )
    }
  }

  /** Creates the container on a network that it is alone on: one that it is lent, or one of its own. */
  async function createOnNetwork(spec: ContainerSpec, limits: HardeningOptions, abort: Abort): Promise<void> {
    const networks = sandboxes.networks()
    const lent = networks?.lend(spec.name)
    const place = alone(lent?.name ?? spec.name)
    const make = lent?.made.then(() => false) ?? createNetwork(docker, { ...spec, labels: labelsOf(spec) }, abort)
    // Side by side: the engine looks the network up when the container starts.
    const [network, isolated, first] = await Promise.allSettled([
      make,
      ensureIsolated(),
      createContainer(spec, limits, abort, place),
    ])
    const isReady = network.status === 'fulfilled' && isolated.status === 'fulfilled'
    const [container] =
      isReady && first.status === 'rejected' && isNetworkMissing(first.reason)
        ? await Promise.allSettled([createContainer(spec, limits, abort, place)])
        : [first]
    if (isReady && container.status === 'fulfilled') return
    // Half of it is of no use to anybody. What an earlier call made stays.
    if (container.status === 'fulfilled' && container.value) {
      await removeContainer(docker.getContainer(spec.name), abort)
    }
    if (network.status === 'fulfilled' && network.value) await removeNetwork(docker, spec.name, abort)
    for (const step of [network, isolated, container]) if (step.status === 'rejected') throw step.reason
  }

  return {
    async create(spec, { signal } = {}) {
      checkName(spec.name)
      const limits = await hardening(spec, signal === undefined ? {} : { signal })
      await call(`creating ${spec.name}`, signal, async (abort) => {
        await createVolumes(docker, spec, limits.volumeQuota, abort)
        if (spec.network === 'none') {
          await createContainer(spec, limits, abort)
          return
        }
        if (await createInSandbox(spec, limits, abort)) return
        await createOnNetwork(spec, limits, abort)
      })
    },

    start: (name, { signal } = {}) =>
      call(`starting ${name}`, signal, async (abort) => {
        const { State: before } = await get(name, abort)
        // Starting a container that has ended would run its program again.
        if (before.Status === 'created') {
          try {
            await docker.getContainer(name).start(abort)
          } catch (error) {
            if (statusOf(error) !== 304) throw error
          }
        }
        const { State: state } = await get(name, abort)
        return { startedAtMs: Date.parse(state.StartedAt) }
      }),

    wait: (name, { signal } = {}) =>
      call(`waiting for ${name}`, signal, async (abort) => {
        const { HostConfig: config } = await get(name, abort)
        const sandbox = sandboxOf(config.NetworkMode)
        // First wait, then look: the other way round, it could end in between.
        if (sandbox === null) await docker.getContainer(name).wait(abort)
        else await waitWithin(docker, name, sandbox, abort)
        const { Id: id, State: state, HostConfig: hostConfig } = await get(name, abort)
        if (state.Status === 'created') {
          throw new EngineError('ENGINE_ERROR', `${name} was never started`, { reason: 'not-started' })
        }
        const { isPodman } = await traits(signal === undefined ? {} : { signal })
        if (hostConfig.Init) await checkInit(docker.getContainer(name), { exitCode: state.ExitCode, isPodman }, abort)
        return await exitOf(docker, { id, state, isPodman }, abort)
      }),

    stop: (name, { graceMs, signalName }, { signal } = {}) =>
      call(`stopping ${name}`, signal, async (abort) => {
        const found = await find(name, abort)
        if (!found?.State.Running) return
        const container = docker.getContainer(name)
        const { StopSignal: own } = found.Config as { StopSignal?: string }
        const stopSignal = signalName ?? own ?? 'SIGTERM'
        if (graceMs > 0) {
          await kill(container, stopSignal, abort)
          if (await endsWithin(container, graceMs, signal)) return
        }
        await whileDying(docker, container, abort, async () => {
          await kill(container, 'SIGKILL', abort)
          await ignoreMissing(container.wait(abort))
        })
      }),

    remove: (name, { signal } = {}) =>
      call(`removing ${name}`, signal, async (abort) => {
        checkName(name)
        const container = docker.getContainer(name)
        const found = await find(name, abort)
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

/** How long a container may take to die before it is given more CPU for that, in ms. */
const DYING_MS = 1_000

/**
 * Kills a container, which may take minutes: what its processes do in the kernel, and a fork bomb at its memory limit does
 * much there, goes beyond its share of CPU, and is held against them before they may die (seen with Linux 6.18). So one
 * that does not die at once gets the whole machine to do so.
 */
async function whileDying(
  docker: Docker,
  container: Docker.Container,
  abort: Abort,
  killing: () => Promise<void>,
): Promise<void> {
  const over = new AbortController()
  const helping = delay(DYING_MS, undefined, { signal: over.signal }).then(async () => {
    const { NCPU: cpus } = await docker.info()
    await container.update({ _body: { NanoCpus: cpus * 1e9 }, ...abort } as object)
  })
  const helped = helping.catch(() => undefined) // It died meanwhile, or goes on dying by itself.
  try {
    await killing()
  } finally {
    over.abort()
    await helped
  }
}

/** Newer engines look for the network when the container is created. */
function isNetworkMissing(error: unknown): boolean {
  return /network .*not found/i.test(toEngineError(error, '').message)
}

/** Sends a signal. That the container has just ended, or was removed, is no error. */
async function kill(container: Docker.Container, signalName: string, abort: Abort): Promise<void> {
  try {
    await container.kill({ signal: signalName, ...abort })
  } catch (error) {
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error
  }
}

async function endsWithin(container: Docker.Container, ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  const over = AbortSignal.timeout(ms)
  try {
    const abortSignal = signal === undefined ? over : AbortSignal.any([over, signal])
    await ignoreMissing(container.wait({ abortSignal }))
    return true
  } catch (error) {
    if (!over.aborted) throw error
    return false
  }
}

async function ignoreMissing(promise: Promise<unknown>): Promise<void> {
  try {
    await promise
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
}
