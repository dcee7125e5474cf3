/** Apart from what shows them, so that this is fetched behind the first page; what there is to tell waits for it. */
export { Notifications } from '@mantine/notifications'
