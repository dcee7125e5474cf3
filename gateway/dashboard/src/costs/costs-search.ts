import type { CostPeriod } from '../../../client/index.ts'
import { COST_PERIODS, DAY_MS, MAX_COST_DAYS } from '../../../contract/costs.ts'
import { type Zoom, zoomOf } from '../charts/time-range.ts'

/** By what costs are shown; by day unless the address says otherwise. */
export const GROUPINGS = { day: 'By day', provider: 'By provider', label: 'By label' } as const
/** One of {@link GROUPINGS}. */
export type CostGrouping = keyof typeof GROUPINGS

/** What the address of the costs says: of which time, by what, and of which label. */
export interface CostsSearch extends Zoom {
  period?: CostPeriod | undefined
  by?: CostGrouping | undefined
  label?: string | undefined
}

/** The same of an address; what makes no sense is left out. */
export function costsSearchOf({ period, by, label, ...rest }: Record<string, unknown>): CostsSearch {
  const search: CostsSearch = {
    period: isKey(COST_PERIODS, period) ? period : undefined,
    by: isKey(GROUPINGS, by) && by !== 'day' ? by : undefined,
    label: typeof label === 'string' && label !== '' ? label.slice(0, 100) : undefined,
    ...withinYear(zoomOf(rest)),
  }
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined))
}

/** No longer than what the gateway adds up. */
function withinYear(zoom: Zoom): Zoom {
  return (zoom.to ?? 0) - (zoom.from ?? 0) > MAX_COST_DAYS * DAY_MS ? {} : zoom
}

function isKey<T extends object>(object: T, name: unknown): name is keyof T {
  return typeof name === 'string' && Object.hasOwn(object, name)
}
