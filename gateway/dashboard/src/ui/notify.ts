import { notifications } from '@mantine/notifications'
import { messageOf } from './problem.tsx'

/** Says for a moment that something was done. */
export function told(message: string): void {
  notifications.show({ message, color: 'teal', autoClose: 4000 })
}

/** Says that something did not work, until it is closed. */
export function failed(what: string, error: unknown): void {
  notifications.show({ title: what, message: messageOf(error), color: 'red', autoClose: false })
}
