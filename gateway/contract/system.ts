import { z } from 'zod'

/**
 * An entry of the audit: a change that somebody made or tried to make, or a wrong key. `id` counts from 1; `keyId` and
 * `owner` are null where nobody was signed in.
 */
export const auditEntrySchema = z
  .strictObject({
    id: z.number().int().describe('Counts from 1.'),
    timestamp: z.iso.datetime().describe('When.'),
    keyId: z.string().nullable().describe('The key that was used; null where nobody was signed in.'),
    owner: z.string().nullable().describe('Whose key that is; null where nobody was signed in.'),
    method: z.string().describe('Of the request.'),
    path: z.string().describe('Of the request.'),
    status: z.number().int().describe('HTTP status of the answer.'),
    requestId: z.string().describe('`X-Request-Id` of the answer.'),
    address: z.string().describe('From where it came.'),
  })
  .meta({ id: 'AuditEntry', description: 'A change that somebody made or tried to make, or a wrong key.' })

/** Answer of `GET /health`, which takes no key. */
export const healthSchema = z
  .strictObject({
    status: z.literal('ok').describe('It answers.'),
    version: z.string().describe('Of the program.'),
    uptime: z.number().describe('Seconds.'),
    peerId: z.string().describe('Of the gateway’s peer.'),
    peers: z.number().int().describe('That it is connected with.'),
    providers: z.number().int().describe('Online.'),
  })
  .meta({ id: 'Health', description: 'How the gateway is.' })

/** What went between the gateway and one peer that it is connected with. */
export const peerTrafficSchema = z
  .strictObject({
    peer: z.string().describe('Peer id.'),
    receivedBytes: z.number().int().describe('Since it connected, on the wire.'),
    sentBytes: z.number().int().describe('Likewise.'),
  })
  .meta({ id: 'PeerTraffic', description: 'What went between the gateway and one peer that it is connected with.' })

/** Answer of `GET /system/rate-limits`. */
export const rateLimitsSchema = z
  .strictObject({
    limit: z.number().int().describe('Requests a minute.'),
    remaining: z.number().int().describe('Requests left of them.'),
    reset: z.number().int().describe('When the minute is over, in epoch seconds.'),
    enforced: z.boolean().describe('Whether more than that are refused.'),
  })
  .describe('How much may be asked for.')
