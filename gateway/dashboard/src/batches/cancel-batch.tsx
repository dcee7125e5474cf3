import { Text } from '@mantine/core'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { Confirm } from '../ui/confirm.tsx'
import { told } from '../ui/notify.ts'

/** Asks before a batch is cancelled. @param props.id which; null: nothing is asked */
export function CancelBatch({ id, onClose }: { id: string | null; onClose(): void }) {
  return (
    <Confirm
      isOpen={id !== null}
      title="Cancel batch"
      confirm="Cancel batch"
      dismiss="Keep running"
      isDangerous
      onClose={onClose}
      onConfirm={async () => {
        if (id === null) return
        await client.batches.cancel(id)
        await queryClient.invalidateQueries({ queryKey: ['batches'] })
        told('Cancelling the batch')
      }}
    >
      <Text size="sm">What has not ended of it is cancelled. What ran is paid for.</Text>
    </Confirm>
  )
}
