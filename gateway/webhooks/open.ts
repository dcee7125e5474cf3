import { createBackground } from '../../node/background.ts'
import type { Clock } from '../../node/clock.ts'
import type { Directory } from '../../node/directory/index.ts'
import type { Logger } from '../../node/logger.ts'
import type { SecretBox } from '../../node/store/secret-box.ts'
import type { KeysBehind } from '../auth/index.ts'
import type { Feature } from '../http/feature.ts'
import type { ProviderLog } from '../providers/index.ts'
import type { Database } from '../records/table.ts'
import { type Resolve, systemResolve } from './address-check.ts'
import { addDeliveryRoutes } from './delivery-routes.ts'
import { createDispatcher, type Dispatcher } from './dispatcher.ts'
import { describeWebhooks } from './document.ts'
import { createEnqueue } from './enqueue.ts'
import { createPump, type PumpComponents } from './pump.ts'
import { addWebhookRoutes } from './routes.ts'
import { createSender } from './send.ts'
import { createWatch, type WatchComponents } from './watch.ts'
import { openWebhookStore, type WebhookStore } from './webhook-store.ts'

/** What {@link openWebhooks} works with. */
export interface WebhooksComponents {
  db: Database
  store: PumpComponents['store'] & WatchComponents['store']
  directory: Directory
  providerLog: ProviderLog
  secretBox: SecretBox
  keysBehind: KeysBehind
  /** How host names are resolved. @default the system's */
  resolve?: Resolve | undefined
  clock: Clock
  logger: Logger
}

/** Where webhooks may lead. */
export interface WebhooksInit {
  /** Whether they may lead to private addresses. @default false */
  allowPrivateWebhooks?: boolean
}

/** Tells others of events. To be started after what it listens to. */
export interface Webhooks extends Feature {
  webhooks: WebhookStore
  dispatcher: Dispatcher
  pump: ReturnType<typeof createPump>
  watch: ReturnType<typeof createWatch>
}

/** Reads the ids of all of them; hears and sends nothing before its `start`. */
export async function openWebhooks(components: WebhooksComponents, init: WebhooksInit): Promise<Webhooks> {
  const { db, store, directory, providerLog, secretBox, keysBehind, resolve = systemResolve, clock } = components
  const allowPrivate = init.allowPrivateWebhooks === true
  const logger = components.logger.child({ part: 'webhooks' })
  const webhooks = await openWebhookStore({ db, keysBehind })
  const send = createSender({ clock, resolve }, { allowPrivate })
  const dispatcher = createDispatcher({ webhooks, secretBox, send, clock, logger })
  const enqueue = createEnqueue({ db, webhooks, dispatcher, clock, logger })
  const watch = createWatch({ store, directory, db, webhooks, enqueue, clock })
  const pump = createPump({ store, directory, providerLog, db, enqueue, onEnded: watch.ended })
  const background = createBackground(components)
  return {
    ...{ webhooks, dispatcher, pump, watch },
    routes(api) {
      addWebhookRoutes(api, { webhooks, dispatcher, secretBox, clock, resolve, allowPrivate })
      addDeliveryRoutes(api, { webhooks, dispatcher, clock })
      describeWebhooks(api)
    },
    async start() {
      await pump.begin()
      await dispatcher.start()
      background.run('webhooks of jobs', pump.pumpJobs)
      background.run('webhooks of providers', pump.pumpProviders)
      background.run('costs and alerts', watch.run)
    },
    async stop() {
      await background.stop()
      await dispatcher.stop()
    },
  }
}
