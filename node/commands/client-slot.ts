import { join } from 'node:path'
import { startClientNode } from '../client-node.ts'
import type { ClientNode } from '../index.ts'
import type { Logger } from '../logger.ts'
import { DataFolderError } from '../store/database.ts'
import { JobStateError } from '../store/index.ts'
import { noTracer, type Tracer } from '../tracing/index.ts'
import { CliError } from './cli-error.ts'
import {
  followerTimes,
  type OutputRoomOptions,
  type PeerOptions,
  partFolder,
  peerInit,
  type RegistryOptions,
} from './options.ts'
import { untilConnected } from './until-connected.ts'

/** Client commands that may run side by side on one data folder. */
const SLOTS = 64

/**
 * Starts a short-lived client node in the first free slot `DATA/client/0`, `1`, …: each has its own identity and store,
 * because a store has one writer. Jobs that a killed command left there are taken up, see {@link takeUp}.
 *
 * @param onSlot told of the folder
 * @param stays for a command that goes on until it is stopped: it may begin alone. Others end where nobody is reached.
 * @throws {CliError}
 */
export async function startInSlot(
  options: PeerOptions & RegistryOptions & OutputRoomOptions,
  components: { logger: Logger; masterKey?: string; tracer?: Tracer },
  { stays = false, onSlot = () => undefined }: { stays?: boolean; onSlot?: (folder: string) => void } = {},
) {
  const { logger, masterKey, tracer = noTracer } = components
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const dataFolder = join(partFolder(options, 'client'), String(slot))
    const troubles: string[] = []
    try {
      const node = await startClientNode(
        { logger, tracer },
        {
          ...peerInit(options),
          ...(stays ? {} : { onTrouble: (line) => troubles.push(line) }),
          dataFolder,
          times: followerTimes(options),
          ...(options.outputRoom === undefined ? {} : { outputs: { roomBytes: options.outputRoom } }),
          ...(options.allowRegistry === undefined ? {} : { allowRegistries: options.allowRegistry }),
          ...(masterKey === undefined ? {} : { masterKey }),
        },
      )
      onSlot(dataFolder)
      await takeUp(node)
      if (stays) return node
      await untilConnected(node, options, troubles).catch(async (error) => {
        await node.stop()
        throw error
      })
      return node
    } catch (error) {
      if (!(error instanceof DataFolderError && error.code === 'DATA_FOLDER_IN_USE')) throw error
    }
  }
  throw new CliError(
    `${SLOTS} client commands already use ${options.data}: wait for one to end, or give another --data`,
  )
}

/**
 * A command that was killed left its job. Where a provider has it, it runs on, and is followed from here to its end as
 * long as this command lasts, or by the next one. What no provider has is cancelled: nobody waits for it any more.
 */
async function takeUp({ store, requester }: ClientNode): Promise<void> {
  for await (const { id, state } of store.active()) {
    if (state.status !== 'pending' || state.award !== null) continue
    await requester.cancel(id).catch((error) => {
      // It came to its end in this very moment.
      if (!(error instanceof JobStateError)) throw error
    })
  }
}
