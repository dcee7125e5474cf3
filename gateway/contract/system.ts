import { z } from 'zod'

/**
 * An entry of the audit: a change that somebody made or tried to make, or a wrong key. `id` counts from 1; `keyId` and
 * `owner` are null where nobody was signed in.
 */
export const auditEntrySchema = z
  .strictObject({
    id: z.number().int(),
    timestamp: z.iso.datetime(),
    keyId: z.string().nullable(),
    owner: z.string().nullable(),
    method: z.string(),
    path: z.string(),
    status: z.number().int(),
    requestId: z.string(),
    address: z.string(),
  })
  .meta({ id: 'AuditEntry' })

/** Answer of `GET /health`, which takes no key. */
export const healthSchema = z
  .strictObject({
    status: z.literal('ok'),
    version: z.string(),
    uptime: z.number().describe('Seconds.'),
    peerId: z.string(),
    peers: z.number().int(),
    providers: z.number().int().describe('Online.'),
  })
  .meta({ id: 'Health' })

/** What went between the gateway and one peer that it is connected with. */
export const peerTrafficSchema = z
  .strictObject({
    peer: z.string().describe('Peer id.'),
    receivedBytes: z.number().int().describe('Since it connected, on the wire.'),
    sentBytes: z.number().int().describe('Likewise.'),
  })
  .meta({ id: 'PeerTraffic' })
