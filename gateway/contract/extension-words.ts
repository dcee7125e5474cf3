import type { z } from 'zod'
import type { extensionSchema } from './extension.ts'
import { dollars, exact, span } from './plain-words.ts'

/** What more time means, before one agrees to it. */
export function extensionWords(extension: z.output<typeof extensionSchema>): string {
  const { additional, duration, endsAt, cost, projected, extends: doesExtend } = extension
  const end = endsAt === null ? `may run for ${span(duration)} in all` : `ends ${exact(endsAt)} at the latest`
  const price = `costs at most ${dollars(cost)} more, ${dollars(projected)} in all`
  const refusal = doesExtend === false ? ' Its provider says that it does not extend jobs.' : ''
  return `With ${span(additional)} more it ${end} and ${price}.${refusal}`
}
