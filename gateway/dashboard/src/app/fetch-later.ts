import { queryClient } from './query.ts'
import { router } from './router.tsx'

/** How often it is looked whether there is time, in ms. */
const LOOK_EVERY_MS = 500

/**
 * Has the browser fetch the code of all other pages once the first one is there and nothing is asked for: a page then opens
 * at once, also while the gateway is away. Prefetched from the beginning it would have the line before what is waited for.
 */
export function fetchLater(): void {
  const timer = setInterval(() => {
    const { resolvedLocation, status } = router.state
    const isThere = document.readyState === 'complete' && resolvedLocation !== undefined && status === 'idle'
    if (!isThere || queryClient.isFetching() > 0) return
    clearInterval(timer)
    for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel="later"]')) link.rel = 'prefetch'
  }, LOOK_EVERY_MS)
}
