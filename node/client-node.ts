import { join } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type { Registry } from 'prom-client'
import { type Clock, systemClock } from './clock.ts'
import { createDirectory } from './directory/directory.ts'
import { recallFirstSeen } from './directory/first-seen.ts'
import { loadIdentity } from './identity.ts'
import type { ClientNode } from './index.ts'
import { inlineSource } from './inputs/inline.ts'
import { createLeftOutputs } from './inputs/left-outputs.ts'
import { createInputs } from './inputs/resolve.ts'
import { serveInputs } from './inputs/serve.ts'
import type { Logger } from './logger.ts'
import type { FollowerTimes } from './market/index.ts'
import { createRequester } from './market/requester.ts'
import { createLibp2pNetwork } from './network/libp2p-network.ts'
import { networkInit, type PeerInit } from './network/peer-init.ts'
import { createOutputKeeper, type OutputKeeperInit } from './outputs/keeper.ts'
import { createReach } from './reach/reach.ts'
import { createRegistryAccess } from './registry/access.ts'
import { createImageResolver } from './registry/image-resolver.ts'
import { openDatabase } from './store/database.ts'
import { diskProblem, MIN_FREE_BYTES } from './store/disk-problem.ts'
import { openJobStore } from './store/job-store.ts'
import { createSecretBox, loadMasterKey } from './store/secret-box.ts'
import { noTracer, type Tracer } from './tracing/index.ts'
import { createUploads, type UploadsInit } from './uploads/uploads.ts'
import { createVolumes } from './volumes/volumes.ts'

/** What a client node is told beside what every peer is. */
export interface ClientNodeInit extends PeerInit {
  /** Folder of the identity and the job store; one process at a time. */
  dataFolder: string
  /** Encrypts secrets in the store instead of the key in the folder. */
  masterKey?: string
  /** Free bytes of the data folder's disk below which no new jobs are taken: the rest is for those that run. @default 64 MiB */
  minFreeBytes?: number
  /** How much of what jobs leave is kept, and for how long. */
  outputs?: Omit<OutputKeeperInit, 'folder'>
  /** How much is kept of what is given for jobs to bring. */
  uploads?: Omit<UploadsInit, 'folder'>
  /** Registries that may be asked about images though they are inside the network, as in `RegistryAccessInit`. @default [] */
  allowRegistries?: readonly string[]
  /** Heartbeats and the silence after which a provider is lost. */
  times?: Partial<FollowerTimes>
}

/**
 * Starts a peer that asks for jobs, and takes up those that its store still holds. Closed in the reverse order.
 *
 * @example
 * ```ts
 * import { followJob, jobSubmissionSchema, outputArrived, silentLogger, startClientNode } from 'cortex-node'
 *
 * const node = await startClientNode(
 *   { logger: silentLogger },
 *   {
 *     dataFolder: './client',
 *     networkName: 'main',
 *     listen: ['/ip4/127.0.0.1/tcp/0'],
 *     bootstrap: ['/ip4/127.0.0.1/tcp/13100'],
 *     mdns: false,
 *   },
 * )
 * const spec = jobSubmissionSchema.parse({
 *   image: 'busybox',
 *   command: ['sh', '-c', 'echo hello; mkdir /out; date > /out/today'],
 *   outputs: '/out',
 * })
 * const { job } = await node.requester.submit({ owner: 'me', spec })
 * const ended = await followJob(node.store, job.id, {
 *   onEvent: ({ type }) => console.log('event', type),
 *   onLine: ({ line }) => console.log('line', line),
 * })
 * for (const bid of await node.store.bids(job.id)) console.log('bid of', bid.name, bid.outcome)
 * await outputArrived(node.store, ended, AbortSignal.timeout(60_000))
 * const output = await node.outputs.open(job.id) // its `bytes`, and a `stream` of them: a tar
 * console.log(ended.state.status, 'and left', output?.bytes, 'bytes')
 * output?.stream.destroy()
 * await node.stop()
 * ```
 * @throws {DataFolderError} where the folder is in use, or damaged
 */
