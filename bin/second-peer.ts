import { CliError } from '../node/commands/cli-error.ts'
import type { PeerOptions } from '../node/commands/options.ts'

type Addresses = Pick<PeerOptions, 'listen' | 'announce'>

/**
 * Where the agent of `cortex up` listens and what it announces: as the flags say it of the gateway beside it, at the next
 * port, or the first after it that is none of the gateway's. So the ports stay the same at each start; 0 stays 0.
 *
 * @param own what the flags say of the agent alone
 * @throws {CliError} where that is no port any more
 */
export function secondPeer({ listen, announce }: Addresses, own: Partial<Addresses> = {}): Addresses {
  const ports = [...listen, ...(announce ?? [])].map(portOf).filter((port) => port > 0)
  let above = 1
  while (ports.some((port) => ports.includes(port + above))) above += 1
  const announced = own.announce ?? announce?.map((address) => moved(address, above, 'announce'))
  return {
    listen: own.listen ?? listen.map((address) => moved(address, above, 'listen')),
    ...(announced === undefined ? {} : { announce: announced }),
  }
}

/** 0 where there is none. */
function portOf(address: string): number {
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1] ?? 0)
}

function moved(address: string, above: number, flag: string): string {
  const port = portOf(address)
  if (port === 0) return address
  if (port + above > 65_535) {
    throw new CliError(
      `--${flag} ${address}: the agent takes the next port, and there is none: give --agent-${flag}, too`,
    )
  }
  // A peer id at its end would be the gateway's.
  return address.replace(/\/tcp\/\d+/, `/tcp/${port + above}`).replace(/\/p2p\/[^/]+$/, '')
}

/** Where a peer that listens there is reached from the same machine, whatever it announces. */
export function fromHere(listen: string[], peer: string): string[] {
  return listen.map((address) => {
    const near = address.replace('/ip4/0.0.0.0/', '/ip4/127.0.0.1/').replace('/ip6/::/', '/ip6/::1/')
    return `${near}/p2p/${peer}`
  })
}
