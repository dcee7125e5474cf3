import { Alert, Button, Group, List, Text } from '@mantine/core'
import { CortexError, ValidationError } from '../../../client/errors.ts'

/** What went wrong, in the gateway's own words, and a way to try again. */
export function Problem({ error, onRetry, title }: { error: unknown; onRetry?: () => void; title?: string }) {
  const fields = error instanceof ValidationError ? error.fields : []
  return (
    <Alert color="red" variant="light" title={title ?? titleOf(error)} role="alert" className="problem">
      <Text size="sm">{messageOf(error)}</Text>
      {fields.length > 1 && (
        <List size="sm" mt="xs">
          {fields.map(({ path, message }) => (
            <List.Item key={`${path} ${message}`}>
              <code>{path}</code> {message}
            </List.Item>
          ))}
        </List>
      )}
      {error instanceof CortexError && error.requestId !== undefined && (
        <Text size="xs" mt={4}>
          Request {error.requestId}
        </Text>
      )}
      {onRetry && (
        <Group mt="sm">
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        </Group>
      )}
    </Alert>
  )
}

/** What an error says of itself, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function titleOf(error: unknown): string {
  if (!(error instanceof CortexError)) return 'Something went wrong'
  switch (error.code) {
    case 'CONNECTION_FAILED':
    case 'TIMED_OUT':
      return 'The gateway does not answer'
    case 'FORBIDDEN':
      return 'Your key may not do this'
    case 'RATE_LIMIT_EXCEEDED':
      return 'Too many requests'
    case 'PROVIDER_UNAVAILABLE':
      return 'Not available'
    default:
      return error.status === 404 ? 'Not found' : 'That did not work'
  }
}
