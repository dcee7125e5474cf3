import { Command, Option } from 'commander'
import { group } from '../../node/commands/group.ts'
import { inputFlags, type JobFlags, jobFlags } from '../../node/commands/job-flags.ts'
import type { NewSchedule, Schedule, ScheduleChanges } from '../client/index.ts'
import { NEVER_TICKS } from '../contract/cron-words.ts'
import { CONCURRENCY_POLICIES } from '../contract/schedule-words.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'
import { configFrom, showId, uploaded } from './template.ts'

interface Rhythm {
  cron?: string
  timezone?: string
  policy?: NonNullable<NewSchedule['concurrencyPolicy']>
  catchUp?: true
  template?: string
}

type CreateOptions = ConnectionOptions & JobFlags & Rhythm & { file?: string; image?: string; paused?: true }

/** `cortex schedule …`: jobs that run at given times. */
export function scheduleCommand(): Command {
  const commands = [
    create(),
    list(),
    get(),
    update(),
    run(),
    change('pause', 'let no job run until it is resumed'),
    change('resume', 'run again; ticks while it was paused are passed over'),
    remove(),
  ]
  return group('schedule', 'jobs that run at given times', commands, ["create nightly '0 3 * * *' --image busybox"])
}

const rhythmFlags = (command: Command): Command =>
  command
    .option('--timezone <name>', 'e.g. Europe/Berlin, Tokyo, UTC+2, PST; UTC unless said')
    .addOption(new Option('--policy <policy>', 'what a tick does while a job of it runs').choices(CONCURRENCY_POLICIES))
    .option('--catch-up', 'run once for ticks missed while the gateway was down')
    .option('--template <id>', 'run this template')

function create(): Command {
  const command = new Command('create')
    .description('run a job or a template on a schedule; prints the schedule’s id')
    .argument('<name>', 'what people read')
    .argument('<cron>', "five or six fields, or @daily and the like, e.g. '0 3 * * *'")
    .option('-f, --file <path>', 'a job in JSON or YAML; flags outweigh it')
    .option('--image <image>', 'the container image')
    .option('--paused', 'do not run it yet')
  return withConnection(inputFlags(jobFlags(rhythmFlags(command))))
    .addHelpText(
      'after',
      "\nExample:\n  $ cortex schedule create nightly '0 3 * * *' --timezone Europe/Berlin --image busybox",
    )
    .action(
      asking(async (client, name: string, cron: string, options: CreateOptions) => {
        const config =
          options.template === undefined ? { config: await uploaded(client, await configFrom(options), options) } : {}
        const fields = { name, ...rhythmOf({ ...options, cron }), ...config, enabled: options.paused !== true }
        await showId(await client.schedules.create(fields as NewSchedule), options)
      }),
    )
}

function rhythmOf({ cron, timezone, policy, catchUp, template }: Rhythm): ScheduleChanges {
  const fields = { schedule: cron, timezone, concurrencyPolicy: policy, catchUp, templateId: template }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function list(): Command {
  return withConnection(new Command('list').description('your schedules'))
    .addHelpText('after', '\nExample:\n  $ cortex schedule list')
    .action(
      asking(async (client, options: ConnectionOptions) => {
        const { showList, when } = await import('./show.ts')
        const schedules = await Array.fromAsync(client.schedules.all())
        showList(schedules, options, ['SCHEDULE', 'NAME', 'CRON', 'TIME ZONE', 'NEXT', 'LAST'], (one) => [
          one.id,
          one.name,
          one.schedule,
          one.timezone,
          one.enabled ? when(one.nextRuns[0]) : 'paused',
          lastRun(one, when),
        ])
      }),
    )
}

function lastRun({ lastRuns: [last] }: Schedule, when: (time: string) => string): string {
  return last === undefined ? '-' : `${last.job?.status ?? last.outcome} ${when(last.tick)}`
}

/** One that was kept before such were refused may never come. */
function nextText({ enabled, nextRuns }: Schedule): string {
  return enabled && nextRuns.length === 0 ? `never: ${NEVER_TICKS}` : nextRuns.join(', ')
}

/** What became of a run, and of its job. */
function runText({ outcome, jobId, reason, job }: Schedule['lastRuns'][number]): string {
  return [job?.status ?? outcome, jobId ?? '', reason, job?.error?.message ?? ''].filter(Boolean).join(' ')
}

function get(): Command {
  return withConnection(new Command('get').description('one schedule').argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex schedule get schedule_01k8m3q7w9x2')
    .action(
      asking(
        async (client, id: string, options: ConnectionOptions) => await show(await client.schedules.get(id), options),
      ),
    )
}

async function show(schedule: Schedule, options: ConnectionOptions): Promise<void> {
  const { fieldRows, showOne, when } = await import('./show.ts')
  showOne(schedule, options, (one) => ({
    id: [['schedule', one.id]],
    name: [['name', one.name]],
    schedule: [['cron', `${one.schedule} (${one.timezone})`]],
    timezone: [],
    templateId: one.templateId === null ? [] : [['runs', one.templateId]],
    config: fieldRows(one.config),
    concurrencyPolicy: [['while one runs', one.concurrencyPolicy]],
    catchUp: [['missed ticks', one.catchUp ? 'run once' : 'are recorded']],
    enabled: one.enabled ? [] : [['paused', one.disabledReason ?? 'yes']],
    disabledReason: [],
    nextRuns: [['next', nextText(one)]],
    lastRuns: one.lastRuns.map((run) => [when(run.tick), runText(run)]),
    createdAt: [['created', when(one.createdAt)]],
    updatedAt: [['changed', when(one.updatedAt)]],
  }))
}

function update(): Command {
  const command = new Command('update')
    .description('change a schedule')
    .argument('<id>', 'which')
    .option('--name <name>', 'what people read')
    .option('--cron <cron>', 'when it runs')
    .option('-f, --file <path>', 'another job, in JSON or YAML')
  return withConnection(rhythmFlags(command))
    .addHelpText('after', '\nExample:\n  $ cortex schedule update schedule_01k8m3q7w9x2 --cron @hourly')
    .action(
      asking(async (client, id: string, options: ConnectionOptions & Rhythm & { name?: string; file?: string }) => {
        const { name, file } = options
        const changes = {
          ...rhythmOf(options),
          ...(name === undefined ? {} : { name }),
          ...(file === undefined ? {} : { config: await configFrom({ file }) }),
        }
        await show(await client.schedules.update(id, changes), options)
      }),
    )
}

function run(): Command {
  const command = new Command('run').description('run it now, besides its ticks; prints the job’s id')
  return withConnection(command.argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex schedule run schedule_01k8m3q7w9x2')
    .action(
      asking(
        async (client, id: string, options: ConnectionOptions) => await showId(await client.schedules.run(id), options),
      ),
    )
}

function change(action: 'pause' | 'resume', description: string): Command {
  return withConnection(new Command(action).description(description).argument('<id>', 'which'))
    .addHelpText('after', `\nExample:\n  $ cortex schedule ${action} schedule_01k8m3q7w9x2`)
    .action(
      asking(
        async (client, id: string, options: ConnectionOptions) =>
          await show(await client.schedules[action](id), options),
      ),
    )
}

function remove(): Command {
  return withConnection(
    new Command('delete').description('delete a schedule; its jobs go on').argument('<id>', 'which'),
  )
    .addHelpText('after', '\nExample:\n  $ cortex schedule delete schedule_01k8m3q7w9x2')
    .action(asking(async (client, id: string) => await client.schedules.delete(id)))
}
