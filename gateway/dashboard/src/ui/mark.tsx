/** Signs that tell outcomes apart where colours do not. */
const SIGNS: Record<string, string> = {
  ...{ completed: '✓', failed: '✕', cancelled: '–', running: '▸', scheduled: '▹', pending: '·' },
  ...{ submitted: '▹', skipped: 's', missed: 'm' },
}

/** The sign of an outcome. */
export function signOf(status: string): string {
  return SIGNS[status] ?? '?'
}

/** How something is or ended, as a small square; whoever shows it says the same in words. */
export function Mark({ status }: { status: string }) {
  return (
    <span className="mark" data-status={status} aria-hidden="true">
      {signOf(status)}
    </span>
  )
}
