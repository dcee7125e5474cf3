import { createBackground } from '../../node/background.ts'
import type { Clock } from '../../node/clock.ts'
import type { ClientNode } from '../../node/index.ts'
import type { Logger } from '../../node/logger.ts'
import { type Retention, StoreUnavailableError } from '../../node/store/index.ts'
import type { StillToRun } from '../../node/uploads/index.ts'
import type { Answers } from '../events/index.ts'
import type { Feature } from '../http/feature.ts'
import type { AnswerJobsComponents } from './answer-jobs.ts'
import { addChangeRoutes } from './change-routes.ts'
import { addHistoryRoutes } from './history-routes.ts'
import { createNeeded } from './needed.ts'
import { addOutputRoute } from './output-route.ts'
import { addQueryRoutes } from './query-routes.ts'
import { DEFAULT_RETENTION, keepForgetting } from './retention.ts'
import { addWhyRoute } from './why-route.ts'

/** What {@link openJobs} works with. */
export interface JobsComponents {
  node: Pick<ClientNode, 'store' | 'directory' | 'requester' | 'outputs' | 'uploads' | 'volumes'>
  answers: Answers
  /** Jobs that may come of what is kept, and whose outputs they bring. */
  stillToRun(): AsyncIterable<StillToRun>
  /** Whether the batch of this id has not ended. */
  batchGoesOn(id: string): Promise<boolean>
  /** The batch of this id, as the API shows it; undefined where there is none, or not yet. */
  batchView: AnswerJobsComponents['batchView']
  clock: Clock
  logger: Logger
}

/** How jobs are called, and how long they and what they leave are kept. */
export interface JobsInit {
  /** Other names for providers and networks. */
  providerAliases: Readonly<Record<string, string>>
  /** How long jobs, and their output, samples and events are kept after a job's end. @default DEFAULT_RETENTION */
  retention?: Partial<Retention> | undefined
}

/** Everything that concerns single jobs; what reaches into their containers is in `reach`. */
export function openJobs(components: JobsComponents, init: JobsInit): Feature {
  const { node, answers, batchView, clock, logger } = components
  const { store, directory, requester, outputs, uploads, volumes } = node
  const { providerAliases, retention } = init
  const background = createBackground({ logger })
  return {
    routes(api) {
      // What cannot be written waits until it can; nobody is to wait for that with a request.
      api.use('/plugin-core/jobs/*', async (c, next) => {
        const problem = store.problem()
        if (c.req.method !== 'GET' && problem !== null) throw new StoreUnavailableError(problem)
        await next()
      })
      addQueryRoutes(api, { store, directory, requester, answers, batchView, clock })
      addChangeRoutes(api, { store, directory, requester, uploads, volumes, providerAliases })
      addWhyRoute(api, { store, directory, requester, uploads, volumes, providerAliases })
      addHistoryRoutes(api, { store, answers, clock })
      addOutputRoute(api, { store, outputs, answers, clock })
    },
    async start() {
      const kept = { ...DEFAULT_RETENTION, ...retention }
      const forgetting = { store, outputs, isNeeded: createNeeded({ ...components, store }), clock, logger }
      background.run('retention', async (signal) => await keepForgetting(forgetting, kept, signal))
    },
    stop: background.stop,
  }
}
