import { Command } from 'commander'
import { group } from '../../node/commands/group.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'

/** `cortex image push`: images that no registry has. */
export function imageCommand(): Command {
  return group('image', 'images without a registry', [push()], ['push my/app:dev'])
}

function push(): Command {
  const command = new Command('push')
    .description('give an image to a gateway, for jobs of yours alone; prints its digest')
    .argument(
      '<file|name>',
      'a file that docker save wrote, - for the standard input, or a name that the engine here knows',
    )
    .option('--image <name>', 'what it is called, and which of them where the file holds several')
  const example = `
Example:
  $ cortex image push my/app:dev
  $ docker save my/app:dev | cortex image push -
  $ cortex job submit --image-from sha256:… my/app:dev -- ./serve`
  return withConnection(command)
    .addHelpText('after', example)
    .action(
      asking(async (client, source: string, options: ConnectionOptions & { image?: string }) => {
        const { givenImage } = await import('../../node/commands/give-image.ts')
        const { statusLine } = await import('../../node/commands/status-line.ts')
        const { print, printJson } = await import('../../node/commands/print.ts')
        const { partGiver } = await import('./upload-sources.ts')
        const { shownBytes } = await import('../../protocol/units.ts')
        const status = statusLine()
        try {
          const give = partGiver(client, options.image ?? source, status)
          const image = await givenImage({ source, wanted: options.image }, give, status)
          status.done(`${shownBytes(image.newBytes)} of ${shownBytes(image.bytes)} are new, in ${image.layers} layers`)
          if (options.json === true) printJson(image)
          else print(image.digest)
        } finally {
          status.stop()
        }
      }),
    )
}
