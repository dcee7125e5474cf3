import { z } from 'zod'
import { dialTargets, peerIdOf } from '../../node/network/addresses.ts'
import { isPeerId } from '../../protocol/ids.ts'

const MAX_ENDPOINTS = 8

const fields = {
  name: z.string().min(1).max(64).describe('What people call it, until it says its own name.'),
  endpoints: z
    .array(z.string().max(256))
    .min(1)
    .max(MAX_ENDPOINTS)
    .superRefine((endpoints, context) => {
      const ids = endpoints.map(dialledPeer)
      for (const [i, id] of ids.entries()) {
        if (id === null) {
          const message =
            'must be a multiaddr that can be dialled, with a peer id, such as /ip4/192.0.2.7/tcp/13100/p2p/12D3KooW…'
          context.addIssue({ code: 'custom', path: [i], message })
        } else if (id !== ids[0] && ids[0] !== null) {
          context.addIssue({ code: 'custom', path: [i], message: 'must end with the peer id of the first one' })
        }
      }
    })
    .describe('Multiaddrs of one peer, each with its peer id.'),
  config: z
    .record(z.string().min(1).max(64), z.string().max(256))
    .refine((config) => Object.keys(config).length <= 32, 'may have 32 entries at most')
    .describe('Kept for you; nothing is done with it.'),
}

/**
 * Body of `POST /plugin-core/providers`: a peer to dial, by 1 to 8 multiaddrs that all end with its peer id; its id is
 * taken from them.
 */
export const newProviderSchema = z
  .strictObject({
    name: fields.name,
    type: z.literal('p2p').describe('There is no other.'),
    endpoints: fields.endpoints,
    config: fields.config.default({}),
  })
  .meta({ id: 'NewProvider', description: 'A peer for this gateway to dial.' })

/**
 * Body of `PUT /plugin-core/providers/{id}`: what is absent stays as it is, and `endpoints` and `config` are replaced
 * as a whole.
 */
export const providerChangesSchema = z
  .strictObject({
    name: fields.name.optional(),
    endpoints: fields.endpoints.optional().describe('Of the same peer.'),
    config: fields.config.optional(),
  })
  .meta({
    id: 'ProviderChanges',
    description: 'What is absent stays as it is; `endpoints` and `config` are replaced as a whole.',
  })

/** The peer that answers at an address; null where there is none that may be dialled. */
export function dialledPeer(address: string): string | null {
  try {
    const id = peerIdOf(address)
    return id !== undefined && isPeerId(id) && dialTargets(id, [address]).length === 1 ? id : null
  } catch {
    return null // no multiaddr
  }
}
