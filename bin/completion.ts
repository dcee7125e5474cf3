import type { Command } from 'commander'

/** `cortex completion bash|zsh|fish|powershell`, and `cortex complete -- WORDS`, which its script calls. */
export async function addCompletion(program: Command): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab/commander')
  tab(program, { completionCommandName: 'completion' })
}
