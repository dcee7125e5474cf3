/**
 * What the kernel of this machine says of a container's processes, without a word to them: for an engine whose containers
 * run here, under this kernel. Of any other it says nothing, and neither does this.
 */

import { open, readFile } from 'node:fs/promises'

/** How many bytes of a list of sockets are read: a program may have any number, in lines of 150. */
const LIST_BYTES = 256 * 1024

/** State of a socket that accepts connections, and of one that takes datagrams from anybody, in the kernel's numbers. */
const LISTENS = { TCP: '0A', UDP: '07' }

/** The part of what an engine says of a container that is needed to find it here. */
export interface Located {
  Id: string
  State: { Pid: number }
}

/**
 * The container's folder in `/proc`; null where it is not running, or the number is a process of another machine: what is
 * there must be in a control group that is named after the container.
 */
export async function processFolder({ Id: id, State: { Pid: pid } }: Located): Promise<string | null> {
  if (!Number.isInteger(pid) || pid <= 0) return null
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '') // it has ended, or this is no Linux
  return groups.includes(id) ? `/proc/${pid}` : null
}

/**
 * Folder of what a container wrote over its image, by the mount of its root; null where that is no overlay. Containerd's
 * store of images does not name it.
 */
export async function writtenFolder(folder: string): Promise<string | null> {
  const mounts = await readFile(`${folder}/mountinfo`, 'utf8').catch(() => '') // it has ended
  const path = /^\d+ \d+ \S+ \S+ \/ .* - overlay \S+ \S*\bupperdir=([^,\s]+)/m.exec(mounts)?.[1]
  // As the kernel writes white space.
  return path?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) ?? null
}

/** The folder of a process's control group of this kind; null where there is none. */
export async function controlGroup(folder: string, kind: 'pids' | 'memory'): Promise<string | null> {
  const groups = await readFile(`${folder}/cgroup`, 'utf8').catch(() => '')
  for (const [, kinds = '', path = ''] of groups.matchAll(/^\d+:([^:]*):(.*)$/gm)) {
    if (kinds.split(',').includes(kind)) return `/sys/fs/cgroup/${kind}${path}`
  }
  const unified = /^0::(.*)$/m.exec(groups)?.[1]
  return unified === undefined ? null : `/sys/fs/cgroup${unified}`
}

/** The numbers of all processes of a container, this machine's numbers; empty where they cannot be told. */
export async function processesOf(folder: string): Promise<number[]> {
  const group = await controlGroup(folder, 'pids')
  return group === null ? [] : await processesIn(group)
}

/** The numbers of all processes of a control group, this machine's numbers; empty where it is gone. */
export async function processesIn(group: string): Promise<number[]> {
  const list = await readFile(`${group}/cgroup.procs`, 'utf8').catch(() => '')
  return list
    .split('\n')
    .filter((line) => /^\d+$/.test(line))
    .map(Number)
}

/**
 * Whether a program of the container's network takes connections, or datagrams, at a port from outside; null where that
 * cannot be told. Nobody is spoken to: a service that is asked by a connection that says nothing counts it as a fault.
 */
export async function listensAt(folder: string, port: number, protocol: 'TCP' | 'UDP'): Promise<boolean | null> {
  const name = protocol.toLowerCase()
  const lists = await Promise.all([name, `${name}6`].map(async (list) => await head(`${folder}/net/${list}`)))
  if (lists.some((list) => list !== null && hasListener(list.text, port, protocol))) return true
  // Without IPv6 there is one list. What was not read to its end may hold it.
  const mayHold = lists.some((list) => list?.isCut === true && !isPastListeners(list.text, protocol))
  return lists[0] === null || mayHold ? null : false
}

/** Whether the beginning of a list holds all that listens: of TCP the kernel names that first, and all else behind it. */
export function isPastListeners(list: string, protocol: 'TCP' | 'UDP'): boolean {
  const lastLine = list.slice(0, list.lastIndexOf('\n')).split('\n').at(-1) ?? ''
  const state = /^ *\d+: [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:[0-9A-F]+ ([0-9A-F]{2}) /.exec(lastLine)?.[1]
  return protocol === 'TCP' && state !== undefined && state !== LISTENS.TCP
}

/** @param list as `/proc/net/tcp` and its like have it */
export function hasListener(list: string, port: number, protocol: 'TCP' | 'UDP'): boolean {
  const local = port.toString(16).toUpperCase().padStart(4, '0')
  const line = new RegExp(`^ *\\d+: ([0-9A-F]+):${local} [0-9A-F]+:[0-9A-F]+ ${LISTENS[protocol]} `, 'gm')
  return [...list.matchAll(line)].some(([, address = '']) => !isLoopback(address))
}

/** Addresses are in words of four bytes, each backwards. */
function isLoopback(address: string): boolean {
  const ipv4 = address.replace(/^0{16}FFFF0000/, '')
  return ipv4.length === 8 ? ipv4.endsWith('7F') : address === '00000000000000000000000001000000'
}

async function head(path: string): Promise<{ text: string; isCut: boolean } | null> {
  try {
    await using file = await open(path)
    const bytes = Buffer.alloc(LIST_BYTES)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length)
      length += bytesRead
      if (bytesRead === 0 || length === bytes.length) break
    }
    return { text: bytes.toString('latin1', 0, length), isCut: length === bytes.length }
  } catch {
    return null // not this machine's, or it has just ended
  }
}
