import type { Command } from 'commander'

/** `cortex completion bash|zsh|fish|powershell`, and `cortex complete -- WORDS`, which its script calls. */
export async function addCompletion(program: Command): Promise<void> {
  const [{ default: tab }, { script }] = await Promise.all([import('@bomb.sh/tab/commander'), import('@bomb.sh/tab')])
  tab(program, { completionCommandName: 'completion' })
  const command = program.commands.find((one) => one.name() === 'completion')
  command?.action((shell: Parameters<typeof script>[0]) => {
    // The library writes it itself. What its bash script makes read-only cannot be set again where it is sourced twice.
    const { log } = console
    console.log = (text: string) => log(text.replaceAll(/^readonly /gm, ''))
    try {
      script(shell, program.name(), program.name())
    } finally {
      console.log = log
    }
  })
}
