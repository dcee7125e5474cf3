import { randomUUID } from 'node:crypto'
import type { LeaseMessage_CommandReply as CommandReply } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { isTerminal } from '../../../protocol/lifecycle.ts'
import { MAX_DURATION_SECONDS } from '../../../protocol/limits.ts'
import type { Clock } from '../../clock.ts'
import { JobStateError, type JobStore } from '../../store/index.ts'
import { ExtensionRefusedError, type Requester } from '../index.ts'
import { grantExtension } from './unasked.ts'

/** How long a provider may take to answer an extension, in ms. */
const EXTENSION_TIMEOUT_MS = 15_000

/** Asks providers for more time, and hears what they say to it. */
export interface Extensions {
  ask: Requester['extend']
  replied(jobId: string, reply: CommandReply): Promise<void>
}

/**
 * A job that nobody has yet is extended at once; else its provider has 15 s to answer.
 *
 * @param stopping aborts when the node stops
 */
export function createExtensions(
  { store, clock }: { store: Pick<JobStore, 'get' | 'change'>; clock: Clock },
  stopping: AbortSignal,
): Extensions {
  /** Callers that wait for a provider's answer, by command. */
  const waiting = new Map<string, PromiseWithResolvers<void>>()

  async function answered(commandId: string): Promise<void> {
    const answer = Promise.withResolvers<void>()
    waiting.set(commandId, answer)
    const limit = new AbortController()
    const late = clock.sleep(EXTENSION_TIMEOUT_MS, AbortSignal.any([limit.signal, stopping])).then(() => {
      throw new ExtensionRefusedError('The provider has not answered; the extension is sent again when it is back')
    })
    try {
      await Promise.race([answer.promise, late])
    } finally {
      limit.abort()
      waiting.delete(commandId)
    }
  }

  return {
    async ask(id, additionalSeconds) {
      const commandId = randomUUID()
      const { job } = await store.change(id, (draft) => {
        const { state } = draft.job
        if (isTerminal(state.status)) throw new JobStateError(state.status, ['pending', 'scheduled', 'running'])
        if (state.status === 'pending') {
          // What is on its way to a provider cannot be changed any more, and nobody can be asked yet.
          if (state.award !== null) throw new ExtensionRefusedError('A provider is being given the job: try again')
          const durationSeconds = draft.job.durationSeconds + additionalSeconds
          if (durationSeconds > MAX_DURATION_SECONDS) {
            throw new ExtensionRefusedError(`No job runs for more than ${MAX_DURATION_SECONDS} s in all`)
          }
          draft.patch({ durationSeconds, spec: { ...draft.job.spec, duration: durationSeconds } })
          draft.event('extended', { duration: durationSeconds })
          return
        }
        if (draft.job.extension !== null) throw new ExtensionRefusedError('Another extension of this job is under way')
        draft.patch({ extension: { commandId, additionalSeconds } })
      })
      if (job.extension === null) return job
      await answered(commandId)
      return (await store.get(id)) ?? job
    },

    async replied(jobId, reply) {
      await store.change(jobId, (draft) => {
        // The report that says the same may have come already.
        if (draft.job.extension?.commandId !== reply.commandId) return
        if (reply.ok) grantExtension(draft)
        else draft.patch({ extension: null })
      })
      if (reply.ok) waiting.get(reply.commandId)?.resolve()
      else waiting.get(reply.commandId)?.reject(refusedBy(reply))
    },
  }
}

function refusedBy({ message }: CommandReply): ExtensionRefusedError {
  return new ExtensionRefusedError(`The provider does not extend this job: ${message.slice(0, 256)}`)
}
