import type Docker from 'dockerode'
import type { GpuAllocator } from '../../gpus/gpu-allocator.ts'
import { createNetwork, removeNetwork } from '../../networks/network.ts'
import { alone, joining, type Place, type Sandbox } from '../../networks/network-mode.ts'
import { removeHolder } from '../../sandbox/holder.ts'
import type { Networks } from '../../sandbox/networks.ts'
import { type Abort, askEngine } from '../ask-engine.ts'
import { statusOf, toEngineError } from '../errors.ts'
import { type AbortOptions, type ContainerEngine, type ContainerSpec, EngineError } from '../index.ts'
import { ownerLabel } from '../labels.ts'
import { removeContainer } from '../removal.ts'
import { createVolumes } from '../storage/volumes.ts'
import { inspectContainer } from './find-container.ts'
import { checkName, type HardeningOptions, labelsOf, toCreateOptions } from './spec.ts'

/** Networks made ahead and lent, see `provider-agent/sandbox`. */
export interface SandboxSource {
  /** One that is ready, for one container alone under this runtime; null where there is none. */
  take(runtime: string | null): Sandbox | null
  /** Those that one container has after the other; null where each makes its own. */
  networks(): Pick<Networks, 'lend' | 'giveBack' | 'has'> | null
}

/** What {@link createCreateStep} works with. */
export interface CreateStepInit {
  docker: Docker
  /** What a container is held to. */
  hardening(spec: ContainerSpec, options: AbortOptions): Promise<HardeningOptions>
  gpuAllocator: GpuAllocator
  /** Resolves when a container with a network reaches no more than it should. */
  ensureIsolated(): Promise<void>
  sandboxes: SandboxSource
}

/** The step that creates a container with its network and volumes. */
export function createCreateStep(init: CreateStepInit): ContainerEngine['create'] {
  const { docker, hardening, gpuAllocator, ensureIsolated, sandboxes } = init

  /** Creates the container; one of that name and owner is taken for it. Answers whether there was none. */
  async function createContainer(
    spec: ContainerSpec,
    limits: HardeningOptions,
    abort: Abort,
    place?: Place,
  ): Promise<boolean> {
    return await gpuAllocator.take(spec, abort, async (gpus) => {
      return await createWith(spec, toCreateOptions(spec, limits, gpus, place), abort)
    })
  }

  /** Creates the container in a sandbox that is ready. False where it is not: then the ordinary way says why, or works. */
  async function createInSandbox(spec: ContainerSpec, limits: HardeningOptions, abort: Abort): Promise<boolean> {
    // Ports are published by the network that they are on, when it is made.
    const publishes = limits.publishAt !== null && (spec.publish ?? []).length > 0
    const sandbox = publishes ? null : sandboxes.take(limits.runtime)
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
      const { Config: config } = await inspectContainer(docker, spec.name, abort)
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

  return async (wanted, { signal } = {}) => {
    checkName(wanted.name)
    const limits = await hardening(wanted, signal === undefined ? {} : { signal })
    await askEngine(`creating ${wanted.name}`, signal, async (abort) => {
      const spec = await createVolumes(docker, wanted, limits.volumeQuota, abort)
      if (spec.network === 'none') {
        await createContainer(spec, limits, abort)
        return
      }
      if (await createInSandbox(spec, limits, abort)) return
      await createOnNetwork(spec, limits, abort)
    })
  }
}

/** Newer engines look for the network when the container is created. */
function isNetworkMissing(error: unknown): boolean {
  return /network .*not found/i.test(toEngineError(error, '').message)
}
