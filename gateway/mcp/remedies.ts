import type { ClientErrorCode } from '../client/index.ts'

/** What a model is to do about each code. */
const REMEDIES = {
  VALIDATION_ERROR: 'Correct the fields that are named, and call again.',
  UNAUTHORIZED: 'The key is missing, wrong or has ended: ask whoever set this up for another.',
  FORBIDDEN: 'The key may not do this: ask whoever set this up, and do not try again.',
  JOB_NOT_FOUND: 'Look for the job with jobs: its id is wrong, or it is another owner’s.',
  PROVIDER_NOT_FOUND: 'Leave provider out, so that any provider may take the job.',
  WEBHOOK_NOT_FOUND: 'It is not there.',
  DELIVERY_NOT_FOUND: 'It is not there.',
  RESOURCE_NOT_FOUND: 'Check the path or the name: list_files says what is there.',
  PROVIDER_CONFLICT: 'The provider does not allow it: the message says why.',
  DUPLICATE_WEBHOOK: 'There is one already.',
  JOB_STATE_CONFLICT: 'The job is not in a state that allows this: call job to see how far it is.',
  IDEMPOTENCY_CONFLICT: 'Call again.',
  LIMIT_REACHED: 'There are too many: remove some first.',
  UPLOAD_CONFLICT: 'Call again.',
  PAYLOAD_TOO_LARGE: 'Send less at once: write a large file in parts, with exec and >>.',
  RANGE_NOT_SATISFIABLE: 'The file ends before that offset.',
  RATE_LIMIT_EXCEEDED: 'Wait a minute, then call again, and use waitSeconds in place of many calls.',
  INTERNAL_ERROR: 'Call once more; if it fails again, report it with the requestId.',
  PROVIDER_UNAVAILABLE: 'The provider cannot be reached, or has nothing yet: call again in some seconds.',
  STORE_UNAVAILABLE: 'The gateway’s disk is full: whoever runs it has to free space.',
  CONNECTION_FAILED: 'The gateway cannot be reached: whoever runs it has to look.',
  TIMED_OUT: 'Call again.',
  STREAM_LOST: 'Call again.',
  UNEXPECTED_ANSWER: 'What answers is no gateway: the address has to be corrected.',
} as const satisfies Record<ClientErrorCode, string>

/** What to do about an error of the API. */
export function remedyOf(code: ClientErrorCode): string {
  return REMEDIES[code]
}
