/** What `tc` is told so that all bridges of an agent's jobs share one rate each way. Pure. */

import { bridgePrefix } from '../networks/bridge-name.ts'

/**
 * A bridge has one queue each way of its own, so each agent has two devices through which all of its jobs' packets go: what they
 * receive, and what they send.
 */
export type Way = 'received' | 'sent'

/** A bridge of a job, as the kernel has it. */
export interface Bridge {
  name: string
  /** The kernel's number: one that was made anew under its name has another. */
  index: number
  /** IPv4 network, e.g. `10.1.2.1/26`. */
  network: string
  /** Names of the interfaces that are plugged into it, each the end of a container's. */
  ports: string[]
}

/** A bridge whose packets are shaped, and the number of its class. */
export interface Shaped extends Bridge {
  /** 3..65_534. */
  number: number
}

/** What of the kernel's answers matters here. */
export interface Seen {
  /** The agent's, with and without a job on them. */
  bridges: Bridge[]
  /** Names of interfaces whose packets are handed on. */
  handing: Set<string>
  /** Of the agent's two devices, those that share out. */
  devices: Set<string>
  /**
   * Whether packets are to be handed on by what is plugged into a bridge rather than by the bridge itself, which is there before
   * its container starts: so outside of it, where no firewall has yet to know, or does still, of which connection they are.
   */
  atPorts: boolean
}

/** Where packets of a bridge are handed on. */
function pointsOf({ name, ports }: Bridge, { atPorts }: Pick<Seen, 'atPorts'>): string[] {
  return atPorts ? ports : [name]
}

/** Where they are now, by this run or an earlier one. */
export function handingOf({ name, ports }: Bridge, { handing }: Pick<Seen, 'handing'>): string[] {
  return [name, ...ports].filter((point) => handing.has(point))
}

/** What is to be done, in this order; each a batch of lines for `tc`. */
export interface Plan {
  /** Of the devices, and of bridges that are gone. */
  first: string[]
  /** Of each bridge that came. */
  added: { bridge: Shaped; lines: string[] }[]
  /** What holds already. */
  kept: Shaped[]
}

/** Both. */
export const WAYS: readonly Way[] = ['received', 'sent']
/** Of the whole rate. */
const ROOT = '1:1'
/** Where packets go that are of no job that is known yet, and all that is not IPv4. */
const OTHERS = 2
const FIRST_NUMBER = 3
/** Bytes that a job sends in its turn: some full packets, so that jobs of one large packet after the other are like the rest. */
const TURN_BYTES = 60_000
/** Least of a class, in bits a second: what it may have above that, it borrows in turns. */
const LEAST_CLASS = 8_000

/** Name of the agent's device, unlike any bridge's: at most 15 characters. */
export function deviceName(owner: string, way: Way): string {
  return `${bridgePrefix(owner).replace('ctxj', 'ctxb')}${way[0]}`
}

/** Makes the two devices share out; both are new, and up. */
function deviceLines(owner: string, rate: number): string[] {
  return WAYS.flatMap((way) => {
    const device = deviceName(owner, way)
    return [
      `qdisc add dev ${device} root handle 1: htb default ${OTHERS.toString(16)}`,
      `class add dev ${device} parent 1: classid ${ROOT} ${htb(rate, rate)}`,
      `class add dev ${device} parent ${ROOT} classid ${classId(OTHERS)} ${htb(least(rate), rate)}`,
    ]
  })
}

/**
 * Each bridge gets a class, with as many turns as the others while they all want more than there is, and the whole rate while
 * nobody else does.
 *
 * @param before what was shaped by this process
 */
