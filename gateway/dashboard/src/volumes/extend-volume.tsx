import { Text } from '@mantine/core'
import { useState } from 'react'
import type { Volume } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { usd } from '../format/amounts.ts'
import { Confirm } from '../ui/confirm.tsx'
import { DurationInput } from '../ui/duration-input.tsx'
import { told } from '../ui/notify.ts'

interface ExtendVolumeProps {
  volume: Volume
  onDone(): Promise<unknown>
  onClose(): void
}

/** Asks for how long a volume is kept from now on. */
export function ExtendVolume({ volume: { id, name, keep, pricePerGbHour }, onDone, onClose }: ExtendVolumeProps) {
  const [seconds, setSeconds] = useState<number | undefined>(keep)
  return (
    <Confirm
      isOpen
      title="Extend volume"
      confirm="Extend"
      dismiss="Leave it"
      isDisabled={seconds === undefined || seconds <= 0}
      onClose={onClose}
      onConfirm={async () => {
        if (seconds === undefined) return
        await client.volumes.extend(id, seconds)
        await onDone()
        told('The volume is kept so long from its last use on')
      }}
    >
      <Text size="sm">
        <strong>{name}</strong>{' '}
        {pricePerGbHour === 0
          ? 'costs nothing while no job has it.'
          : `costs ${usd(pricePerGbHour)} for each GB and hour in which no job has it.`}
      </Text>
      <DurationInput
        label="Keep it after its last use for"
        description="Its provider may keep none so long, and says so."
        value={seconds}
        onChange={setSeconds}
      />
    </Confirm>
  )
}
