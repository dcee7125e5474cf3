import type { Webhook } from '../../../client/index.ts'
import { counted } from '../format/amounts.ts'

/** How often it is asked how webhooks are, in ms: no event tells. */
export const HEALTH_MS = 10_000

/** The word for how a webhook is: one whose last attempts did not arrive is failing, however many arrived before. */
export function webhookStatus({ enabled, failing }: Webhook): 'enabled' | 'paused' | 'failing' {
  if (!enabled) return 'paused'
  return failing === null ? 'enabled' : 'failing'
}

/** What the last attempt was answered, and how many there were. */
export function whyFailing({ attempts, responseCode, error }: NonNullable<Webhook['failing']>): string {
  const what = error ?? (responseCode === null ? 'no answer' : `answered ${responseCode}`)
  return `${counted(attempts, 'attempt')} in a row did not arrive: ${what}`
}
