import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Abort } from '../engine/ask-engine.ts'
import { removeContainer } from '../engine/removal.ts'
import { addressOf, joining, type Sandbox } from '../networks/network-mode.ts'
import { LISTEN } from './image.ts'
import { PROBE_PORT } from './program.ts'

/** What the probe's container is made of. */
export interface ProbeInit {
  image: string
  labels: Record<string, string>
  /** The sandbox program that jobs run in; null is the engine's own default. */
  runtime: string | null
}

/** Tries of a connection, and the time between them in ms: the program that listens may need a moment. */
const TRIES = 10
const BETWEEN_MS = 50

/**
 * Why no job can be put into sandboxes here, for people; null where they can. Tried with a container that joins as a job's
 * would, under the same runtime, and listens: from here it must answer on the holder's address.
 */
export async function sandboxProblem(
  docker: Docker,
  holder: Sandbox,
  init: ProbeInit,
  abort: Abort,
): Promise<string | null> {
  const { image, labels, runtime } = init
  const name = `${holder.name}-probe`
  const address = addressOf(await docker.getContainer(holder.id).inspect(abort))
  if (address === null) return 'a container has no address on its network'
  try {
    const container = await docker.createContainer({
      name,
      Image: image,
      Entrypoint: [LISTEN],
      Labels: labels,
      HostConfig: {
        NetworkMode: joining(holder).mode,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        LogConfig: { Type: 'none', Config: {} },
        ...(runtime !== null && { Runtime: runtime }),
      },
      ...abort,
    } as Docker.ContainerCreateOptions)
    await container.start(abort)
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (await answers(address)) return null
      await delay(BETWEEN_MS, undefined, abort.abortSignal === undefined ? {} : { signal: abort.abortSignal })
    }
    return 'a container that joins another’s network does not answer on its address'
  } catch (error) {
    abort.abortSignal?.throwIfAborted()
    return `a container cannot join another’s network: ${(error as Error).message}`
  } finally {
    await removeContainer(docker.getContainer(name), {})
  }
}

async function answers(host: string): Promise<boolean> {
  const socket = connect({ host, port: PROBE_PORT, timeout: 300 })
  socket.once('timeout', () => socket.destroy(new Error('no answer')))
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false // not yet, or never
  } finally {
    socket.destroy()
  }
}
