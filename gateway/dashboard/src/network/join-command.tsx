import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Network } from '../../../client/index.ts'
import { Copy } from '../ui/copy.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { networkQuery } from './queries.ts'

/** How somebody starts a provider: the command, with the address and the market of this gateway. */
export function JoinCommand() {
  return <Loaded query={useQuery(networkQuery)}>{(network) => <Command network={network} />}</Loaded>
}

function Command({ network }: { network: Network }) {
  const command = joinCommand(network)
  const isNear = bestAddress(network) === undefined
  return (
    <Stack gap={6} align="stretch">
      <Text size="sm" c="dimmed">
        On any machine with Docker that reaches this one
        {network.join.private && ', with the key of the network in the file'}:
      </Text>
      <Group gap={4} wrap="nowrap" className="join-command">
        <code className="mono break">{command}</code>
        <Copy text={command} what="command" />
      </Group>
      <Text size="sm" c="dimmed">
        {isNear
          ? 'This gateway listens on its own machine alone: start it there, or give the gateway another --listen.'
          : 'The price is in US dollars per core-hour. It is here within seconds.'}
      </Text>
    </Stack>
  )
}

/** `cortex agent …` */
function joinCommand(network: Network): string {
  const { network: market, private: isPrivate, addresses } = network.join
  const address = bestAddress(network) ?? addresses[0]
  return [
    'cortex agent',
    `--network ${market}`,
    ...(isPrivate ? ['--network-key network.key'] : []),
    ...(address === undefined ? [] : [`--bootstrap ${address}`]),
    '--price-cpu 0.01',
  ].join(' ')
}

/** The first that leads here from elsewhere. */
function bestAddress({ join: { addresses } }: Network): string | undefined {
  return addresses.find((address) => !/^\/ip4\/127\.|^\/ip6\/::1\/|^\/dns[46]?\/localhost\//.test(address))
}
