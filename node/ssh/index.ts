import type { Duplex } from 'node:stream'
import type { ExecRequest, ExecSession } from '../reach/index.ts'

/** What an SSH client is led to: one job's container. Each call rejects where that does not run, or cannot be reached. */
export interface SshTarget {
  /** Runs a command; a shell is one, too. @throws {ReachError} @throws {SshRefusedError} */
  exec(request: ExecRequest, signal: AbortSignal): Promise<ExecSession>
  /**
   * A connection to a TCP port that the job exposes.
   * @throws {ReachError} of the code `PORT_NOT_EXPOSED` or `NOT_LISTENING` where it is to be reached from within
   */
  tunnel(port: number, signal: AbortSignal): Promise<Duplex>
}

/** Somebody who was let in. */
export interface SshGuest<T extends SshTarget> {
  /** What connections are counted by: those of one key are of one name. */
  name: string
  target: T
  /** Calls `end` once when they may be here no longer. @returns how to say that they have left by themselves */
  watch(end: () => void): () => void
}

/** A public key as a client offers it. */
export interface OfferedKey {
  /** E.g. `ssh-ed25519`. */
  algorithm: string
  /** As it goes over the wire, its algorithm included. */
  blob: Buffer
}

/** Who is let in. */
export interface SshDoor<T extends SshTarget> {
  /** Lets everybody in, without a key: for a server whose only way in is its owner's. */
  open?(user: string): SshGuest<T>
  /** Whose key this is, before they have shown that they have it; null for nobody's. @param user what stands before the `@` */
  admit(key: OfferedKey, user: string, address: string): Promise<SshGuest<T> | null>
  /** Called of each key that is refused; the client hears of it when this has resolved, and is cut off where it rejects. */
  refused(address: string): Promise<void>
  /** Called of each connection that showed nothing but keys that were refused. */
  failed(address: string): void
}

/** Answers the subsystem `sftp` of one session over its channel, until that is over, or the signal aborts. */
export type ServeSftp<T extends SshTarget> = (channel: Duplex, target: T, signal: AbortSignal) => Promise<void>

/** An SSH server over connections that others accept. */
export interface SshServer {
  /** Serves a connection to its end. @param address of the other side, by which strangers are counted */
  serve(raw: Duplex, address: string): void
  /** Ends all of them. */
  stop(): void
}

/** Why something is not done for an SSH client; the message is shown to it. */
export class SshRefusedError extends Error {
  override readonly name = 'SshRefusedError'
}

/**
 * Connections that have yet to show a key: of one address, and in all. Beyond, one of them is cut off. Whoever begins fifty
 * sessions at once has room.
 */
export const MAX_STRANGERS = { address: 64, all: 256 } as const

/** How long a client may take until it has shown a key, in ms; OpenSSH's own servers wait for 120 s. */
export const GRACE_MS = 30_000

/** What it may send until then, in bytes: a handshake takes some 4 KiB, each key that is tried 1 KiB. */
export const MAX_STRANGERS_BYTES = 128 * 1024

/** Keys and names that are tried on one connection: OpenSSH's clients offer all that their agent has. */
export const MAX_TRIES = 12

/** Connections of one guest, and of all. */
export const MAX_CONNECTIONS = { guest: 128, all: 1024 } as const

/** Sessions and forwarded connections of one SSH connection at a time. */
export const MAX_CHANNELS = 128

const MIB = 1024 * 1024

/**
 * Bytes that wait, those from a client for their command and those for the client, before no more is read: of one
 * connection, and beyond what is `free` of all those of one guest, and of all guests. What is `free` waits in any
 * connection, however much does in others, so that no guest's connections alone keep others from more: as much as a client
 * sends on one channel before it is told that there is room for more, or a command that waits for its client to take
 * something would keep that from being heard.
 */
export const MAX_WAITING_BYTES = { free: 2 * MIB, connection: 16 * MIB, guest: 64 * MIB, all: 256 * MIB } as const
