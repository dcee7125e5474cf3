import { Button } from '@mantine/core'
import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { Empty } from '../ui/empty.tsx'
import { Problem } from '../ui/problem.tsx'

/** In place of a page that broke. */
export function FailedPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  return (
    <main className="page">
      <Problem
        error={error}
        onRetry={() => {
          reset()
          void router.invalidate()
        }}
      />
    </main>
  )
}

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
