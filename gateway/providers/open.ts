import { createBackground } from '../../node/background.ts'
import type { Clock } from '../../node/clock.ts'
import type { ClientNode } from '../../node/index.ts'
import type { Logger } from '../../node/logger.ts'
import type { Answers } from '../events/index.ts'
import type { Feature } from '../http/feature.ts'
import type { AnswerJobsComponents } from '../jobs/index.ts'
import { type Database, openTable } from '../records/table.ts'
import { openAddedProviders } from './added.ts'
import { addAddedProviderRoutes } from './added-routes.ts'
import { addBenchRoute } from './bench-route.ts'
import { addProviderHistoryRoute } from './history.ts'
import { addProviderMetricsRoute } from './metrics.ts'
import { addPricingRoute } from './pricing.ts'
import { createProviderLog, type ProviderLog } from './provider-log.ts'
import { addProviderRoutes } from './routes.ts'
import { createProviderSamples, type ProviderSamples } from './samples.ts'

/** What {@link openProviders} works with. */
export interface ProvidersComponents {
  db: Database
  node: Pick<ClientNode, 'market' | 'store' | 'directory' | 'network' | 'requester' | 'uploads' | 'volumes'>
  answers: Answers
  /** The batch of this id, as the API shows it; undefined where there is none, or not yet. */
  batchView: AnswerJobsComponents['batchView']
  clock: Clock
  logger: Logger
}

/** Who sells, at which price, how that was, and the market as a whole. */
export interface Providers extends Feature {
  providerLog: ProviderLog
  providerSamples: ProviderSamples
}

/** @param init.providerAliases other names for providers and networks */
export async function openProviders(
  components: ProvidersComponents,
  init: { providerAliases: Readonly<Record<string, string>> },
): Promise<Providers> {
  const { db, node, answers, batchView, clock, logger } = components
  const { store, directory, network, requester } = node
  const providerLog = createProviderLog({ directory, db, clock, logger })
  const providerSamples = createProviderSamples({ db, directory, clock })
  const addedProviders = await openAddedProviders({ table: openTable(db, 'added-providers'), network, clock, logger })
  const background = createBackground({ logger })
  return {
    ...{ providerLog, providerSamples },
    routes(api) {
      const shared = {
        store,
        directory,
        network,
        answers,
        batchView,
        providerLog,
        providerSamples,
        addedProviders,
        clock,
        ...init,
      }
      addProviderRoutes(api, { ...shared, market: node.market, requester })
      addBenchRoute(api, { ...shared, requester, uploads: node.uploads, volumes: node.volumes })
      addAddedProviderRoutes(api, shared)
      addProviderMetricsRoute(api, shared)
      addPricingRoute(api, shared)
      addProviderHistoryRoute(api, shared)
    },
    async start() {
      await providerLog.start()
      background.run('samples of providers', providerSamples.run)
      background.run('providers that were added', addedProviders.run)
    },
    async stop() {
      await background.stop()
      await providerLog.stop()
    },
  }
}
