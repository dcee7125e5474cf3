import { timeHere, timeIn } from './cron.ts'

/** A moment in a schedule's time zone and, where that is another, in the reader's. */
export function Tick({ at, timezone }: { at: number; timezone: string }) {
  const here = timeHere(at, timezone)
  return (
    <>
      {timeIn(at, timezone)}
      {here !== null && <span className="dimmed"> · here {here}</span>}
    </>
  )
}
