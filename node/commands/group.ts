import { Command } from 'commander'

/** A command that only holds others; its help shows how one of them is called. @param examples each without `cortex ` and the name */
export function group(name: string, description: string, commands: Command[], examples: string[]): Command {
  const command = new Command(name).description(description)
  for (const one of commands) command.addCommand(one)
  const lines = examples.map((example) => `\n  $ cortex ${name} ${example}`).join('')
  return command.addHelpText('after', `\n${examples.length === 1 ? 'Example' : 'Examples'}:${lines}`)
}
