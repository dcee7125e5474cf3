import type { NetworkCreateOptions } from 'dockerode'
import { bridgeName } from './bridge-name.ts'

/** A bridge network that is to be made. */
export interface NetworkSpec {
  name: string
  /** Peer id of the agent, by which the firewall knows the bridge. */
  owner: string
  /** All that it is labelled with. */
  labels: Record<string, string>
}

/** The container's own network: with nobody else on it, there is nobody to be kept from. */
export function toNetworkOptions(spec: NetworkSpec, subnet: string | null): NetworkCreateOptions {
  return {
    Name: spec.name,
    Driver: 'bridge',
    CheckDuplicate: true,
    Attachable: false,
    EnableIPv6: false,
    Labels: spec.labels,
    Options: { 'com.docker.network.bridge.name': bridgeName(spec.owner, spec.name) },
    ...(subnet !== null && { IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] } }),
  }
}
