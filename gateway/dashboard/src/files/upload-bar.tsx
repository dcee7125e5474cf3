import { Alert, Button, Group, Progress, Text } from '@mantine/core'
import { bytes, counted, number } from '../format/amounts.ts'
import { shownText } from '../format/shown-text.ts'
import { MOST_FILES } from '../ui/dropped-files.ts'
import type { UploadState } from './use-uploads.ts'

/** How far what is sent is, and what of it did not go. */
export function UploadBar({ state, onStop, onDismiss }: { state: UploadState; onStop(): void; onDismiss(): void }) {
  const { isBusy, name, files, filesDone, failures, failed, isCut } = state
  const share = state.bytes === 0 ? (100 * filesDone) / files : (100 * state.bytesDone) / state.bytes
  return (
    <div role="status" className="upload-bar">
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm" className="break">
          {isBusy ? (
            <>
              Sending <bdi className="mono">{shownText(name)}</bdi>: {number(filesDone)} of {counted(files, 'file')},{' '}
              {bytes(state.bytesDone)} of {bytes(state.bytes)}
            </>
          ) : (
            `${number(filesDone)} of ${counted(files, 'file')} sent`
          )}
        </Text>
        <Button size="compact-xs" variant="default" onClick={isBusy ? onStop : onDismiss}>
          {isBusy ? 'Stop' : 'Close'}
        </Button>
      </Group>
      <Progress value={share} size="sm" mt={4} aria-label="What was sent of the files" />
      {isCut && (
        <Text size="sm" mt={4}>
          Only the first {number(MOST_FILES)} are taken at once: send more as a tar, with cortex job cp.
        </Text>
      )}
      {failed > 0 && (
        <Alert color="red" variant="light" mt="xs" role="alert" title={`${counted(failed, 'file')} did not go`}>
          {failures.map(({ path, message }) => (
            <Text key={path} size="sm" className="break">
              <bdi className="mono">{shownText(path)}</bdi>: {message}
            </Text>
          ))}
          {failed > failures.length && <Text size="sm">and {number(failed - failures.length)} more</Text>}
        </Alert>
      )}
    </div>
  )
}
