import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type { Registry } from 'prom-client'
import type { Clock } from '../node/clock.ts'
import type { ClientNode } from '../node/index.ts'
import type { Logger } from '../node/logger.ts'
import type { Retention } from '../node/store/index.ts'
import { createSecretBox, loadMasterKey } from '../node/store/secret-box.ts'
import { createAuditLog } from './audit/audit-log.ts'
import { loadAdminKey } from './auth/admin-key.ts'
import { createHolds } from './auth/holds.ts'
import { openKeyRing } from './auth/key-ring.ts'
import { openSessions } from './auth/sessions.ts'
import { createSignInCodes } from './auth/sign-in.ts'
import { createTokens, loadTokenSecret } from './auth/tokens.ts'
import { inBackground } from './background.ts'
import { createBatchRunner } from './batches/batch-runner.ts'
import { createBatchStore } from './batches/batch-store.ts'
import { createBatchDesk } from './batches/submit-batch.ts'
import { createProviderLog } from './events/provider-log.ts'
import { followFeed } from './feed/feed.ts'
import { createConfigVault } from './jobs/job-config.ts'
import { createJobMetrics } from './metrics/job-metrics.ts'
import { MetricsRegistry } from './metrics/registry.ts'
import { openRecords } from './records.ts'
import { DEFAULT_RETENTION, keepForgetting } from './retention.ts'
import { createScheduleStore } from './schedules/schedule-store.ts'
import { createScheduler } from './schedules/scheduler.ts'
import { createEventStreams } from './sse/streams.ts'
import { type Resolve, systemResolve } from './webhooks/address-check.ts'
import { createDispatcher } from './webhooks/dispatcher.ts'
import { createEnqueue } from './webhooks/enqueue.ts'
import { createPump } from './webhooks/pump.ts'
import { createSender } from './webhooks/send.ts'
import { createWatch } from './webhooks/watch.ts'
import { createWebhookStore } from './webhooks/webhook-store.ts'

export interface ServicesInit {
  /** The gateway's folder, `DATA/gateway`: its records and keys. */
  folder: string
  /** Instead of the key in the folder; at least 16 characters. */
  adminKey?: string
  /** Encrypts secrets of templates and the like instead of the key in the folder. */
  masterKey?: string
  /** Other names for providers and networks, e.g. `{ akash: 'p2p' }`, so that old scripts can be kept. @default {} */
  providerAliases?: Readonly<Record<string, string>>
  /** Whether webhooks may lead to private addresses. @default false */
  allowPrivateWebhooks?: boolean
  /** How long output, samples and events are kept after a job's end. @default DEFAULT_RETENTION */
  retention?: Partial<Retention>
}

export interface ServicesComponents {
  node: ClientNode
  clock: Clock
  logger: Logger
  /** How host names of webhooks are resolved. @default the system's */
  resolve?: Resolve
  /** Where metrics are registered. @default one of its own */
  registry?: Registry
}

/** What a gateway keeps and does besides answering requests. */
export type Services = Awaited<ReturnType<typeof openServices>>

/** @throws {DataFolderError} @throws {AdminKeyError} */
export async function openServices(components: ServicesComponents, init: ServicesInit) {
  const { node, clock, logger, resolve = systemResolve, registry = new MetricsRegistry() } = components
  const { folder, providerAliases = {}, allowPrivateWebhooks = false } = init
  const { store, directory, requester } = node
  const adminKey = await loadAdminKey(folder, init.adminKey)
  const secretBox = createSecretBox(init.masterKey ?? (await loadMasterKey(folder)))
  await using stack = new AsyncDisposableStack()
  const records = await openRecords(folder)
  stack.defer(records.close)
  const keys = await openKeyRing({ records, clock }, { adminKey: adminKey.text })
  const tokens = createTokens({ clock }, { secret: await loadTokenSecret(records) })
  const sessions = await openSessions({ records, clock })
  const audit = createAuditLog({ records, clock, logger })
  await audit.load()
  stack.defer(audit.flush)
  const vault = createConfigVault(secretBox)
  const streams = createEventStreams({ clock, logger })
  const holds = createHolds({ keys, sessions, streams, clock })
  keys.onRevoked(holds.look)
  const jobMetrics = createJobMetrics(registry, node)

  const schedules = createScheduleStore(records.schedules)
  const scheduler = createScheduler({
    store,
    directory,
    requester,
    providerAliases,
    records,
    vault,
    schedules,
    clock,
    logger: logger.child({ part: 'schedules' }),
  })

  const batches = createBatchStore(records)
  const batchLogger = logger.child({ part: 'batches' })
  const batchRunner = createBatchRunner({ store, requester, batches, clock, logger: batchLogger })
  const batchDesk = createBatchDesk({ requester, directory, providerAliases, batches, batchRunner, clock })

  const providerLog = createProviderLog({ directory, records, clock, logger })
  const webhooks = createWebhookStore(records)
  const send = createSender({ clock, resolve }, { allowPrivate: allowPrivateWebhooks })
  const webhookLogger = logger.child({ part: 'webhooks' })
  const dispatcher = createDispatcher({ webhooks, secretBox, send, clock, logger: webhookLogger })
  const enqueue = createEnqueue({ records, webhooks, dispatcher, clock, logger: webhookLogger })
  const watch = createWatch({ store, directory, records, webhooks, enqueue, clock })
  const pump = createPump({ store, directory, providerLog, records, enqueue, onEnded: watch.ended })

  const running = stack.move()

  return {
    node,
    clock,
    logger,
    adminKey,
    secretBox,
    records,
    keys,
    tokens,
    sessions,
    holds,
    signIn: createSignInCodes({ clock }),
    vault,
    audit,
    streams,
    registry,
    jobMetrics,
    providerAliases,
    schedules,
    scheduler,
    batches,
    batchRunner,
    batchDesk,
    folder,
    providerLog,
    webhooks,
    dispatcher,
    pump,
    watch,
    resolve,
    allowPrivateWebhooks,

    /** Begins what goes on by itself: schedules, webhooks, metrics. */
    async start(): Promise<void> {
      const background = (name: string, task: (signal: AbortSignal) => Promise<void>) =>
        running.defer(inBackground({ logger }, name, task))
      await providerLog.start()
      running.defer(providerLog.stop)
      await pump.begin()
      await dispatcher.start()
      running.defer(dispatcher.stop)
      background('what keys and sessions hold', holds.run)
      background('webhooks of jobs', pump.pumpJobs)
      background('webhooks of providers', pump.pumpProviders)
      background('costs and alerts', watch.run)
      background('schedules', scheduler.run)
      await batchRunner.start()
      running.defer(batchRunner.idle)
      background('batches', batchRunner.run)
      const retention = { ...DEFAULT_RETENTION, ...init.retention }
      background('retention', async (signal) => await keepForgetting({ store, clock, logger }, retention, signal))
      background('metrics', async (signal) => {
        for await (const entries of followFeed(store, store.feedEnd(), signal)) entries.forEach(jobMetrics.note)
      })
    },
    /** Ends it, in the reverse order, and closes the records. */
    stop: async (): Promise<void> => await running.disposeAsync(),
  }
}
