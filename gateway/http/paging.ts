import { z } from 'zod'
import type { Pagination } from '../contract/envelope.ts'
import { GatewayError } from './errors.ts'

/** Objects that a page number may pass over where each of them is read for it. */
const MAX_PASSED_OVER = 100_000

/** The object with only the fields asked for. */
export function pick<T extends object>(object: T, fields: string[] | undefined): T {
  if (fields === undefined) return object
  return Object.fromEntries(Object.entries(object).filter(([name]) => fields.includes(name))) as T
}

/**
 * How many objects a page number passes over, in a list that reads each of them for it.
 * @throws {GatewayError} VALIDATION_ERROR where they are too many
 */
export function passedOver({ page, limit }: { page: number; limit: number }): number {
  const offset = (page - 1) * limit
  if (offset <= MAX_PASSED_OVER) return offset
  const message = `passes over ${offset} objects, and ${MAX_PASSED_OVER} are the most: go on with nextCursor, or narrow the list`
  const details = { fields: [{ path: 'page', message }], in: 'query' }
  throw new GatewayError('VALIDATION_ERROR', `page ${message}`, { details })
}

/**
 * A place in a list as the text of `nextCursor`. @param position anything that JSON holds, read back by {@link
 * decodeCursor}
 */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** @throws {GatewayError} VALIDATION_ERROR where it is none of ours, or of another order. */
export function decodeCursor<S extends z.ZodType>(cursor: string, schema: S): z.output<S> {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
  } catch (cause) {
    const fields = [{ path: 'cursor', message: 'is no nextCursor of this list: start again without it' }]
    throw new GatewayError('VALIDATION_ERROR', 'cursor is no nextCursor of this list', {
      details: { fields, in: 'query' },
      cause,
    })
  }
}

/** @param total all objects of the list, of every page @param nextCursor null at the end */
export function pagination(
  total: number,
  query: { page: number; limit: number },
  nextCursor: string | null,
): Pagination {
  const { page, limit } = query
  return { total, page, limit, pages: Math.ceil(total / limit), nextCursor }
}

/** One page of a list, as routes have it. */
export interface Page<T> {
  items: T[]
  pagination: Pagination
}

/** A page of a list that is small enough to be in memory; the cursor is an offset. */
export function pageOf<T>(
  items: readonly T[],
  query: { page: number; limit: number; cursor?: string | undefined },
): Page<T> {
  const start =
    query.cursor === undefined ? (query.page - 1) * query.limit : decodeCursor(query.cursor, z.number().int().min(0))
  const end = start + query.limit
  const nextCursor = end < items.length ? encodeCursor(end) : null
  return { items: items.slice(start, end), pagination: pagination(items.length, query, nextCursor) }
}
