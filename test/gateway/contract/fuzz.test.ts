import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { ADMIN_KEY, type Operation, openApiUnderTest } from './api-under-test.ts'

const REQUESTS = 5000
/** A connection that stays open would never answer. */
const STREAMING = new Set(['follow', 'access_token'])

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e400',
    'NaN',
    '__proto__',
    'constructor',
    '../../etc/passwd',
    '%00',
    'true',
    '2026-01-01T00:00:00Z',
  ),
  fc.constantFrom(
    'createdAt:desc',
    'id',
    'running,failed',
    'job_01k8m3q7w9x2v5n4c6b8d0f1g3',
    '512Mi',
    'p2p',
    'x'.repeat(5000),
  ),
)
const json = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  text,
  fc.constantFrom(null, -1, 0, 1.5, 1e308, Number.MAX_SAFE_INTEGER, '', [], {}),
) as fc.Arbitrary<unknown>

/** A body that begins as the example: some of its fields replaced, some left out, some that nobody knows. */
function bodies(example: unknown): fc.Arbitrary<unknown> {
  if (typeof example !== 'object' || example === null || Array.isArray(example)) return json
  const fields = Object.entries(example).map(([name, value]) => {
    const value$ = fc.oneof(
      { weight: 3, arbitrary: fc.constant(value as unknown) },
      { weight: 1, arbitrary: bodies(value) },
    )
    return [name, value$] as const
  })
  const like = fc.record(Object.fromEntries(fields), { requiredKeys: [] })
  const known = fc.constantFrom(
    'cpu',
    'memory',
    'env',
    'secrets',
    'labels',
    'ports',
    'constraints',
    'maxPrice',
    'command',
    'config',
  )
  return fc.oneof(
    { weight: 6, arbitrary: like },
    { weight: 3, arbitrary: fc.tuple(like, known, json).map(([body, name, value]) => ({ ...body, [name]: value })) },
    { weight: 2, arbitrary: fc.tuple(like, text, json).map(([body, name, value]) => ({ ...body, [name]: value })) },
    { weight: 1, arbitrary: json },
  )
}

function requests(operation: Operation) {
  const query = operation.query.filter((name) => !STREAMING.has(name))
  const named = query.length === 0 ? text : fc.oneof(fc.constantFrom(...query), fc.constant('label.x'))
  return fc.record({
    operation: fc.constant(operation),
    params: fc.option(fc.record({ id: text, name: text, deliveryId: text }), { nil: null }),
    query: fc.dictionary(named, text, { maxKeys: 3 }),
    json: operation.hasBody ? bodies(operation.example) : fc.constant(undefined),
    idempotency: fc.option(fc.string({ minLength: 1, maxLength: 20 }), { nil: null, freq: 5 }),
  })
}

describe('whatever is sent', () => {
  let api: Awaited<ReturnType<typeof openApiUnderTest>>
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  before(async () => {
    api = await openApiUnderTest()
    process.on('unhandledRejection', note)
  })
  after(async () => {
    process.off('unhandledRejection', note)
    await api.gateway.close()
  })

  it(`finds no error of the gateway's own in ${REQUESTS} requests`, async () => {
    const real = new Map<string, Record<string, string>>()
    for (const operation of api.operations) real.set(operation.id, await api.made(operation, ADMIN_KEY))
    const codes = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(...api.operations.map(requests)),
        async ({ operation, params, query, json, idempotency }) => {
          for (const name of STREAMING) delete query[name]
          const headers = idempotency === null ? {} : { 'Idempotency-Key': Buffer.from(idempotency).toString('hex') }
          const answer = await api.call(operation, params ?? real.get(operation.id) ?? {}, {
            query,
            headers,
            ...(json === undefined ? {} : { json }),
          })
          codes.set(answer.status, (codes.get(answer.status) ?? 0) + 1)
        },
      ),
      { numRuns: REQUESTS },
    )
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(unhandled, [])
    // Not all were turned away at the door.
    assert.ok((codes.get(200) ?? 0) > REQUESTS / 20, JSON.stringify([...codes]))
    assert.ok((codes.get(400) ?? 0) > REQUESTS / 20, JSON.stringify([...codes]))
  })
})
