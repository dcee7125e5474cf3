import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { fieldErrors } from '../../protocol/field-errors.ts'

function messageOf(schema: z.ZodType, input: unknown): string | undefined {
  const parsed = schema.safeParse(input)
  return parsed.success ? undefined : fieldErrors(parsed.error)[0]?.message
}

/** Schemas that name no message of their own. */
const CASES: [schema: z.ZodType, input: unknown, message: string][] = [
  [z.string(), undefined, 'is missing: it must be text'],
  [z.string(), null, 'is null: it must be text'],
  [z.string(), 5, 'is a number: it must be text'],
  [z.string(), [], 'is a list: it must be text'],
  [z.string(), {}, 'is an object: it must be text'],
  [z.string().min(1), '', 'must not be empty'],
  [z.string().min(3), 'ab', 'must have at least 3 characters'],
  [z.string().max(3), 'abcd', 'must have at most 3 characters'],
  [z.number(), '5', 'is text: it must be a number'],
  [z.number(), Number.NaN, 'is not a finite number: it must be a number'],
  [z.number().int(), 1.5, 'must be a whole number'],
  [z.int().min(1), 0, 'must be a whole number, at least 1'],
  [z.int().max(9), 10, 'must be a whole number, at most 9'],
  [z.int().min(1).max(9), 10, 'must be a whole number from 1 to 9'],
  [z.number().min(0.5).max(1), 2, 'must be a number from 0.5 to 1'],
  [z.int().min(1).max(9).meta({ 'x-unit': 'pages' }), 0, 'must be a whole number of pages from 1 to 9'],
  [z.int().min(1).default(3), 0, 'must be a whole number, at least 1'],
  [z.coerce.number().int().min(1), 'x', 'is not a finite number: it must be a whole number, at least 1'],
  [z.boolean(), 'true', 'is text: it must be true or false'],
  [z.string(), true, 'is true: it must be text'],
  [z.enum(['a', 'b']), 'c', 'must be one of "a", "b"'],
  [z.enum(['a', 'b']), undefined, 'is missing: it must be one of "a", "b"'],
  [z.literal('p2p'), 'x', 'must be one of "p2p"'],
  [z.array(z.string()), 'x', 'is text: it must be a list'],
  [z.array(z.string()).min(1), [], 'must not be empty'],
  [z.array(z.string()).max(1), ['a', 'b'], 'must have at most 1 entries'],
  [z.object({}), 5, 'is a number: it must be an object'],
  [z.record(z.string(), z.string()), [], 'is a list: it must be an object'],
  [z.record(z.string().max(1), z.string()), { ab: '' }, 'is not a valid name: it must have at most 1 characters'],
  [z.string().regex(/^a$/, 'must be the letter a'), 'b', 'must be the letter a'],
  [z.string().regex(/^a$/, 'must be the letter a'), 5, 'is a number: it must be the letter a'],
  [z.union([z.string(), z.number()]), true, 'is true: it must be text or a number'],
  [z.union([z.string().regex(/^a$/, 'must be the letter a'), z.number()]), 'b', 'must be the letter a'],
  [z.union([z.string(), z.array(z.number())]), ['b'], 'is text: it must be a number'],
  [z.union([z.string(), z.array(z.number()).min(1)]), [], 'must not be empty'],
]

describe('fieldErrors', () => {
  CASES.forEach(([schema, input, message], index) => {
    it(`${message} (${index})`, () => assert.equal(messageOf(schema, input), message))
  })

  it('writes paths as people write them in code', () => {
    const schema = z.object({ a: z.array(z.object({ b: z.record(z.string(), z.string()) })) })
    const parsed = schema.safeParse({ a: [{ b: {} }, { b: { 'x.y': 1 } }] })
    assert.deepEqual(
      fieldErrors(parsed.error ?? new z.ZodError([])).map(({ path }) => path),
      ['a[1].b.x.y'],
    )
  })

  it('says a thing once', () => {
    const schema = z.number().int().max(9)
    const parsed = schema.safeParse(1e300)
    assert.equal(fieldErrors(parsed.error ?? new z.ZodError([])).length, 1)
  })
})
