import { ActionIcon, Button, Group, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Job, JobSubmission } from '../../../../client/index.ts'
import { hasEnded } from '../../../../contract/job-status.ts'
import { client } from '../../app/client.ts'
import { bytes, number } from '../../format/amounts.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Icon } from '../../ui/icons.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { PlainTable } from '../../ui/plain-table.tsx'
import { Ago } from '../../ui/time.tsx'
import { jobKeys } from '../queries.ts'
import { listFiles, nameOf, type OutputFile, type OutputList } from './output-files.ts'

/** The files that the job leaves behind. */
export function Outputs({ job }: { job: Job }) {
  const outputs = pathsOf(job.config['outputs'] as JobSubmission['outputs'])
  const path = outputs.map((output) => output.path).join(', ')
  if (outputs.length === 0) {
    return (
      <Empty icon="file" title="This job keeps no output">
        Name a path in the container under Outputs when you create a job, and what is there when it ends can be
        downloaded here.
      </Empty>
    )
  }
  if (!hasEnded(job.status)) {
    return (
      <Empty icon="file" title="There when the job has ended">
        What is in <code className="mono">{path}</code> when the container ends is kept for thirty days, to be looked
        through and downloaded here.
      </Empty>
    )
  }
  return (
    <>
      {job.results.outputUrl !== null && (
        <KeptOutput jobId={job.id} path={path} names={outputs.flatMap(({ name = [] }) => name)} />
      )}
      <Sent sent={job.results.sent ?? []} />
      <LeftOut leftOut={job.results.leftOut} />
    </>
  )
}

/** The paths that are kept; those of a list have names. */
function pathsOf(outputs: JobSubmission['outputs']): { name?: string | undefined; path: string }[] {
  if (Array.isArray(outputs)) return outputs
  return outputs === undefined || outputs === '' ? [] : [{ path: outputs }]
}

/** What went elsewhere, or was to. */
function Sent({ sent }: { sent: NonNullable<Job['results']['sent']> }) {
  if (sent.length === 0) return null
  return (
    <Card title="Sent elsewhere">
      <PlainTable label="Outputs that were to go elsewhere" heads={['Output', 'To', 'Size', 'SHA-256']}>
        {sent.map(({ name, host, bytes: size, sha256, objects, problem }) => (
          <Table.Tr key={name}>
            <Table.Td className="mono">{name}</Table.Td>
            <Table.Td>{host}</Table.Td>
            <Table.Td>{problem === null ? bytes(size) : '–'}</Table.Td>
            <Table.Td className="mono break">
              {problem === null ? (sha256 ?? `${number(objects)} objects`) : `not sent: ${problem}`}
            </Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
    </Card>
  )
}

/** What of the output did not arrive, and why. */
function LeftOut({ leftOut }: { leftOut: Job['results']['leftOut'] }) {
  if (leftOut.length === 0) return null
  return (
    <Card title="Left out">
      <PlainTable label="What of the output was left out" heads={['Path', 'Why']}>
        {leftOut.map(({ path, reason }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a path may come twice, and the list never changes
          <Table.Tr key={i}>
            <Table.Td className="mono">{path}</Table.Td>
            <Table.Td>{reason}</Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
    </Card>
  )
}

function KeptOutput({ jobId, path, names }: { jobId: string; path: string; names: string[] }) {
  const address = `/api/plugin-core/jobs/${encodeURIComponent(jobId)}/output`
  const query = useQuery({
    queryKey: jobKeys.output(jobId),
    queryFn: async ({ signal }) => await listFiles(await client.jobs.output(jobId, { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return (
    <Card
      title="Kept output"
      actions={
        query.isSuccess && (
          <Group gap={6}>
            {names.map((name) => (
              <DownloadTar key={name} href={`${address}?name=${encodeURIComponent(name)}`} file={`${jobId}-${name}`}>
                {name} (tar)
              </DownloadTar>
            ))}
            <DownloadTar href={address} file={jobId}>
              Download all (tar)
            </DownloadTar>
          </Group>
        )
      }
    >
      <Loaded query={query}>{(list) => <Files address={address} path={path} list={list} />}</Loaded>
    </Card>
  )
}

function DownloadTar({ href, file, children }: { href: string; file: string; children: ReactNode }) {
  return (
    <Button
      component="a"
      href={href}
      download={`${file}.tar`}
      size="xs"
      variant="default"
      leftSection={<Icon name="download" size={14} />}
    >
      {children}
    </Button>
  )
}

function Files({ address, path, list: { files, isCut } }: { address: string; path: string; list: OutputList }) {
  if (files.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        There was no file in <code className="mono">{path}</code> when the container ended.
      </Text>
    )
  }
  return (
    <>
      <PlainTable
        label="Files of the output"
        heads={['File', { label: 'Size', isRight: true }, 'Modified', { label: 'Download', isHidden: true }]}
      >
        {files.map((file, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a tar may hold one path twice, and never changes
          <FileRow key={i} address={address} file={file} />
        ))}
      </PlainTable>
      <Text size="sm" c="dimmed" mt="sm">
        {isCut
          ? `The first ${number(files.length)} files; the tar has more.`
          : `${number(files.length)} ${files.length === 1 ? 'file' : 'files'}, ${bytes(files.reduce((sum, file) => sum + file.bytes, 0))} in all, from ${path}`}
      </Text>
    </>
  )
}

function FileRow({ address, file: { path, bytes: size, modifiedMs } }: { address: string; file: OutputFile }) {
  return (
    <Table.Tr>
      <Table.Td className="mono break">{path}</Table.Td>
      <Table.Td ta="right" className="nowrap">
        {bytes(size)}
      </Table.Td>
      <Table.Td className="nowrap">
        {modifiedMs === null ? '–' : <Ago at={new Date(modifiedMs).toISOString()} />}
      </Table.Td>
      <Table.Td ta="right">
        <ActionIcon
          component="a"
          href={`${address}?path=${encodeURIComponent(path)}`}
          download={nameOf(path)}
          variant="subtle"
          color="gray"
          aria-label={`Download ${path}`}
        >
          <Icon name="download" size={16} />
        </ActionIcon>
      </Table.Td>
    </Table.Tr>
  )
}
