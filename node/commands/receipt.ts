import { Command } from 'commander'
import { group } from './group.ts'

/** `cortex receipt verify FILE`: nobody has to be asked. */
export function receiptCommand(): Command {
  const verify = new Command('verify')
    .description('check receipts: both signatures, who signed, and the arithmetic')
    .argument(
      '<file>',
      'as `cortex job receipt -o FILE`, `cortex volume receipt -o FILE` or the API gives it; - for standard input',
    )
    .option('--provider <id>', 'who has to have signed as the provider')
    .option('--requester <id>', 'who has to have signed as the requester')
    .option('--json', 'what was signed, as JSON')
    .addHelpText('after', '\nExample:\n  $ cortex receipt verify receipt.json')
    .action(async (file: string, options: { provider?: string; requester?: string; json?: true }) => {
      await (await import('./verify-receipt.ts')).verifyReceipt(file, options)
    })
  return group('receipt', 'signed statements of use', [verify], ['verify receipt.json'])
}
