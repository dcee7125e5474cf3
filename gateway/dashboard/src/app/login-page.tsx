import { Alert, Button, Code, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { UnauthorizedError } from '../../../client/errors.ts'
import { messageOf } from '../ui/problem.tsx'
import { signIn } from './session.ts'

const REASONS: Record<string, string> = {
  expired: 'Your session has ended. Sign in again, and you are back where you were.',
  link: 'This sign-in link was used or is too old. Sign in with a key, or restart the gateway for a new link.',
}

/** Where somebody signs in who has no session. */
export function LoginPage() {
  const { from, reason } = useSearch({ from: '/login' })
  const { history } = useRouter()
  const [key, setKey] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)

  useEffect(() => {
    document.title = 'Sign in · Cortex'
  }, [])

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    setBusy(true)
    setProblem(null)
    try {
      await signIn(key)
      history.push(from ?? '/jobs')
    } catch (error) {
      setProblem(error instanceof UnauthorizedError ? 'The gateway does not know this key.' : messageOf(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <main className="login">
      <Paper withBorder radius="lg" p="xl" w="100%" maw={420} shadow="sm">
        <form onSubmit={(event) => void submit(event)}>
          <Stack>
            <img src="/icon.svg" alt="" width={44} height={44} />
            <div>
              <Title order={1} size="h3">
                Sign in to Cortex
              </Title>
              <Text size="sm" c="dimmed" mt={4}>
                This is the dashboard of a gateway to a market for containers: you say what is to run, providers bid for
                it, and you follow it here to its cost.
              </Text>
            </div>
            {reason !== undefined && REASONS[reason] !== undefined && (
              <Alert color="yellow" variant="light">
                {REASONS[reason]}
              </Alert>
            )}
            <Text size="sm">
              Open the link that the gateway printed as <Code className="nowrap">sign in</Code> when it started: it
              works once, within ten minutes. Or give an API key.
            </Text>
            <PasswordInput
              label="API key"
              description="It goes to the gateway once and is not kept in this browser."
              value={key}
              onChange={(event) => setKey(event.currentTarget.value)}
              error={problem}
              required
              withAsterisk={false}
              autoComplete="off"
              data-autofocus
            />
            <Button type="submit" loading={busy} disabled={key.trim() === ''}>
              Sign in
            </Button>
            <Text size="xs" c="dimmed">
              If you started it, your first key, the admin’s, is in the file <Code>gateway/admin.key</Code> of its data
              folder. If somebody else did, they make a key for you in Settings, or with <Code>cortex key create</Code>.
            </Text>
          </Stack>
        </form>
      </Paper>
    </main>
  )
}
