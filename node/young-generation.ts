import { PerformanceObserver } from 'node:perf_hooks'
import v8 from 'node:v8'

/**
 * From which size on V8's space of new objects grows no further, in bytes. By itself it grows to 128 MiB in a process that
 * passes data on, though hardly any of that is in use.
 */
const ENOUGH_BYTES = 16 * 1024 * 1024

/**
 * Has this process's space of new objects grow no further than to twice {@link ENOUGH_BYTES}. How large it may be can be
 * told only to a process that is yet to start; whether it grows, at any time.
 */
export function boundYoungGeneration(): void {
  let grows = true
  new PerformanceObserver(() => {
    const space = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    const mayGrow = space === undefined || space.space_size < ENOUGH_BYTES
    if (mayGrow === grows) return
    grows = mayGrow
    v8.setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`)
  }).observe({ entryTypes: ['gc'] })
}
