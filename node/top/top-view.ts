/** What a look at the network shows, and how: pure. */

import { shownBytes } from '../../protocol/units.ts'
import { fieldTable, table } from '../commands/output.ts'
import type { ProviderView } from '../directory/index.ts'
import type { PeerTraffic } from '../network/index.ts'

/** What a peer has counted up to one moment; totals since its start where nothing else is said. */
export interface NetSample {
  /** Monotonic, ms. */
  atMs: number
  /** Connections now. */
  peers: number
  /** Who of them hears a topic, now. */
  listeners: Record<string, number>
  /** Messages of others on a topic that passed every check. */
  heard: Record<string, number>
  /** Gossip messages that it sent. */
  published: number
  /** What it turned away, by reason. */
  refused: Record<string, number>
  /** What became of its questions and awards, by kind; none of a peer that asks for nothing. */
  market: Record<string, number>
  /** Of each connected peer, since it connected. */
  traffic: PeerTraffic[]
  providers: Seller[]
}

/** A provider in the directory. */
export interface Seller {
  id: string
  name: string
  status: string
  /** Millicores and bytes. */
  cpu: { free: number; total: number }
  memory: { free: number; total: number }
  /** Ms, or null where it was not measured. */
  latency: number | null
}

/** Bytes a second. */
export interface Flow {
  received: number
  sent: number
}

/** What is shown of a network between two looks at it. */
export interface TopView extends Pick<NetSample, 'peers' | 'listeners'> {
  /** A second, between the two looks. */
  rates: { heard: Record<string, number>; published: number; refused: Record<string, number> }
  market: Record<string, { total: number; rate: number }>
  /** Of all together, and of each, the busiest first; `name` is that of a provider, or empty. */
  traffic: Flow & { peers: (Flow & { id: string; name: string })[] }
  directory: { online: number; degraded: number; offline: number; providers: Seller[] }
}

/** Providers and peers that are shown; the others are counted. */
const SHOWN = 20

/** What went on between two samples of one peer, at least a ms apart; rates have three digits. */
export function topView(before: NetSample, now: NetSample): TopView {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000)
  // A peer that was started anew counts from nothing.
  const rate = (total: number, earlier = 0): number => round(Math.max(0, total - earlier) / seconds)
  const rates = (totals: Record<string, number>, earlier: Record<string, number>) =>
    Object.fromEntries(Object.entries(totals).map(([name, total]) => [name, rate(total, earlier[name])]))
  const count = (status: string): number => now.providers.filter((provider) => provider.status === status).length
  return {
    peers: now.peers,
    listeners: now.listeners,
    rates: {
      heard: rates(now.heard, before.heard),
      published: rate(now.published, before.published),
      refused: rates(now.refused, before.refused),
    },
    market: Object.fromEntries(
      Object.entries(now.market).map(([name, total]) => [name, { total, rate: rate(total, before.market[name]) }]),
    ),
    traffic: trafficBetween(before, now, rate),
    directory: {
      ...{ online: count('online'), degraded: count('degraded'), offline: count('offline') },
      providers: now.providers.toSorted((a, b) => b.cpu.free - a.cpu.free || a.id.localeCompare(b.id)),
    },
  }
}

function trafficBetween(
  before: NetSample,
  now: NetSample,
  rate: (total: number, earlier?: number) => number,
): TopView['traffic'] {
  const earlier = new Map(before.traffic.map((entry) => [entry.peer, entry]))
  const names = new Map(now.providers.map(({ id, name }) => [id, name]))
  const peers = now.traffic.map(({ peer, receivedBytes, sentBytes }) => ({
    ...{ id: peer, name: names.get(peer) ?? '' },
    received: rate(receivedBytes, earlier.get(peer)?.receivedBytes),
    sent: rate(sentBytes, earlier.get(peer)?.sentBytes),
  }))
  const sum = (way: keyof Flow): number => round(peers.reduce((all, peer) => all + peer[way], 0))
  const both = ({ received, sent }: Flow): number => received + sent
  return {
    ...{ received: sum('received'), sent: sum('sent') },
    peers: peers.toSorted((a, b) => both(b) - both(a) || a.id.localeCompare(b.id)),
  }
}

/** As people read it. */
export function topLines({ peers, listeners, rates, market, traffic, directory }: TopView): string[] {
  const each = (values: Record<string, number>, unit = ''): string =>
    Object.entries(values)
      .filter(([, value]) => value > 0)
      .map(([name, value]) => `${name} ${value}${unit}`)
      .join(', ')
  const events = Object.entries(market).map(([name, { total, rate }]): [string, string, string] => [
    name,
    String(total),
    `${rate}/s`,
  ])
  const { online, degraded, offline, providers } = directory
  const sections = [
    fieldTable([
      ['peers', `${peers} connected; hear ${each(listeners) || 'nothing'}`],
      ['gossip', `heard ${each(rates.heard, '/s') || '0/s'}; sent ${rates.published}/s`],
      ['traffic', `${perSecond(traffic.received)} in, ${perSecond(traffic.sent)} out`],
      ['turned away', each(rates.refused, '/s') || 'nothing'],
      ['providers', `${online} online, ${degraded} degraded, ${offline} offline`],
    ]),
    ...(events.length === 0 ? [] : [table(['MARKET', 'TOTAL', 'RATE'], events)]),
  ]
  const list = (columns: string[], rows: string[][]): void => {
    if (rows.length > 0) sections.push(table(columns, rows.slice(0, SHOWN)))
    if (rows.length > SHOWN) sections.push([`and ${rows.length - SHOWN} more`])
  }
  list(['PEER', 'NAME', 'IN', 'OUT'], traffic.peers.map(peerRow))
  list(['PROVIDER', 'NAME', 'STATUS', 'FREE CPU', 'FREE MEMORY', 'LATENCY'], providers.map(sellerRow))
  return sections.flatMap((section, index) => (index === 0 ? section : ['', ...section]))
}

/** What is shown of a provider in the directory. */
export function sellerOf({ provider, name, status, total, free, latencyMs }: ProviderView): Seller {
  return {
    ...{ id: provider, name, status, latency: latencyMs },
    cpu: { free: free.cpuMillis, total: total.cpuMillis },
    memory: { free: free.memoryBytes, total: total.memoryBytes },
  }
}

function peerRow({ id, name, received, sent }: TopView['traffic']['peers'][number]): string[] {
  return [id, name === '' ? '-' : name, perSecond(received), perSecond(sent)]
}

/** In one unit, so that a column can be compared at a glance. */
function perSecond(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB/s`
}

function sellerRow({ id, name, status, cpu, memory, latency }: Seller): string[] {
  const ms = latency === null ? '-' : `${latency.toFixed(1)} ms`
  const bytes = `${shownBytes(memory.free)}/${shownBytes(memory.total)}`
  return [id, name, status, `${cpu.free}m/${cpu.total}m`, bytes, ms]
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
