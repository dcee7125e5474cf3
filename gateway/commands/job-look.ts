import { Command } from 'commander'
import { say } from '../../node/commands/print.ts'
import type { Container, CortexClient, JobListItem } from '../client/index.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'
import { aboutJob, wholeJobId } from './job-id.ts'

/** Containers that are looked into at a time. */
const AT_ONCE = 4
/** Jobs that `job stats` shows where none is named: each is a look into a container. */
const MAX_SHOWN = 50

/** `cortex job stats · top · files`: what running containers do and hold. */
export function jobLookCommands(): Command[] {
  return [statsCommand(), topCommand(), filesCommand()]
}

/** What a running job uses now, as `job stats --json` prints it. */
interface JobStats {
  id: string
  name: string | null
  /** Millicores, as was measured last; null where nothing was yet. */
  cpu: number | null
  /** Millicores that it may use. */
  cpuLimit: number | null
  /** Thousandths of one GPU at full use, of all that it has, as was measured last; null where nothing tells. */
  gpu: number | null
  /** Bytes of VRAM likewise. */
  gpuMemory: number | null
  usage: Container['usage']
}

function statsCommand(): Command {
  const command = new Command('stats')
    .description('what running jobs use: CPU and GPUs as measured last, memory, network and processes now')
    .argument('[id...]', `which; else the newest ${MAX_SHOWN} that run`)
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job stats\n  $ cortex job stats train --json')
    .action(
      asking(async (client, ids: string[], options: ConnectionOptions) => {
        const [{ showList }, { shownBytes }] = await Promise.all([
          import('./show.ts'),
          import('../../protocol/units.ts'),
        ])
        const stats = await statsOf(client, ids)
        const head = ['JOB', 'CPU', 'MEMORY', 'OF', 'RECEIVED', 'SENT', 'GPU', 'VRAM', 'PROCESSES', 'NAME']
        showList(stats, options, head, ({ id, name, cpu, cpuLimit, gpu, gpuMemory, usage }) => [
          id,
          `${cpu ?? '-'}m of ${cpuLimit ?? '-'}m`,
          shownBytes(usage.memory),
          shownBytes(usage.memoryLimit),
          shownBytes(usage.network.rx),
          shownBytes(usage.network.tx),
          gpu === null ? '-' : `${Math.round(gpu / 10)} %`,
          gpuMemory === null ? '-' : shownBytes(gpuMemory),
          String(usage.processes),
          name ?? '-',
        ])
      }),
    )
}

/** Of those that were named each must run; of others those that ended meanwhile are left out. */
async function statsOf(client: CortexClient, ids: string[]): Promise<JobStats[]> {
  const whole: string[] = []
  for (const text of ids) whole.push(await wholeJobId(client, text))
  const jobs: JobListItem[] =
    whole.length > 0
      ? await Promise.all(whole.map(async (id) => await client.jobs.get(id)))
      : (await client.jobs.list({ status: 'running', limit: MAX_SHOWN })).items
  const stats: JobStats[] = []
  let unseen = 0
  for (let at = 0; at < jobs.length; at += AT_ONCE) {
    const looks = jobs.slice(at, at + AT_ONCE).map(async (job) => await lookAt(client, job))
    for (const look of await Promise.allSettled(looks)) {
      if (look.status === 'fulfilled') stats.push(look.value)
      else if (whole.length > 0) throw look.reason
      else unseen += 1
    }
  }
  if (unseen > 0) say(`${unseen} could not be looked into: name one to see why`)
  return stats
}

async function lookAt(client: CortexClient, { id = '', name = null, cpu }: JobListItem): Promise<JobStats> {
  const [{ usage }, metrics] = await Promise.all([
    client.jobs.container(id),
    client.jobs.metrics(id, { period: '1h', resolution: '5s' }),
  ])
  const last = (points: typeof metrics.cpu): number | null => points.at(-1)?.value ?? null
  const [measured, limit] = [last(metrics.cpu), cpu ?? null]
  const gpus = { gpu: last(metrics.gpu), gpuMemory: last(metrics.gpuMemory) }
  return { id, name, cpu: measured, cpuLimit: limit, ...gpus, usage }
}

function topCommand(): Command {
  const command = new Command('top').description('what runs in a job’s container').argument('<id>', 'which')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job top train')
    .action(
      aboutJob(async (client, id, options: ConnectionOptions) => {
        const { showList } = await import('./show.ts')
        const { processes } = await client.jobs.container(id)
        showList(processes, options, ['PID', 'USER', 'COMMAND'], ({ pid, user, command }) => [
          String(pid),
          user,
          command,
        ])
      }),
    )
}

function filesCommand(): Command {
  const command = new Command('files')
    .description('what a folder of a running job’s container holds; `job cp` copies')
    .argument('<id>', 'which')
    .argument('[path]', 'absolute, in the container', '/')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job files train /data')
    .action(
      aboutJob(async (client, id, path: string, options: ConnectionOptions) => {
        const [{ showList, when }, { shownBytes }] = await Promise.all([
          import('./show.ts'),
          import('../../protocol/units.ts'),
        ])
        const { entries, ...itself } = await client.jobs.files.list(id, path, { max: 0 })
        const files = entries === null ? [itself] : await Array.fromAsync(client.jobs.files.all(id, path))
        showList(files, options, ['MODE', 'SIZE', 'CHANGED', 'NAME'], (file) => [
          file.mode,
          file.type === 'file' ? shownBytes(file.size) : file.type,
          when(file.mtime),
          file.linkTarget === null ? file.name : `${file.name} -> ${file.linkTarget}`,
        ])
        if (!itself.complete) say('not all of it was looked at: it is too large for that')
      }),
    )
}
