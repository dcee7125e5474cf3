import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import type { ContainerEngine } from '../index.ts'
import { findContainer } from './find-container.ts'

/** See `ContainerEngine.stop`. */
export async function stopContainer(
  docker: Docker,
  name: string,
  { graceMs, signalName }: Parameters<ContainerEngine['stop']>[1],
  abort: Abort,
): Promise<void> {
  const found = await findContainer(docker, name, abort)
  if (!found?.State.Running) return
  const container = docker.getContainer(name)
  const { StopSignal: own } = found.Config as { StopSignal?: string }
  const stopSignal = signalName ?? own ?? 'SIGTERM'
  // One that is paused hears nothing: its grace would pass in vain.
  if (graceMs > 0 && !found.State.Paused) {
    await kill(container, stopSignal, abort)
    if (await endsWithin(container, graceMs, abort.abortSignal)) return
  }
  await whileDying(docker, container, abort, async () => {
    await kill(container, 'SIGKILL', abort)
    // Some engines end a frozen container only once it is thawed; others have done that themselves.
    if (found.State.Paused) await container.unpause(abort).catch(() => undefined)
    await ignoreMissing(container.wait(abort))
  })
}

/** How long a container may take to die before it is given more CPU for that, in ms. */
const DYING_MS = 1_000

/**
 * Kills a container, which may take minutes: what its processes do in the kernel, and a fork bomb at its memory limit does
 * much there, goes beyond its share of CPU, and is held against them before they may die (seen with Linux 6.18). So one
 * that does not die at once gets the whole machine to do so.
 */
export async function whileDying(
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
