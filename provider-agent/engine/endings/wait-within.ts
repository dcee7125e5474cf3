import type Docker from 'dockerode'
import { orAborted } from '../../../node/abort.ts'
import type { Sandbox } from '../../networks/network-mode.ts'
import type { Abort } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import { EngineError } from '../index.ts'

/** How long a container may take to end after what keeps its network, in ms: an engine that ends stops both. */
const TOGETHER_MS = 2_000

/**
 * Waits for the end of a container that is in a sandbox. Where what keeps the sandbox ends first, the container has lost its
 * network: it is killed.
 *
 * @param beforeKill called right before that
 * @throws {EngineError} `ENGINE_ERROR` with `details.reason: 'network-lost'` in that case
 */
export async function waitWithin(
  docker: Docker,
  name: string,
  sandbox: Sandbox,
  beforeKill: () => void,
  abort: Abort,
): Promise<void> {
  const over = new AbortController()
  const abortSignal = AbortSignal.any([over.signal, ...(abort.abortSignal === undefined ? [] : [abort.abortSignal])])
  const container = docker.getContainer(name)
  const ended = container.wait({ abortSignal }).then(() => 'ended' as const)
  const lost = untilEnded(docker.getContainer(sandbox.id), abortSignal).then(() => 'lost' as const)
  lost.catch(() => undefined) // the wait for the container fails, too, or has ended it
  try {
    if ((await Promise.race([ended, lost])) === 'ended') return
    const late = orAborted(ended, AbortSignal.timeout(TOGETHER_MS)).catch(() => null) // looked at next
    if ((await late) === 'ended') return
    abort.abortSignal?.throwIfAborted()
    beforeKill()
    await container.kill({ signal: 'SIGKILL', ...abort }).catch((error) => {
      if (statusOf(error) !== 409) throw error // It has just ended.
    })
    await ended
  } finally {
    over.abort()
    ended.catch(() => undefined) // told already, or of no use any more
  }
  throw new EngineError('ENGINE_ERROR', `${name} has lost its network`, { reason: 'network-lost' })
}

async function untilEnded(container: Docker.Container, abortSignal: AbortSignal): Promise<void> {
  try {
    await container.wait({ abortSignal })
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
}
