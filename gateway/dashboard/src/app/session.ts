import { queryOptions, useQuery } from '@tanstack/react-query'
import type { User } from '../../../client/types.ts'
import { forgetAll, keepFor } from '../ui/kept.ts'
import { client } from './client.ts'
import { queryClient } from './query.ts'

/** Who is signed in. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  async queryFn({ signal }) {
    const me = await client.me({ signal })
    keepFor(me.keyId)
    return me
  },
  staleTime: Number.POSITIVE_INFINITY,
  retry: false,
})

/**
 * Takes a key for a session cookie, and forgets what was asked for another. @throws {CortexError} UNAUTHORIZED where
 * it is no key
 */
export async function signIn(key: string): Promise<void> {
  queryClient.clear()
  const me = await client.session.signIn(key.trim())
  keepFor(me.keyId)
  queryClient.setQueryData(meQuery.queryKey, me)
}

/**
 * Ends the session at the gateway, then forgets what was asked for and what was typed. @throws {CortexError} where the
 * gateway cannot be reached: nothing is forgotten then
 */
export async function signOut(): Promise<void> {
  await client.session.signOut()
  forgetAll()
  queryClient.clear()
}

/** Whether the signed-in key may do something, e.g. `jobs:write`. */
export function useMay(permission: string): boolean {
  const { data } = useQuery(meQuery)
  return data !== undefined && may(data, permission)
}

function may({ permissions }: User, permission: string): boolean {
  const group = `${permission.split(':')[0]}:*`
  return permissions.some((grant) => grant === 'admin' || grant === permission || grant === group)
}
