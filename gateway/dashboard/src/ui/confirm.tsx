import { Button, Group, Modal, Stack } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { Problem } from './problem.tsx'

interface ConfirmProps {
  isOpen: boolean
  title: string
  /** What happens, and what does not. */
  children: ReactNode
  confirm: string
  /** Of the way out. @default "Keep it" */
  dismiss?: string
  isDangerous?: boolean
  isDisabled?: boolean
  onConfirm(): Promise<unknown>
  onClose(): void
}

/** Asks before something is done; stays open, with the reason, where it could not be. */
export function Confirm(props: ConfirmProps) {
  const { isOpen, title, children, confirm, dismiss = 'Keep it', isDangerous = false, isDisabled = false } = props
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [isShown, setShown] = useState(false)

  // Also where it is there only once it is open: what had the focus then is remembered as it opens.
  useEffect(() => setShown(isOpen), [isOpen])

  function close(): void {
    setError(null)
    props.onClose()
  }

  async function act(): Promise<void> {
    setBusy(true)
    setError(null)
    try {
      await props.onConfirm()
      close()
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }

  return (
    <Modal opened={isShown} onClose={close} title={title} centered closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void act()
        }}
      >
        <Stack gap="md">
          {children}
          {error !== null && <Problem error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {dismiss}
            </Button>
            <Button type="submit" loading={busy} disabled={isDisabled} {...(isDangerous ? { color: 'red' } : {})}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
