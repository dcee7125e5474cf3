import { type ReactNode, Suspense, useState } from 'react'

interface AtFirstClickProps {
  /** The button while nothing was opened. */
  button(props: { 'aria-haspopup': 'menu'; onClick(): void }): ReactNode
  /** What stands in its place from the first click on: may be lazy, and is fetched then. */
  children: ReactNode
}

/** A button that opens a menu which is made, and fetched, only once somebody opens it; see `use-opened-late.ts`. */
export function AtFirstClick({ button, children }: AtFirstClickProps) {
  const [isUsed, setUsed] = useState(false)
  const closed = button({ 'aria-haspopup': 'menu', onClick: () => setUsed(true) })
  return isUsed ? <Suspense fallback={closed}>{children}</Suspense> : closed
}
