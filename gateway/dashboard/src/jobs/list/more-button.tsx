import { Button } from '@mantine/core'
import type { KeyboardEventHandler, Ref } from 'react'
import { Icon } from '../../ui/icons.tsx'

interface MoreButtonProps {
  ref?: Ref<HTMLButtonElement>
  'aria-haspopup'?: 'menu'
  onClick?: () => void
  onKeyDown?: KeyboardEventHandler
}

/** Opens what else there is. */
export function MoreButton(props: MoreButtonProps) {
  return (
    <Button {...props} variant="default" rightSection={<Icon name="down" size={14} />}>
      More
    </Button>
  )
}
