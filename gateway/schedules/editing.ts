import type { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { behind } from '../auth/index.ts'
import type { newScheduleSchema, scheduleChangesSchema } from '../contract/schedules.ts'
import { GatewayError } from '../http/errors.ts'
import { assertPermission, type Principal } from '../http/principal.ts'
import type { ConfigVault } from '../jobs/index.ts'
import { newId } from '../records/ids.ts'
import type { ScheduleRecord, ScheduleStore } from './schedule-store.ts'
import type { Scheduler } from './scheduler.ts'
import type { RunComponents } from './submit-run.ts'

type NewSchedule = z.output<typeof newScheduleSchema>
type ScheduleChanges = z.output<typeof scheduleChangesSchema>

/** What {@link createEditing} works with. */
export interface EditingComponents {
  schedules: ScheduleStore
  scheduler: Pick<Scheduler, 'wake'>
  vault: ConfigVault
  templateOf: RunComponents['templateOf']
  clock: Clock
}

/** Makes schedules and changes them, for somebody who may. */
export interface Editing {
  /** @throws {GatewayError} where the template is none of theirs @throws {ZodError} where it makes no valid job */
  add(who: Principal, schedule: NewSchedule): Promise<ScheduleRecord>
  /** The same. */
  change(who: Principal, id: string, changes: ScheduleChanges): Promise<ScheduleRecord>
  /** Ticks while it was paused are passed over. */
  setEnabled(who: Principal, id: string, enabled: boolean): Promise<ScheduleRecord>
}

/** Whoever adds or changes a schedule of their own stands behind it from then on; the scheduler looks again at once. */
export function createEditing({ schedules, scheduler, vault, templateOf, clock }: EditingComponents): Editing {
  async function update(
    who: Principal,
    id: string,
    change: (schedule: ScheduleRecord) => Partial<ScheduleRecord>,
  ): Promise<ScheduleRecord> {
    const changed = await schedules.update(id, (schedule) => ({
      ...behind(who, schedule.owner),
      ...change(schedule),
      updatedAtMs: clock.nowMs(),
    }))
    scheduler.wake()
    if (changed === undefined) throw noSchedule(id)
    return changed
  }

  async function assertTemplate(who: Principal, id: string | undefined): Promise<void> {
    if (id === undefined) return
    assertPermission(who, 'templates:read')
    const template = await templateOf(id)
    if (template === undefined || template.owner !== who.owner) {
      throw new GatewayError('RESOURCE_NOT_FOUND', `There is no template ${id} of yours`)
    }
  }

  function resealed({ id, stored: before }: ScheduleRecord, config: Parameters<ConfigVault['seal']>[1]) {
    const stored = vault.reseal(id, config, before ?? { config: {} })
    vault.open(id, stored)
    return { stored, templateId: null }
  }

  return {
    async add(who, { config, templateId, ...fields }) {
      await assertTemplate(who, templateId)
      const nowMs = clock.nowMs()
      const id = newId('schedule', nowMs)
      const stored = config === undefined ? null : vault.seal(id, config)
      if (stored !== null) vault.open(id, stored)
      const schedule: ScheduleRecord = {
        id,
        owner: who.owner,
        ...behind(who, who.owner),
        ...fields,
        stored,
        templateId: templateId ?? null,
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
        handledMs: nowMs,
        submittingMs: null,
        lastRuns: [],
        activeJobs: [],
      }
      await schedules.add(schedule)
      scheduler.wake()
      return schedule
    },
    async change(who, id, { config, templateId, ...changes }) {
      await assertTemplate(who, templateId)
      return await update(who, id, (schedule) => {
        const rhythm = changes.schedule !== undefined || changes.timezone !== undefined || changes.enabled === true
        const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
        return {
          ...(given as Partial<ScheduleRecord>),
          ...(rhythm ? { handledMs: clock.nowMs() } : {}),
          ...(config === undefined ? {} : resealed(schedule, config)),
          ...(templateId === undefined ? {} : { templateId, stored: null }),
        }
      })
    },
    setEnabled: async (who, id, enabled) =>
      await update(who, id, () => ({ enabled, ...(enabled ? { handledMs: clock.nowMs() } : {}) })),
  }
}

/** RESOURCE_NOT_FOUND, whether there is none or it is another owner's. */
export function noSchedule(id: string): GatewayError {
  return new GatewayError('RESOURCE_NOT_FOUND', `There is no schedule ${id}`)
}
