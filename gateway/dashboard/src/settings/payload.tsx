import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { DeliveryDetails } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { bytes } from '../format/amounts.ts'
import { Copy } from '../ui/copy.tsx'
import { Facts } from '../ui/facts.tsx'
import { Loaded } from '../ui/loaded.tsx'

/** What is sent with a delivery: its headers and its body. */
export function Payload({ webhookId, deliveryId }: { webhookId: string; deliveryId: string }) {
  const query = useQuery({
    queryKey: ['webhooks', 'delivery', webhookId, deliveryId],
    queryFn: async ({ signal }) => await client.webhooks.delivery(webhookId, deliveryId, { signal }),
    // What is sent stays as it is.
    staleTime: Number.POSITIVE_INFINITY,
  })
  return <Loaded query={query}>{({ request }) => <Request request={request} />}</Loaded>
}

function Request({ request: { headers, body, bodyBytes } }: Pick<DeliveryDetails, 'request'>) {
  const isWhole = new TextEncoder().encode(body).length >= bodyBytes
  return (
    <Stack gap="xs">
      <Facts items={Object.entries(headers)} />
      <Group gap={4}>
        <Text size="sm" c="dimmed">
          {isWhole ? bytes(bodyBytes) : `The first ${bytes(body.length)} of ${bytes(bodyBytes)}`}
        </Text>
        <Copy text={body} what="body" />
      </Group>
      <pre className="payload mono" tabIndex={0} role="region" aria-label="Body">
        {isWhole ? spaced(body) : body}
      </pre>
    </Stack>
  )
}

/** JSON with a line for each value; any other text as it is. */
function spaced(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text // it is shown as it was sent
  }
}