export function planOf(owner: string, rate: number, before: readonly Shaped[], seen: Seen): Plan {
  const isWhole = WAYS.every((way) => seen.devices.has(deviceName(owner, way)))
  const known = isWhole ? before : []
  const isHanded = (bridge: Bridge): boolean => pointsOf(bridge, seen).every((point) => seen.handing.has(point))
  const kept = known.filter((one) => seen.bridges.some((bridge) => isSame(one, bridge) && isHanded(bridge)))
  const gone = known.filter((one) => !kept.includes(one))
  const taken = new Set(kept.map(({ number }) => number))
  const added = seen.bridges
    .filter((bridge) => !kept.some((one) => isSame(one, bridge)))
    .map((bridge): Shaped => {
      let number = FIRST_NUMBER
      while (taken.has(number)) number++
      taken.add(number)
      return { ...bridge, number }
    })
  return {
    kept,
    first: [...(isWhole ? [] : deviceLines(owner, rate)), ...gone.flatMap((one) => removeLines(owner, one))],
    added: added.map((bridge) => ({
      bridge,
      lines: [
        ...handingOf(bridge, seen).map((point) => `qdisc del dev ${point} clsact`),
        ...addLines(owner, rate, bridge, pointsOf(bridge, seen)),
      ],
    })),
  }
}

function addLines(owner: string, rate: number, { network, number }: Shaped, points: string[]): string[] {
  const classes = WAYS.flatMap((way) => {
    const device = deviceName(owner, way)
    const side = way === 'received' ? 'dst' : 'src'
    return [
      `class add dev ${device} parent ${ROOT} classid ${classId(number)} ${htb(least(rate), rate)}`,
      `filter add dev ${device} parent 1: protocol ip prio ${number} u32 match ip ${side} ${network} flowid ${classId(number)}`,
    ]
  })
  const hand = (way: Way): string =>
    `protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev ${deviceName(owner, way)}`
  return [
    ...classes,
    ...points.flatMap((point) => [
      `qdisc add dev ${point} clsact`,
      // What enters a bridge from this machine, or leaves the machine by a port, goes to the job; and the other way round.
      `filter add dev ${point} egress ${hand('received')}`,
      `filter add dev ${point} ingress ${hand('sent')}`,
    ]),
  ]
}

/** Takes a bridge's class out; the bridge may be gone, and what hung on it with it. */
export function removeLines(owner: string, { number }: Shaped): string[] {
  return WAYS.flatMap((way) => {
    const device = deviceName(owner, way)
    return [
      `filter del dev ${device} parent 1: protocol ip prio ${number}`,
      `class del dev ${device} classid ${classId(number)}`,
    ]
  })
}

function isSame(one: Bridge, other: Bridge): boolean {
  return one.name === other.name && one.index === other.index && one.network === other.network
}

function htb(rate: number, most: number): string {
  return `htb rate ${rate}bit ceil ${most}bit quantum ${TURN_BYTES}`
}

function least(rate: number): number {
  return Math.max(LEAST_CLASS, Math.round(rate / 1_000))
}

function classId(number: number): string {
  return `1:${number.toString(16)}`
}

/** The agent's bridges and devices in the answer of `ip -j addr show`. */
export function readLinks(json: string, owner: string): { bridges: Bridge[]; devices: string[] } {
  const prefix = bridgePrefix(owner)
  const own = WAYS.map((way) => deviceName(owner, way))
  const links = JSON.parse(json) as Link[]
  return {
    bridges: links.flatMap(({ ifname: name = '', ifindex: index = 0, addr_info: addresses = [] }) => {
      const first = addresses.find(({ family }) => family === 'inet')
      if (!name.startsWith(prefix) || first === undefined) return []
      const ports = links.flatMap(({ ifname = '', master }) => (master === name && ifname !== '' ? [ifname] : []))
      return [{ name, index, network: `${first.local}/${first.prefixlen}`, ports }]
    }),
    devices: links.flatMap(({ ifname = '' }) => (own.includes(ifname) ? [ifname] : [])),
  }
}

/** The fields that are read here. */
interface Link {
  ifname?: string
  ifindex?: number
  /** The bridge that it is plugged into. */
  master?: string
  addr_info?: { family?: string; local?: string; prefixlen?: number }[]
}

/** What shapes and hands on, in the answer of `tc qdisc show`. */
export function readQueues(text: string, owner: string): Omit<Seen, 'bridges' | 'atPorts'> {
  const named = (kind: RegExp): string[] => [...text.matchAll(kind)].map(([, name = '']) => name)
  const own = WAYS.map((way) => deviceName(owner, way))
  return {
    handing: new Set(named(/^qdisc clsact \S+ dev (\S+)/gm)),
    devices: new Set(named(/^qdisc htb 1: dev (\S+) root/gm).filter((name) => own.includes(name))),
  }
}
