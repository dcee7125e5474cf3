import { createBackground } from '../../node/background.ts'
import type { Clock } from '../../node/clock.ts'
import type { Directory } from '../../node/directory/index.ts'
import type { Logger } from '../../node/logger.ts'
import type { Requester } from '../../node/market/index.ts'
import type { JobStore } from '../../node/store/index.ts'
import type { Uploads } from '../../node/uploads/index.ts'
import type { Volumes } from '../../node/volumes/index.ts'
import type { Revocation } from '../auth/index.ts'
import type { Feature } from '../http/feature.ts'
import type { Shares } from '../http/shares.ts'
import type { Database } from '../records/table.ts'
import { type BatchRunner, type BatchRunnerComponents, createBatchRunner } from './batch-runner.ts'
import { type BatchStore, openBatchStore } from './batch-store.ts'
import { openUploads } from './read-upload.ts'
import { addBatchRoutes, batchView } from './routes.ts'
import { createBatchDesk } from './submit-batch.ts'

/** What {@link openBatches} works with. */
export interface BatchesComponents {
  db: Database
  store: BatchRunnerComponents['store'] & Pick<JobStore, 'get' | 'look' | 'secrets'>
  directory: Directory
  requester: Requester
  volumes: Pick<Volumes, 'place'>
  /** What was given for jobs. */
  uploads: Pick<Uploads, 'find' | 'open'>
  /** Bytes of bodies that are held. */
  bodies: Shares
  revocation: Pick<Revocation, 'watch'>
  /** Other names for providers and networks. */
  providerAliases: Readonly<Record<string, string>>
  clock: Clock
  logger: Logger
}

const BATCH_PATH = /\/plugin-core\/jobs\/batch$/

/** Many jobs as one. Its routes come before those of single jobs. */
export interface Batches extends Feature {
  batches: BatchStore
  batchRunner: BatchRunner
  /** Whether the batch of this id has not ended: how its jobs are is counted by looking at them. */
  goesOn(id: string): Promise<boolean>
  /** The batch of this id, as the API shows it; undefined where there is none, or not yet. */
  view(id: string): Promise<ReturnType<typeof batchView> | undefined>
}

/** @param init.uploads where what is uploaded is kept while it is read */
export async function openBatches(components: BatchesComponents, init: { uploads: string }): Promise<Batches> {
  const { db, store, requester, bodies, revocation, clock } = components
  const batches = await openBatchStore(db)
  const logger = components.logger.child({ part: 'batches' })
  const batchRunner = createBatchRunner({ store, requester, batches, clock, logger })
  const batchDesk = createBatchDesk({ ...components, batches, batchRunner })
  const uploads = await openUploads({ bodies, revocation }, { folder: init.uploads })
  const background = createBackground(components)
  return {
    ...{ batches, batchRunner },
    goesOn: async (id) => (await batches.get(id))?.endedAtMs === null,
    async view(id) {
      const record = await batches.get(id)
      if (record === undefined || record.status === 'preparing') return undefined
      return batchView(record, await batchRunner.counts(record))
    },
    routes: (api) => addBatchRoutes(api, { batches, batchDesk, batchRunner, uploads }),
    // Read as they arrive, and bounded where that is done.
    readsBody: ({ method, path }) => method === 'POST' && BATCH_PATH.test(path),
    letGo: uploads.letGo,
    async start() {
      await batchRunner.start()
      background.run('batches', batchRunner.run)
    },
    async stop() {
      await background.stop()
      await batchRunner.idle()
    },
  }
}
