import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { CortexError, UnauthorizedError } from '../../../client/errors.ts'

let tellEnded: () => void = () => {}

/** Calls back when the gateway no longer knows who asks. */
export function onSessionEnd(callback: () => void): void {
  tellEnded = callback
}

/** Every error passes here; one that says the session is over is also told to the router. */
export function noteError(error: unknown): void {
  if (error instanceof UnauthorizedError) tellEnded()
}

/** Everything that pages have asked for: fresh for half a minute, and changed by events meanwhile. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noteError }),
  mutationCache: new MutationCache({ onError: noteError }),
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // The client repeats what may be repeated; what is wrong stays wrong.
      retry: (failures, error) => failures < 1 && error instanceof CortexError && error.status === undefined,
    },
    mutations: { retry: false },
  },
})
