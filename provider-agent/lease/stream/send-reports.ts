import type { Journal } from '../../journal/journal.ts'
import type { Lease } from '../lease.ts'

/** Sends what the journal has of a lease after that report, and what comes, until the stream is over. */
export async function sendReports(
  { journal, lease, send }: { journal: Journal; lease: Lease; send: (message: Uint8Array) => Promise<void> },
  after: number,
  open: AbortSignal,
): Promise<void> {
  let sent = after
  while (!open.aborted) {
    const change = lease.nextChange()
    const reports = await journal.read(lease.id, sent)
    for (const { sequence, message } of reports) {
      if (open.aborted) return
      await send(message)
      sent = sequence
    }
    if (reports.length === 0) await change
  }
}
