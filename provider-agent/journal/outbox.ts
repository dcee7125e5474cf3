/**
 * The reports of one lease that its requester has not stored yet: the order and size of each in memory, the bytes in the
 * database. Keys hold the same figures, so that opening reads no values.
 */

/** Lines of output, samples that the next one replaces, or what must never be lost. */
export type ReportKind = 'lines' | 'sample' | 'state'

/** One report as the journal knows it. */
export interface OutboxEntry {
  kind: ReportKind
  sequence: number
  /** The first number that it stands for; its own, but for markers of what was dropped. */
  firstSequence: number
  /** Of the encoded LeaseMessage. */
  bytes: number
  /** Number of the last line that it holds or stands for, and how many; 0 where there is none. */
  lastLine: number
  lines: number
  /** False until the database has it. */
  written: boolean
}

/** What is dropped, and the figures of the marker in its place. */
export interface Cut {
  dropped: OutboxEntry[]
  sequence: number
  firstSequence: number
  lastLine: number
  lines: number
}

/** What an entry costs beside its bytes: its key, and its figures in memory. */
const ENTRY_OVERHEAD = 160

/** Figures alone: whoever changes them writes to the database, too. */
export class Outbox {
  readonly leaseId: string
  /** In the order of their sequence numbers. */
  #entries: OutboxEntry[] = []
  #bytes = 0

  constructor(leaseId: string) {
    this.leaseId = leaseId
  }

  /** All entries together, each with {@link ENTRY_OVERHEAD}. */
  get bytes(): number {
    return this.#bytes
  }

  /** The newest, so its number is the highest. */
  push(entry: OutboxEntry): void {
    this.#entries.push(entry)
    this.#bytes += cost(entry)
  }

  /** Entries after `sequence` that are written, in order, up to about `maxBytes` together; at least one if there is one. */
  after(sequence: number, maxBytes: number): OutboxEntry[] {
    const found: OutboxEntry[] = []
    let bytes = 0
    for (let i = this.#firstAfter(sequence); i < this.#entries.length; i += 1) {
      const entry = this.#entries[i]
      if (entry === undefined || !entry.written) break
      bytes += entry.bytes
      if (found.length > 0 && bytes > maxBytes) break
      found.push(entry)
    }
    return found
  }

  /** Takes out everything up to `sequence`. */
  takeUpTo(sequence: number): OutboxEntry[] {
    const taken = this.#entries.splice(0, this.#firstAfter(sequence))
    for (const entry of taken) this.#bytes -= cost(entry)
    return taken
  }

  /**
   * What to drop so that about `bytes` become free: the oldest lines and samples, each unbroken run of them for one
   * marker. What tells of the state stays.
   */
  plan(bytes: number): Cut[] {
    const runs: OutboxEntry[][] = []
    let run: OutboxEntry[] = []
    let freed = 0
    for (const entry of this.#entries) {
      if (freed >= bytes || !entry.written) break
      if (entry.kind === 'state') {
        run = []
        continue
      }
      if (run.length === 0) runs.push(run)
      run.push(entry)
      freed += cost(entry)
    }
    return runs.flatMap((entries) => {
      const [first] = entries
      const last = entries.at(-1)
      // A marker alone gives way to nothing smaller.
      if (first === undefined || last === undefined || (first === last && isMarker(first))) return []
      const lines = entries.reduce((sum, entry) => sum + entry.lines, 0)
      const lastLine = Math.max(...entries.map((entry) => entry.lastLine))
      return [{ dropped: entries, sequence: last.sequence, firstSequence: first.firstSequence, lastLine, lines }]
    })
  }

  /** Puts the marker where the dropped entries were. */
  replace({ dropped }: Cut, marker: OutboxEntry): void {
    const [first] = dropped
    if (first === undefined) return
    this.#entries.splice(this.#firstAfter(first.sequence - 1), dropped.length, marker)
    this.#bytes += cost(marker) - dropped.reduce((sum, entry) => sum + cost(entry), 0)
  }

  #firstAfter(sequence: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#entries[middle]?.sequence ?? 0) <= sequence) low = middle + 1
      else high = middle
    }
    return low
  }
}

const KINDS: Record<ReportKind, string> = { lines: 'l', sample: 'm', state: 's' }
const KEY = /^([^!]+)!(\d{16})!([lms])!(\d+)!(\d+)!(\d+)!(\d+)$/

/** The entry's key in the database: sorted by lease and number, and read back by {@link parseOutboxKey}. */
export function outboxKey(leaseId: string, entry: OutboxEntry): string {
  const { kind, sequence, firstSequence, bytes, lastLine, lines } = entry
  const figures = [String(sequence).padStart(16, '0'), KINDS[kind], firstSequence, bytes, lastLine, lines]
  return [leaseId, ...figures].join('!')
}

/** Null where it is none of ours. */
export function parseOutboxKey(key: string): { leaseId: string; entry: OutboxEntry } | null {
  const match = KEY.exec(key)
  if (match === null) return null
  const [, leaseId = '', sequence, letter, firstSequence, bytes, lastLine, lines] = match
  const kind = letter === 'l' ? 'lines' : letter === 'm' ? 'sample' : 'state'
  const figures = { sequence, firstSequence, bytes, lastLine, lines }
  const numbers = Object.fromEntries(Object.entries(figures).map(([name, text]) => [name, Number(text)]))
  return { leaseId, entry: { ...(numbers as Record<keyof typeof figures, number>), kind, written: true } }
}

function isMarker(entry: OutboxEntry): boolean {
  return entry.firstSequence < entry.sequence
}

function cost(entry: OutboxEntry): number {
  return entry.bytes + ENTRY_OVERHEAD
}
