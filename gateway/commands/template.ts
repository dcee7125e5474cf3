import { Command } from 'commander'
import { group } from '../../node/commands/group.ts'
import { submissionFrom } from '../../node/commands/job-file.ts'
import { inputFlags, type JobFlags, jobFlags } from '../../node/commands/job-flags.ts'
import type { CortexClient, JobConfig, Template } from '../client/index.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'

interface TemplateOptions extends ConnectionOptions {
  file?: string
  name?: string
  description?: string
}

/** `cortex template …`: job configurations that are kept. */
export function templateCommand(): Command {
  const commands = [create(), list(), get(), update(), submit(), remove()]
  return group('template', 'job configurations that are kept', commands, ['create web --image nginx --port 80'])
}

const fileFlag = (command: Command): Command =>
  command.option('-f, --file <path>', 'a job in JSON or YAML, - for standard input; flags outweigh it')

function create(): Command {
  const command = fileFlag(new Command('create').description('keep a job as a template; prints its id'))
    .argument('<name>', 'what people read')
    .option('--image <image>', 'the container image')
    .option('--description <text>', 'what it is for')
  return withConnection(inputFlags(jobFlags(command)))
    .addHelpText(
      'after',
      '\nExample:\n  $ cortex template create web --image nginx --port 80 --memory 256Mi\n  $ cortex template create sum --image busybox --input ./data:/data --output /out',
    )
    .action(
      asking(async (client, name: string, options: TemplateOptions & JobFlags & { image?: string }) => {
        const { description } = options
        const config = await configFrom(options)
        const made = await client.templates.create({
          name,
          config: await uploaded(client, config, options),
          ...(description === undefined ? {} : { description }),
        })
        await showId(made, options)
      }),
    )
}

/** What the file says, and what the flags say over it. */
export async function configFrom(options: JobFlags & { file?: string; image?: string }): Promise<JobConfig> {
  return (await submissionFrom(options.image, [], options)) as JobConfig
}

/** With what it brings from this machine, which the gateway keeps for as long as the template or schedule names it. */
export async function uploaded(client: CortexClient, config: JobConfig, options: JobFlags): Promise<JobConfig> {
  const { withUploads } = await import('./upload-inputs.ts')
  return await withUploads(client, config, options)
}

/** What a program wants of something new: its id. */
export async function showId(made: { id: string }, options: ConnectionOptions): Promise<void> {
  const { print, printJson } = await import('../../node/commands/print.ts')
  if (options.json === true) printJson(made)
  else print(made.id)
}

function list(): Command {
  return withConnection(new Command('list').description('your templates'))
    .addHelpText('after', '\nExample:\n  $ cortex template list')
    .action(
      asking(async (client, options: ConnectionOptions) => {
        const { showList, when } = await import('./show.ts')
        const templates = await Array.fromAsync(client.templates.all())
        showList(templates, options, ['TEMPLATE', 'NAME', 'IMAGE', 'CHANGED'], (one) => [
          one.id,
          one.name,
          String(one.config.image ?? '-'),
          when(one.updatedAt),
        ])
      }),
    )
}

function get(): Command {
  return withConnection(new Command('get').description('one template').argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex template get template_01k8m3q7w9x2')
    .action(
      asking(
        async (client, id: string, options: ConnectionOptions) => await show(await client.templates.get(id), options),
      ),
    )
}

async function show(template: Template, options: ConnectionOptions): Promise<void> {
  const { fieldRows, showOne, when } = await import('./show.ts')
  showOne(template, options, ({ id, name, description, config, createdAt, updatedAt }) => ({
    id: [['template', id]],
    name: [['name', name]],
    description: [['description', description]],
    config: fieldRows(config),
    createdAt: [['created', when(createdAt)]],
    updatedAt: [['changed', when(updatedAt)]],
  }))
}

function update(): Command {
  const command = fileFlag(new Command('update').description('change a template; a file replaces its whole job'))
    .argument('<id>', 'which')
    .option('--name <name>', 'what people read')
    .option('--description <text>', 'what it is for')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex template update template_01k8m3q7w9x2 -f job.yaml')
    .action(
      asking(async (client, id: string, options: TemplateOptions) => {
        const { name, description, file } = options
        const changed = await client.templates.update(id, {
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description }),
          ...(file === undefined ? {} : { config: await configFrom({ file }) }),
        })
        await show(changed, options)
      }),
    )
}

function submit(): Command {
  const command = fileFlag(new Command('submit').description('submit a job from a template; prints the job’s id'))
    .argument('<id>', 'which')
    .option('--image <image>', 'another image')
  return withConnection(inputFlags(jobFlags(command)))
    .addHelpText('after', '\nExample:\n  $ cortex template submit template_01k8m3q7w9x2 --env DAY=monday')
    .action(
      asking(async (client, id: string, options: ConnectionOptions & JobFlags & { file?: string; image?: string }) => {
        const config = await uploaded(client, await configFrom(options), options)
        await showId(await client.jobs.fromTemplate(id, config), options)
      }),
    )
}

function remove(): Command {
  return withConnection(new Command('delete').description('delete a template').argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex template delete template_01k8m3q7w9x2')
    .action(asking(async (client, id: string) => await client.templates.delete(id)))
}
