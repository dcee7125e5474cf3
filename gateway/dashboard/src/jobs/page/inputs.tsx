import { Progress, Table, Text } from '@mantine/core'
import type { Job, JobSubmission } from '../../../../client/index.ts'
import { bytes } from '../../format/amounts.ts'
import { Card } from '../../ui/card.tsx'
import { PlainTable } from '../../ui/plain-table.tsx'

type Input = NonNullable<JobSubmission['inputs']>[number]

/** What the job brings, and how far that is while it comes; nothing where it brings nothing. */
export function Inputs({ job }: { job: Job }) {
  const inputs = (job.config['inputs'] ?? []) as Input[]
  const stdin = job.config['stdin'] as Input['from'] | undefined
  if (inputs.length === 0 && stdin === undefined) return null
  const progress = job.status === 'scheduled' ? job.events?.findLast(({ type }) => type === 'transferring') : undefined
  return (
    <Card title="Inputs">
      {progress !== undefined && (
        <Transfer done={Number(progress['bytesDone'])} total={Number(progress['bytesTotal'])} />
      )}
      <PlainTable label="Inputs" heads={['Path', 'From', 'Access']}>
        {inputs.map(({ path, from, mode }) => (
          <Table.Tr key={path}>
            <Table.Td className="mono break">{path}</Table.Td>
            <Table.Td className="break">{sourceOf(from)}</Table.Td>
            <Table.Td className="nowrap">{mode === 'rw' ? 'a copy of its own' : 'read-only'}</Table.Td>
          </Table.Tr>
        ))}
        {stdin !== undefined && (
          <Table.Tr>
            <Table.Td>standard input</Table.Td>
            <Table.Td className="break">{sourceOf(stdin)}</Table.Td>
            <Table.Td className="nowrap">read once</Table.Td>
          </Table.Tr>
        )}
      </PlainTable>
    </Card>
  )
}

function Transfer({ done, total }: { done: number; total: number }) {
  return (
    <>
      <Progress value={total === 0 ? 0 : (100 * done) / total} aria-label="What has come of the inputs" />
      <Text size="xs" mt={4} mb="sm">
        {bytes(done)} of {bytes(total)} are at the provider
      </Text>
    </>
  )
}

function sourceOf({ inline, upload, job, path = 'all', url, sha256 }: Input['from']): string {
  if (inline !== undefined) return `text, ${inline.length} characters`
  if (job !== undefined) return `output of ${job}: ${path}`
  if (url !== undefined) return `${shownUrl(url)}${sha256 === undefined ? '' : `, sha256 ${sha256.slice(0, 12)}…`}`
  return upload === undefined ? '' : `upload ${upload.slice(0, 19)}…`
}

/** Without what may open it to whoever looks over a shoulder. */
function shownUrl(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}
