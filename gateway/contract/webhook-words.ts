import type { z } from 'zod'
import type { webhookSchema } from './webhooks.ts'

/** `98% of 100`: how many of the last deliveries that ended arrived; null where none has ended. */
export function recentShare({
  recent: { delivered, failed },
}: Pick<z.output<typeof webhookSchema>, 'recent'>): string | null {
  const of = delivered + failed
  return of === 0 ? null : `${Math.floor((100 * delivered) / of)}% of ${of}`
}
