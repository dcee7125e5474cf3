import { PerformanceObserver } from 'node:perf_hooks'
import v8 from 'node:v8'

/**
 * From which size on V8's space of new objects grows no further, in bytes. By itself it grows to 128 MiB in a process that
 * passes data on, though hardly any of that is in use.
 */
const ENOUGH_BYTES = 8 * 1024 * 1024

/**
 * Has this process's space of new objects grow no further than to about twice {@link ENOUGH_BYTES}, from now on: what is loaded
 * would have it at 32 MiB before anything is done. How large it may be can be told only to a process that is yet to start;
 * whether it grows, at any time.
 */
export function boundYoungGeneration(): void {
  let grows = true
  const letGrow = (may: boolean): void => {
    if (may === grows) return
    grows = may
    v8.setFlagsFromString(`--semi-space-growth-factor=${may ? 2 : 1}`)
  }
  letGrow(false)
  new PerformanceObserver(() => {
    const space = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    letGrow(space === undefined || space.space_size < ENOUGH_BYTES)
  }).observe({ entryTypes: ['gc'] })
}
