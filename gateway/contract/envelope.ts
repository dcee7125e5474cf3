import { z } from 'zod'
import { ERROR_STATUS, type ErrorCode } from './errors.ts'

/** Where in a list a page is. `page` and `limit` are those asked for. */
const paginationSchema = z
  .strictObject({
    total: z.number().int().describe('All that match; with `atLeast`, those that were counted.'),
    page: z.number().int().describe('The one asked for.'),
    limit: z.number().int().describe('Objects a page, as asked for.'),
    pages: z.number().int().describe('How many pages there are.'),
    atLeast: z.literal(true).optional().describe('There are more than `total`: counting them all would take too long.'),
    searched: z
      .number()
      .int()
      .optional()
      .describe('How many objects were looked at, where those were not all: `nextCursor` searches on.'),
    nextCursor: z.string().nullable().describe('Give it as `cursor` for the next page; null at the end.'),
  })
  .meta({ id: 'Pagination', description: 'Where in a list a page is.' })
/** What the answer to a list says of its page. */
export type Pagination = z.output<typeof paginationSchema>

/** Schema of a success with this data. */
export function successSchema<D extends z.ZodType>(data: D) {
  return z.strictObject({ success: z.literal(true).describe('It was done.'), data })
}

/** `data` of what answers no object. */
export const messageSchema = z.strictObject({ message: z.string().describe('For people.') }).describe('It was done.')

/** Schema of one page of a list. */
export function pageSchema<D extends z.ZodType>(item: D) {
  return z.strictObject({
    success: z.literal(true).describe('It was done.'),
    data: z.array(item).describe('The objects of this page, in the order that was asked for; none behind the last.'),
    meta: z.strictObject({ pagination: paginationSchema }).describe('What is said of the list.'),
  })
}

/** Body of every answer that is no success. Programs match `code`, whose HTTP status is in {@link ERROR_STATUS}. */
export const errorSchema = z
  .strictObject({
    success: z.literal(false).describe('It was not done.'),
    error: z
      .strictObject({
        code: z
          .enum(Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]])
          .describe('What programs match; docs/api-errors.md says when each is answered, and what to do.'),
        message: z.string().describe('What is wrong, and what would be right.'),
        details: z
          .record(z.string(), z.unknown())
          .optional()
          .describe('Of a validation error: `fields`, each by path.'),
      })
      .describe('Why it was not.'),
  })
  .meta({ id: 'Error', description: 'What every refused request is answered.' })

/** The body of a success, of the form of {@link successSchema}. */
export function success<T>(data: T): { success: true; data: T } {
  return { success: true, data }
}

/** The body of one page of a list, of the form of {@link pageSchema}. */
export function page<T>(
  data: T[],
  pagination: Pagination,
): { success: true; data: T[]; meta: { pagination: Pagination } } {
  return { success: true, data, meta: { pagination } }
}
