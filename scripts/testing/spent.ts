import { readFileSync } from 'node:fs'

/** Time that this process and the programs that it started and saw end have had of the processor, in ms; 0 where it is not known. */
export function processorMs(): number {
  if (process.platform !== 'linux') return 0
  const [, fields = ''] = readFileSync('/proc/self/stat', 'utf8').split(') ')
  // proc(5): `utime`, `stime`, `cutime` and `cstime`, in hundredths of a second.
  const ticks = fields.split(' ').slice(11, 15).map(Number)
  return ticks.reduce((sum, count) => sum + count, 0) * 10
}

const taken = new Map<string, number>()
let before = 0

/** What each of several files in this process took of the processor, in ms; what they load together is the first one's. */
export const spent = {
  /** A file is over. */
  take(file: string): void {
    const now = processorMs()
    taken.set(file, now - before)
    before = now
  },
  of: (file: string): number => taken.get(file) ?? 0,
}
