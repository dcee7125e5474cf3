import type { JobError } from '../../../client/index.ts'

/** Reasons that say less by themselves than who came nearest and why. */
const NOT_TAKEN = ['declined', 'no-bid']

/** Why a job failed, in the fewest words: `out of memory`, `Exit Code 3`, `nobody took it`. */
export function shortReason({ message, details: { reason } }: JobError): string {
  if (typeof reason !== 'string') return message.replace(/[.\s]+$/, '')
  return NOT_TAKEN.includes(reason) ? 'nobody took it' : reason.replaceAll('-', ' ')
}
