import { Button, Group, Progress, Text } from '@mantine/core'
import type { Progressing } from './use-upload.ts'

interface UploadProgressProps {
  /** What it is for. */
  name: string
  state: Progressing
  onStop(): void
}

/** How far what is uploaded is, or what is wrong with it. */
export function UploadProgress({ name, state: { share, text, isWrong = false }, onStop }: UploadProgressProps) {
  const goesOn = share < 100 && !isWrong
  return (
    <>
      <Group gap={6} mt={4} role="status">
        <Text size="xs" className={isWrong ? 'bad-text break' : 'break'}>
          {text}
        </Text>
        {goesOn && (
          <Button size="compact-xs" variant="default" onClick={onStop} aria-label={`Stop the upload of ${name}`}>
            Stop
          </Button>
        )}
      </Group>
      {goesOn && <Progress value={share} size="xs" mt={4} aria-label={`Progress of the upload of ${name}`} />}
    </>
  )
}
