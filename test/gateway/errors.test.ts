import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { ERROR_STATUS } from '../../gateway/contract/errors.ts'

/** The codes of the contract: none may vanish or change its status. */
const CONTRACT: [number, string[]][] = [
  [400, ['VALIDATION_ERROR']],
  [401, ['UNAUTHORIZED']],
  [403, ['FORBIDDEN']],
  [404, ['JOB_NOT_FOUND', 'PROVIDER_NOT_FOUND', 'WEBHOOK_NOT_FOUND', 'DELIVERY_NOT_FOUND', 'RESOURCE_NOT_FOUND']],
  [
    409,
    [
      'PROVIDER_CONFLICT',
      'DUPLICATE_WEBHOOK',
      'JOB_STATE_CONFLICT',
      'IDEMPOTENCY_CONFLICT',
      'LIMIT_REACHED',
      'UPLOAD_CONFLICT',
    ],
  ],
  [413, ['PAYLOAD_TOO_LARGE']],
  [416, ['RANGE_NOT_SATISFIABLE']],
  [429, ['RATE_LIMIT_EXCEEDED']],
  [500, ['INTERNAL_ERROR']],
  [503, ['PROVIDER_UNAVAILABLE', 'STORE_UNAVAILABLE']],
]

describe('error codes', () => {
  it('have the statuses of the contract', () => {
    const contract = Object.fromEntries(CONTRACT.flatMap(([status, codes]) => codes.map((code) => [code, status])))
    assert.deepEqual(Object.entries(ERROR_STATUS).toSorted(), Object.entries(contract).toSorted())
  })

  it('are documented, each with its status, and nothing else is', async () => {
    const page = await readFile(new URL('../../docs/api-errors.md', import.meta.url), 'utf8')
    const documented = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map(([, code, status]) => [
      code,
      Number(status),
    ])
    assert.deepEqual(documented.toSorted(), Object.entries(ERROR_STATUS).toSorted())
  })
})
