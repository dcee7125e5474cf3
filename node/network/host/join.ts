import type {
  Connection,
  IdentifyResult,
  MultiaddrConnection,
  PeerId,
  PeerInfo,
  PeerUpdate,
  PrivateKey,
} from '@libp2p/interface'
import type { Registry } from 'prom-client'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { isOpenToAll } from '../addresses/open-addresses.ts'
import { watchOwnAddresses } from '../addresses/own-addresses.ts'
import type { TrafficCounter } from '../bounds/peer-traffic.ts'
import type { Refusals } from '../bounds/refusals.ts'
import type { Acquaintances } from '../connections/acquaintances.ts'
import { keepConnected } from '../connections/bootstrap.ts'
import type { Conduct } from '../connections/conduct.ts'
import { dialDiscovered } from '../connections/dialler.ts'
import { createGater } from '../connections/gater.ts'
import type { Penalties } from '../connections/penalties.ts'
import type { Places } from '../connections/places.ts'
import type { Gossip } from '../gossip/gossip.ts'
import { broughtInvalid, type ScoreKeeper } from '../gossip/gossip-scores.ts'
import { keepStreams } from '../gossip/gossip-streams.ts'
import { type Libp2pNetworkInit, placesOf } from '../network-init.ts'
import { createRelayClient, type RelayClient } from '../relay/relay-client.ts'
import { createRelayGuard } from '../relay/relay-server.ts'
import { DEFAULT_RELAY_LIMITS } from '../relay-limits.ts'
import { bootstrapProblem, startHost } from '../startup-problems.ts'
import type { ServedProtocols } from '../streams/served-protocols.ts'
import { createHost, type Host } from './create-host.ts'
import { lookAround } from './dht.ts'
import { gatherWrites } from './gather-writes.ts'
import { pingConnections } from './pings.ts'
import { followRenewed } from './renewed.ts'

/** What a peer is made of beside its host, which comes and goes with each start and stop. */
export interface JoinComponents {
  privateKey: PrivateKey
  clock: Clock
  logger: Logger
  registry: Registry | undefined
  refusals: Refusals
  penalties: Penalties
  conduct: Conduct
  places: Places
  acquaintances: Acquaintances
  gossip: Gossip
  /** Counts what gossip has brought since the last heartbeat. */
  countGossip: (connections: Connection[]) => void
  traffic: TrafficCounter
  protocols: Pick<ServedProtocols, 'serve'>
  isBootstrap: (peer: string) => boolean
  isWanted: (peer: string) => boolean
  /** The host is made, and not started yet. */
  onHost: (host: Host) => void
  onAddresses: () => void
  /** Puts the host away where it cannot be started. */
  stop: () => Promise<void>
}

/** Makes the host of a peer and joins the network with it. @throws {PeerOptionError} where it cannot listen as it was told */
export async function join(components: JoinComponents, init: Libp2pNetworkInit, signal: AbortSignal): Promise<void> {
  const { clock, logger, gossip } = components
  const { bootstrap = [], onTrouble, networkKey } = init
  let lookAtAddresses = (): void => undefined
  const { host, relays, guard } = await makeHost(components, init, { signal, onRelays: () => lookAtAddresses() })
  components.onHost(host)
  listenTo(components, host, { relays, onSeenAs: init.onSeenAs, signal })
  pingConnections(host, {
    ...{ logger, clock, signal },
    intervalMs: init.pingIntervalMs ?? 10_000,
    ...(init.pingTimeoutMs === undefined ? {} : { timeoutMs: init.pingTimeoutMs }),
  })
  host.addEventListener('peer:disconnect', ({ detail }: CustomEvent<PeerId>) => guard.left(detail))
  await components.protocols.serve()
  await startHost(host, components.stop)
  lookAtAddresses = watchOwnAddresses(host, components.onAddresses, signal)
  gossip.attach(host.services.pubsub, host.peerId)
  for (const address of bootstrap) {
    const tell = (error: Error): void => onTrouble?.(bootstrapProblem(address, error, networkKey !== undefined))
    void keepConnected(host, address, { logger, onTrouble: tell }, signal)
  }
  const { dht } = host.services
  if (dht !== undefined) void lookAround(host, dht, { network: init.network, signal })
  const addresses = host.getMultiaddrs().map(String)
  logger.info({ peer: host.peerId.toString(), addresses }, 'joined the network')
}

