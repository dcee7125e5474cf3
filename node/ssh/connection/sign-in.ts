import type { AuthContext } from 'ssh2'
import { MAX_TRIES, type SshDoor, type SshGuest, type SshTarget } from '../index.ts'
import { isSignedBy, KEY_TYPES } from '../public-key.ts'

/** Answers what a client shows, until it is let in. */
export function createSignIn<T extends SshTarget>(
  { door, address }: { door: SshDoor<T>; address: string },
  callbacks: { onGuest(guest: SshGuest<T>): boolean; onRefused(): void; onTooMany(): void },
): (context: AuthContext) => void {
  let tries = 0

  function admitted(context: AuthContext, guest: SshGuest<T>): void {
    if (callbacks.onGuest(guest)) context.accept()
    else callbacks.onTooMany()
  }

  async function refuse(context: AuthContext): Promise<void> {
    callbacks.onRefused()
    try {
      await door.refused(address)
      context.reject(['publickey'])
    } catch {
      callbacks.onTooMany()
    }
  }

  async function answer(context: AuthContext): Promise<void> {
    if (context.method === 'none') {
      if (door.open === undefined) return context.reject(['publickey'])
      return admitted(context, door.open(context.username))
    }
    if (context.method !== 'publickey') return await refuse(context)
    const { algo, data: blob } = context.key
    const isTaken = (KEY_TYPES as readonly string[]).includes(algo)
    const guest = isTaken ? await door.admit({ algorithm: algo, blob }, context.username, address) : null
    if (guest === null) return await refuse(context)
    // Without a signature it is but asked whether one would be of use.
    if (context.signature === undefined || context.blob === undefined) return context.accept()
    if (!isSignedBy({ type: algo, blob }, context.blob, context.signature)) return await refuse(context)
    admitted(context, guest)
  }

  return (context) => {
    tries += 1
    if (tries > MAX_TRIES) callbacks.onTooMany()
    else answer(context).catch(callbacks.onTooMany)
  }
}
