import type { Command, Option } from 'commander'
import { CliError } from '../node/commands/cli-error.ts'

const YES = /^(?:1|true|yes|on)$/i
const NO = /^(?:0|false|no|off)$/i

/**
 * Gives options that their variables set the value that those hold: commander takes a flag as given where its variable is
 * there, whatever it says, and an empty one of the others as a value.
 *
 * @throws {CliError} where a variable says nothing, or neither yes nor no
 */
export function readVariables(command: Command): void {
  for (const option of command.options) {
    const text = option.envVar === undefined ? undefined : process.env[option.envVar]
    if (text === undefined || command.getOptionValueSource(option.attributeName()) !== 'env') continue
    if (isFlag(option)) command.setOptionValueWithSource(option.attributeName(), flagValue(option, text), 'env')
    // What an engine's own tools take for "not given" is not ours to refuse.
    else if (text === '' && option.envVar?.startsWith('CORTEX_') === true) {
      throw new CliError(`The variable ${option.envVar} is empty: give it a value, or unset it`)
    }
  }
}

/** Whether an option takes no value: it is given or not. */
export function isFlag(option: Option): boolean {
  return option.isBoolean() || option.negate
}

/** `CORTEX_NO_MDNS=false` is as good as saying nothing, and so is an empty variable. */
function flagValue({ envVar, negate }: Option, text: string): boolean {
  const isGiven = YES.test(text.trim())
  if (!isGiven && text.trim() !== '' && !NO.test(text.trim())) {
    throw new CliError(`The variable ${envVar} must be true or false (1 or 0, yes or no, on or off)`)
  }
  return negate ? !isGiven : isGiven
}
