import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Connections of which nothing more is to be read before they have an answer. */
const full = new WeakSet<Socket>()

/** What Node reads next of this connection is asked ahead of too many answers, or no more. */
export function setFull(socket: Socket, isFull: boolean): void {
  if (isFull) full.add(socket)
  else full.delete(socket)
}

/** Whether a request was asked ahead of too many answers. */
export function isAskedAhead({ socket }: IncomingMessage): boolean {
  return full.has(socket)
}

/**
 * A request that says of itself that it asks for another protocol where it was asked ahead of too many: Node then leaves
 * unread what the connection sent after it, and tells of an `upgrade`. Otherwise it makes a request of each head in 64 KiB,
 * some thousands, in one go.
 */
export class BoundedRequest extends IncomingMessage {
  /** What Node found in the head. */
  declare asksForUpgrade: boolean | null

  get upgrade(): boolean | null {
    return this.asksForUpgrade === true || isAskedAhead(this) || this.asksForUpgrade
  }

  set upgrade(asked: boolean | null) {
    this.asksForUpgrade = asked
  }
}
