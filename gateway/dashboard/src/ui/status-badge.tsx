/** The status of a job, provider, batch or delivery as a word with its colour; the word alone says it all. */
export function StatusBadge({ status }: { status: string | undefined }) {
  const word = status ?? 'unknown'
  return (
    <span className="status" data-status={word}>
      <span className="status-dot" aria-hidden="true" />
      {word.charAt(0).toUpperCase() + word.slice(1)}
    </span>
  )
}
