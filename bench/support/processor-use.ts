import { readFileSync } from 'node:fs'
import { round } from './statistics.ts'

/** The unit of `/proc/PID/stat`, in ms: on every Linux that Node runs on. */
const TICK_MS = 10

/** How many cores the processes took while something ran, over all its runs. */
export function createUse(pids: number[]) {
  let [usedMs, tookMs] = [0, 0]
  const sum = (): number => pids.map(usedBy).reduce((a, b) => a + b, 0)
  return {
    async during<T>(run: () => Promise<T>): Promise<T> {
      const [beganMs, before] = [performance.now(), sum()]
      const result = await run()
      usedMs += sum() - before
      tookMs += performance.now() - beganMs
      return result
    },
    cores: () => round(usedMs / tookMs, 2),
  }
}

/** What a process used of the processor since its start, in ms. */
export function usedBy(pid: number): number {
  // The name in brackets may hold anything; behind it come the state, ten other fields, and the user's and system's ticks.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}
