/** Whether somebody at the terminal says yes; what is no answer is no. */
export async function askYes(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // Whoever ends the input has not agreed.
  const closed = new Promise<string>((resolve) => void terminal.once('close', () => resolve('')))
  try {
    return /^y(?:es)?$/i.test((await Promise.race([terminal.question(`${question} [y/N] `), closed])).trim())
  } finally {
    terminal.close()
  }
}
