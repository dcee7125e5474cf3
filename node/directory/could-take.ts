import { isolationFor } from '../../protocol/isolation.ts'
import type { Requirements } from '../../protocol/market-messages.ts'
import { asksForSpeed, type Figures, lacking } from '../../protocol/measured.ts'
import { runsAs } from '../../protocol/platforms.ts'
import type { ProviderView } from './index.ts'

/**
 * Whether an announcement says that this provider takes such jobs, once it has room for one: what it costs, and how its GPUs
 * are, is looked at elsewhere.
 * @param figures what its machine does in a second, as far as that is believed; null where nobody knows
 */
export function couldTake(
  view: ProviderView,
  wanted: Requirements,
  figures: (view: ProviderView) => Figures | null,
): boolean {
  return (
    view.status === 'online' &&
    (wanted.region === '' || wanted.region === view.region) &&
    // As of the announcement, which may be as old as its interval.
    view.uptimeSeconds + view.intervalMs / 1000 >= wanted.minUptimeSeconds &&
    wanted.capabilities.every((capability) => view.capabilities.includes(capability)) &&
    hasLabels(view, wanted.labels) &&
    (!asksForSpeed(wanted.minimums) || lacking(wanted.minimums, figures(view)).length === 0) &&
    (wanted.platforms.length === 0 || runsAs(view, wanted.platforms) !== null) &&
    (wanted.isolation === '' || isolationFor(view.isolations, wanted.isolation) !== null)
  )
}

function hasLabels({ labels }: ProviderView, wanted: Record<string, string>): boolean {
  for (const name in wanted) if (!Object.hasOwn(labels, name) || labels[name] !== wanted[name]) return false
  return true
}
