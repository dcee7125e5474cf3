import { Button } from '@mantine/core'
import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { Empty } from '../ui/empty.tsx'
import { Problem } from '../ui/problem.tsx'

/** Code that could not be loaded stays so until the page as a whole is loaded again. */
const notLoaded = new WeakSet<Error>()
window.addEventListener('vite:preloadError', ({ payload }) => {
  if (payload instanceof Error) notLoaded.add(payload)
})

/** In place of a page that broke, within what surrounds it. */
export function FailedPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const isCode = error instanceof Error && notLoaded.has(error)

  async function again(): Promise<void> {
    if (!isCode) {
      reset()
      await router.invalidate()
      return
    }
    // While the gateway is away there is more to see here than on the browser's own page.
    const answer = await fetch('/api/health').catch(() => null)
    if (answer?.ok === true) location.reload()
  }

  return (
    <div className="page">
      <Problem
        error={isCode ? new Error('The gateway is away, or another version of it runs now.') : error}
        {...(isCode ? { title: 'A part of this page could not be loaded' } : {})}
        onRetry={() => void again()}
      />
    </div>
  )
}

/** In place of everything. */
export function FailedRoot(props: ErrorComponentProps) {
  return (
    <main>
      <FailedPage {...props} />
    </main>
  )
}

/** In place of a page for an address that has none. */
export function NoPage() {
  return (
    <main className="page">
      <Empty
        icon="search"
        title="There is no such page"
        action={
          <Button component={Link} to="/jobs">
            To the jobs
          </Button>
        }
      >
        Check the address, or begin at the jobs.
      </Empty>
    </main>
  )
}
