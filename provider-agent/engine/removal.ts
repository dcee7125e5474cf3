import type Docker from 'dockerode'
import pRetry from 'p-retry'
import type { Abort } from './ask-engine.ts'
import { statusOf } from './errors.ts'
import { EngineError } from './index.ts'

/** Removes a container, running or not, and waits until it is gone. */
export async function removeContainer(container: Docker.Container, abort: Abort): Promise<void> {
  await untilTrue(
    async () => {
      try {
        await container.remove({ force: true, v: true, ...abort })
        return true
      } catch (error) {
        if (statusOf(error) === 404) return true
        if (statusOf(error) === 409) return false // Somebody else is removing it: look again.
        throw error
      }
    },
    `container ${container.id} is still being removed`,
    abort.abortSignal,
  )
}

/** Asks until the answer is true, for about ten seconds. Errors end it at once. */
export async function untilTrue(ask: () => Promise<boolean>, otherwise: string, signal: AbortSignal | undefined) {
  const attempt = async () => {
    if (!(await ask())) throw new EngineError('ENGINE_ERROR', otherwise, { reason: 'busy' })
  }
  await pRetry(attempt, {
    retries: 12,
    minTimeout: 50,
    maxTimeout: 1_000,
    ...(signal && { signal }),
    shouldRetry: ({ error }) => error instanceof EngineError,
  })
}
