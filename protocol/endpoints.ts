/** How the exposed ports of a running job do, as a provider tells it with its heartbeats. */

import { z } from 'zod'
import { checkOneOf, checkRange, invalidField } from './check-fields.ts'
import type { EndpointState as WireEndpointState } from './gen/cortex/v1/endpoints_pb.js'
import { MAX_PORTS } from './limits.ts'

/** `unknown`: it was not looked at, or cannot be told from outside, as with UDP of some sandboxes. */
export type EndpointHealth = 'answering' | 'silent' | 'unknown'

/** One exposed port of a running job. */
export interface EndpointState {
  /** In the container, 1 to 65,535. */
  port: number
  protocol: 'TCP' | 'UDP'
  health: EndpointHealth
  /** Where everybody reaches it at the provider's machine; null where it is not published. */
  published: { address: string; port: number } | null
}

/** In the words of Docker; an image without a health check has none of them. */
export const CONTAINER_HEALTHS = ['starting', 'healthy', 'unhealthy'] as const
/** What an image's own health check says of a running container. */
export type ContainerHealth = (typeof CONTAINER_HEALTHS)[number]

/** Null where nobody said, or something that this version does not know. */
export function readContainerHealth(text: string): ContainerHealth | null {
  return CONTAINER_HEALTHS.find((health) => health === text) ?? null
}

const addressSchema = z.union([z.ipv4(), z.ipv6()])

/** @throws {WireError} */
export function checkEndpoints(list: WireEndpointState[]): void {
  checkRange('endpoints', list.length, 0, MAX_PORTS)
  for (const { port, protocol, publicAddress, publicPort } of list) {
    checkRange('endpoints.port', port, 1, 65_535)
    checkOneOf('endpoints.protocol', protocol, ['TCP', 'UDP'])
    if (publicAddress === '') continue
    if (!addressSchema.safeParse(publicAddress).success)
      throw invalidField('endpoints.public_address', 'must be an IP address')
    checkRange('endpoints.public_port', publicPort, 1, 65_535)
  }
}

/** Checked ones; a health that this version does not know counts as unknown. */
export function fromWireEndpoints(list: WireEndpointState[]): EndpointState[] {
  return list.map(({ port, protocol, health, publicAddress, publicPort }) => ({
    port,
    protocol: protocol === 'UDP' ? 'UDP' : 'TCP',
    health: health === 'answering' || health === 'silent' ? health : 'unknown',
    published: publicAddress === '' ? null : { address: publicAddress, port: publicPort },
  }))
}

/** As heartbeats carry them: an empty address and port 0 where a port is not published. */
export function toWireEndpoints(list: EndpointState[]): Omit<WireEndpointState, '$typeName' | '$unknown'>[] {
  return list.map(({ port, protocol, health, published }) => ({
    ...{ port, protocol, health },
    ...{ publicAddress: published?.address ?? '', publicPort: published?.port ?? 0 },
  }))
}
