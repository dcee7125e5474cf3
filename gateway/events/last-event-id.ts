import { z } from 'zod'
import type { GatewayContext } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'

/** Query parameters of every route that can also stream. */
export const streamFields = {
  follow: z
    .enum(['true', 'false'])
    .optional()
    .describe('`true`: server-sent events, as with `Accept: text/event-stream`.'),
  lastEventId: z.string().max(32).optional().describe('Instead of the header `Last-Event-ID`.'),
  access_token: z.string().max(1024).optional().describe('A stream token, where no header can be sent.'),
}

/** The number of the last event that the client has. @throws {GatewayError} VALIDATION_ERROR */
export function lastEventId(c: GatewayContext): number | undefined {
  const text = c.req.header('last-event-id') ?? c.req.query('lastEventId')
  if (text === undefined || text === '') return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const fields = [{ path: 'Last-Event-ID', message: 'must be the id of an event of this stream, a whole number' }]
  throw new GatewayError('VALIDATION_ERROR', 'Last-Event-ID must be a whole number', { details: { fields } })
}
