import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { Job } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { useMay } from '../../app/session.ts'
import { Card } from '../../ui/card.tsx'
import { Copy } from '../../ui/copy.tsx'
import { Icon } from '../../ui/icons.tsx'
import { failed, told } from '../../ui/notify.ts'
import { StatusBadge } from '../../ui/status-badge.tsx'

/** The exposed ports, and how each is reached: at an origin of its own in a browser, or from one's own machine. */
export function Endpoints({ job }: { job: Job }) {
  return (
    <Card title="Endpoints">
      <Stack gap="sm">
        {job.endpoints.map((endpoint) => (
          <Endpoint key={`${endpoint.protocol}${endpoint.port}`} jobId={job.id} endpoint={endpoint} />
        ))}
      </Stack>
    </Card>
  )
}

function Endpoint({ jobId, endpoint }: { jobId: string; endpoint: Job['endpoints'][number] }) {
  const { port, protocol, health, address } = endpoint
  const mayOpen = useMay('jobs:write')
  const forward = `cortex job forward ${jobId} ${port}:${port}${protocol === 'UDP' ? '/udp' : ''}`
  return (
    <div className="endpoint">
      <span className="mono endpoint-port">
        {port}/{protocol}
      </span>
      <StatusBadge status={health} />
      {protocol === 'TCP' && mayOpen && <PortLinks jobId={jobId} port={port} />}
      <Group gap={4} wrap="nowrap" className="endpoint-forward">
        <Text size="sm" c="dimmed" component="span" className="nowrap">
          {protocol === 'TCP' ? 'or from your machine' : 'From your machine'}
        </Text>
        <code className="mono">{forward}</code>
        <Copy text={forward} what={`command for port ${port}`} />
      </Group>
      {address !== null && (
        <Group gap={4} wrap="nowrap" className="endpoint-forward">
          <Text size="sm" c="dimmed" component="span" className="nowrap">
            open to everybody at
          </Text>
          <span className="mono">{address}</span>
          <Copy text={address} what={`public address of port ${port}`} />
        </Group>
      )}
    </div>
  )
}

function PortLinks({ jobId, port }: { jobId: string; port: number }) {
  const [busy, setBusy] = useState(false)

  async function withLink(use: (url: string) => Promise<void> | void, onFailure: () => void): Promise<void> {
    setBusy(true)
    try {
      await use((await client.jobs.link(jobId, port)).url)
    } catch (error) {
      onFailure()
      failed(`Could not open port ${port}`, error)
    } finally {
      setBusy(false)
    }
  }

  function open(): void {
    // Opened before the link is known: later a browser would take it for an advertisement.
    const page = window.open('', '_blank')
    if (page === null) {
      failed(
        `Could not open port ${port}`,
        new Error('The browser lets this page open no other: allow it, or copy the link'),
      )
      return
    }
    page.opener = null
    void withLink(
      (url) => page.location.replace(url),
      () => page.close(),
    )
  }

  async function copy(url: string): Promise<void> {
    await navigator.clipboard.writeText(url)
    told('Copied. The link opens once, within a minute')
  }

  return (
    <Group gap={6} wrap="nowrap">
      <Button
        size="xs"
        variant="light"
        leftSection={<Icon name="open" size={14} />}
        aria-label={`Open port ${port} in a new tab`}
        onClick={open}
        loading={busy}
      >
        Open
      </Button>
      <Button
        size="xs"
        variant="default"
        leftSection={<Icon name="copy" size={14} />}
        aria-label={`Copy link to port ${port}`}
        onClick={() => void withLink(copy, () => undefined)}
        disabled={busy}
      >
        Copy link
      </Button>
    </Group>
  )
}
