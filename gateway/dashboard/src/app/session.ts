import { queryOptions, useQuery } from '@tanstack/react-query'
import type { User } from '../../../client/types.ts'
import { client } from './client.ts'
import { queryClient } from './query.ts'

/** Who is signed in. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }) => await client.me({ signal }),
  staleTime: Number.POSITIVE_INFINITY,
  retry: false,
})

export async function signIn(key: string): Promise<void> {
  queryClient.clear()
  queryClient.setQueryData(meQuery.queryKey, await client.session.signIn(key.trim()))
}

export async function signOut(): Promise<void> {
  await client.session.signOut()
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
