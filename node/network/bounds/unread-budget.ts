/** Bytes that all channels together may hold unread; beyond, the peer that holds most is cut off. */
const MAX_UNREAD_BYTES = 256 * 1024 * 1024

/** What one channel holds. */
export interface UnreadAccount {
  /** @param bytes negative when they were read */
  add(bytes: number): void
  /** The channel has ended. */
  close(): void
}

/** What all channels hold unread; see {@link createUnreadBudget}. */
export interface UnreadBudget {
  /** The account of a new channel with this peer. */
  open(peer: string): UnreadAccount
}

/**
 * Each channel is bounded by itself, but a peer may have a thousand, and a liar many names. What honest peers send is
 * read at once, so whoever holds the most when memory is short is the one to lose.
 *
 * @param cutOff ends all channels of the peer, which closes their accounts
 */
export function createUnreadBudget(
  { cutOff }: { cutOff: (peer: string) => void },
  maxBytes: number = MAX_UNREAD_BYTES,
): UnreadBudget {
  const held = new Map<string, number>()
  let total = 0

  const change = (peer: string, bytes: number): void => {
    total += bytes
    const left = (held.get(peer) ?? 0) + bytes
    if (left > 0) held.set(peer, left)
    else held.delete(peer)
  }

  const heaviest = (): string | undefined => {
    let found: string | undefined
    for (const [peer, bytes] of held) if (found === undefined || bytes > (held.get(found) ?? 0)) found = peer
    return found
  }

  return {
    open(peer) {
      let own = 0
      let closed = false
      return {
        add(bytes) {
          if (closed) return
          own += bytes
          change(peer, bytes)
          const loser = total > maxBytes ? heaviest() : undefined
          if (loser !== undefined) cutOff(loser)
        },
        close() {
          if (closed) return
          closed = true
          change(peer, -own)
        },
      }
    },
  }
}