export async function startClientNode(
  components: { logger: Logger; clock?: Clock; registry?: Registry; tracer?: Tracer },
  init: ClientNodeInit,
): Promise<ClientNode & { privateKey: PrivateKey }> {
  const { logger, clock = systemClock, registry, tracer = noTracer } = components
  await using stack = new AsyncDisposableStack()
  const { dataFolder, minFreeBytes = MIN_FREE_BYTES } = init
  const storeLogger = logger.child({ part: 'store' })
  const database = await openDatabase(
    dataFolder,
    (problem) => storeLogger.warn({ problem }, 'the store was damaged, and is repaired: nothing is missing'),
    (problem) =>
      storeLogger.error({ problem, dataFolder }, 'the store was damaged meanwhile: restore it from a backup'),
  )
  stack.defer(async () => await database.close())
  const privateKey = await loadIdentity(dataFolder)
  const secretBox = createSecretBox(init.masterKey ?? (await loadMasterKey(dataFolder)))
  const refusal = async (): Promise<string | null> => {
    const problem = await diskProblem(dataFolder, minFreeBytes)
    return problem === null ? null : `this node ${problem}`
  }
  const store = await openJobStore({ database, secretBox, clock, logger: storeLogger, refusal })
  stack.defer(async () => await store.close())
  const network = createLibp2pNetwork(
    { privateKey, logger, clock, ...(registry === undefined ? {} : { registry }) },
    await networkInit(init),
  )
  const directoryLogger = logger.child({ part: 'directory' })
  const firstSeen = await recallFirstSeen({ store, logger: directoryLogger })
  const directory = createDirectory(
    { network, clock, logger: directoryLogger, firstSeen },
    { networkName: init.networkName },
  )
  const outputs = createOutputKeeper(
    { network, store, clock, logger: logger.child({ part: 'outputs' }) },
    { folder: join(dataFolder, 'outputs'), minFreeBytes, ...init.outputs },
  )
  const inputsLogger = logger.child({ part: 'inputs' })
  const uploads = createUploads(
    { store, clock, logger: inputsLogger, refusal: async () => await diskProblem(dataFolder, minFreeBytes) },
    { folder: join(dataFolder, 'uploads'), ...init.uploads },
  )
  await uploads.start()
  stack.defer(async () => await uploads.stop())
  const volumes = createVolumes({
    ...{ network, networkName: init.networkName, privateKey, directory, store, clock },
    logger: logger.child({ part: 'volumes' }),
  })
  const access = createRegistryAccess({ allow: init.allowRegistries ?? [] })
  const requester = createRequester(
    {
      images: createImageResolver({ access, clock, logger: logger.child({ part: 'images' }) }),
      network,
      networkName: init.networkName,
      privateKey,
      directory,
      store,
      clock,
      logger: logger.child({ part: 'market' }),
      tracer,
      outputs,
      inputs: createInputs({ uploads, left: createLeftOutputs({ store, outputs, uploads }), clock }),
      volumes,
    },
    init.times === undefined ? {} : { times: init.times },
  )
  const serving = new AbortController()
  stack.defer(() => serving.abort(new Error('The node is stopping')))
  serveInputs({ network, store, clock, logger: inputsLogger, sources: [inlineSource, uploads] }, serving.signal)
  await network.start()
  stack.defer(async () => await network.stop())
  await directory.start()
  stack.defer(async () => await directory.stop())
  await outputs.start()
  stack.defer(async () => await outputs.stop())
  await volumes.start()
  stack.defer(async () => await volumes.stop())
  await requester.start()
  stack.defer(async () => await requester.stop())
  const started = stack.move()
  const reach = createReach({ network, store, clock })
  return {
    market: { name: init.networkName, isPrivate: init.networkKeyFile !== undefined },
    ...{ network, directory, store, requester, reach, outputs, uploads, volumes },
    privateKey,
    stop: async () => await started.disposeAsync(),
  }
}