async function makeHost(
  components: JoinComponents,
  init: Libp2pNetworkInit,
  { signal, onRelays }: { signal: AbortSignal; onRelays: () => void },
) {
  const { logger, refusals, penalties, places, traffic, registry, isBootstrap, isWanted } = components
  const { listen = [], announce = [], networkKey, relay } = init
  const relays = createRelayClient({
    ...{ logger, isBootstrap, signal, onChange: onRelays },
    isWanted: () => listen.length > 0 && announce.length === 0 && !isOpenToAll(host),
  })
  const connectionsOf = (peer?: PeerId): Connection[] => host.getConnections(peer)
  const guard = createRelayGuard(
    { refusals, isRefused: penalties.isRefused, connections: connectionsOf, service: () => host.services.relay },
    relay ?? DEFAULT_RELAY_LIMITS,
  )
  /** Sees each connection before it is used, and denies none. */
  const prepare = (peer: PeerId, connection: MultiaddrConnection): false => {
    gatherWrites(connection)
    traffic.watch(peer, connection)
    return false
  }
  const host = await createHost({
    privateKey: components.privateKey,
    network: init.network,
    ...{ listen, announce, relays },
    ...(relay === undefined ? {} : { relay }),
    mdns: init.mdns ?? false,
    ...{ dht: init.dht ?? false, upnp: init.upnp ?? false },
    ...(networkKey === undefined ? {} : { networkKey }),
    version: init.version ?? '0',
    places: placesOf(init).places,
    refusals,
    ...(registry === undefined ? {} : { registry }),
    gater: {
      ...createGater({
        ...{ penalties, refusals, isWanted, isOwnRelay: relays.isOwn },
        connections: (peer) => connectionsOf(peer).length,
      }),
      ...guard.gater,
      denyInboundUpgradedConnection: (peer, connection) =>
        !places.admits(connection.remoteAddr) || prepare(peer, connection),
      denyOutboundUpgradedConnection: prepare,
    },
  })
  return { host, relays, guard }
}

/** Hands on what the host tells of its peers and their connections. */
function listenTo(
  { acquaintances, places, conduct, clock, logger, countGossip, isBootstrap }: JoinComponents,
  host: Host,
  { relays, onSeenAs, signal }: { relays: RelayClient; onSeenAs: Libp2pNetworkInit['onSeenAs']; signal: AbortSignal },
): void {
  const { pubsub, open } = host.services
  host.addEventListener('peer:identify', ({ detail }: CustomEvent<IdentifyResult>) => {
    acquaintances.learn(detail.peerId, detail.protocols)
    relays.met(detail.connection, detail.protocols)
    if (detail.observedAddr !== undefined) onSeenAs?.(detail.observedAddr.toString())
  })
  host.addEventListener('peer:update', ({ detail }: CustomEvent<PeerUpdate>) => {
    const { id, protocols } = detail.peer
    if (acquaintances.has(id.toString())) acquaintances.learn(id, protocols)
  })
  host.addEventListener('peer:disconnect', ({ detail }: CustomEvent<PeerId>) => {
    const peer = detail.toString()
    acquaintances.forget(peer)
    places.left(peer)
    if (broughtInvalid(pubsub as Partial<ScoreKeeper>, peer)) conduct.penalise(peer, 'gossip: INVALID')
  })
  host.addEventListener('peer:discovery', ({ detail }: CustomEvent<PeerInfo>) => {
    dialDiscovered(host, detail, logger, signal)
  })
  host.addEventListener('connection:open', ({ detail }) => {
    places.opened(detail)
    open.opened(detail)
    if (isOpenToAll(host)) relays.leave()
  })
  followRenewed(host)
  keepStreams(host, { clock, logger, isBootstrap })
  pubsub.addEventListener('gossipsub:heartbeat', () => {
    conduct.refuseGraylisted(pubsub)
    countGossip(host.getConnections())
  })
}
