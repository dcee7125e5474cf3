import { createBackground } from '../../node/background.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { KeysBehind } from '../auth/index.ts'
import type { Feature } from '../http/feature.ts'
import type { Database } from '../records/table.ts'
import { addScheduleRoutes } from './routes.ts'
import { openScheduleStore, type ScheduleStore } from './schedule-store.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import type { RunComponents } from './submit-run.ts'
import type { Pace } from './tick-runs.ts'

/** Jobs that run at given times. */
export interface Schedules extends Feature {
  schedules: ScheduleStore
  scheduler: Scheduler
}

/** Reads the ids of all of them; ticks begin with its `start`. */
export async function openSchedules(
  components: RunComponents & { db: Database; keysBehind: KeysBehind; pace: Pace; clock: Clock; logger: Logger },
): Promise<Schedules> {
  const { db, keysBehind, pace, ...rest } = components
  const logger = rest.logger.child({ part: 'schedules' })
  const schedules = await openScheduleStore({ db, keysBehind })
  const scheduler = createScheduler({ ...rest, pace, schedules, logger })
  const background = createBackground(components)
  return {
    ...{ schedules, scheduler },
    routes: (api) => addScheduleRoutes(api, { ...rest, schedules, scheduler }),
    async *stillToRun() {
      // What runs by a template, that has; what a key left behind runs for nobody. What is paused may go on.
      for await (const { owner, stored, disabled } of schedules.all()) {
        if (stored !== null && !disabled) yield { owner, spec: stored.config }
      }
    },
    start: async () => background.run('schedules', scheduler.run),
    stop: background.stop,
  }
}
