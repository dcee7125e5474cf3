import { Button } from '@mantine/core'
import type { KeyboardEventHandler, Ref } from 'react'

interface AccountNameProps {
  id: string | undefined
  ref?: Ref<HTMLButtonElement>
  'aria-haspopup'?: 'menu'
  onClick?: () => void
  onKeyDown?: KeyboardEventHandler
}

/** Who is signed in, on the button that opens what they can do about it. */
export function AccountName({ id, ...rest }: AccountNameProps) {
  return (
    <Button
      {...rest}
      variant="subtle"
      color="gray"
      px="xs"
      className="account"
      aria-label={`Account of ${id ?? 'you'}`}
    >
      {id ?? '…'}
    </Button>
  )
}
