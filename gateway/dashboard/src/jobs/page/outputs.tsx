import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { Job } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { save } from '../../format/save.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Icon } from '../../ui/icons.tsx'
import { Problem } from '../../ui/problem.tsx'
import { hasEnded } from '../cost.ts'

/** The files that the job leaves behind. */
export function Outputs({ job }: { job: Job }) {
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const path = typeof job.config.outputs === 'string' ? job.config.outputs : ''

  async function download(): Promise<void> {
    setBusy(true)
    setError(null)
    try {
      const blob = await new Response(await client.jobs.output(job.id)).blob()
      save(blob, `${job.id}-output.tar`)
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }

  if (path === '') {
    return (
      <Empty icon="file" title="This job keeps no output">
        Name a path in the container under Outputs when you create a job, and what is there when it ends can be
        downloaded here.
      </Empty>
    )
  }
  return (
    <Card title="Kept output">
      <Stack>
        <Text size="sm">
          What is in <code className="mono">{path}</code> when the container ends, as a tar file.
        </Text>
        {error !== null && <Problem error={error} />}
        <Group>
          <Button
            onClick={() => void download()}
            loading={busy}
            disabled={!hasEnded(job.status)}
            leftSection={<Icon name="download" size={16} />}
          >
            Download
          </Button>
          {!hasEnded(job.status) && (
            <Text size="sm" c="dimmed">
              It is there once the job has ended.
            </Text>
          )}
        </Group>
      </Stack>
    </Card>
  )
}
