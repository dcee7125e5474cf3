/** The one of its counters that is used here; its index loads those of sixteen databases. */
declare module 'rate-limiter-flexible/lib/RateLimiterMemory.js' {
  import type { RateLimiterMemory } from 'rate-limiter-flexible'

  const counter: typeof RateLimiterMemory
  // biome-ignore lint/style/noDefaultExport: theirs
  export default counter
}
