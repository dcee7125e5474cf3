import { z } from 'zod'
import { secretNameField } from './job-fields.ts'

/** One of a job's `secrets`, by its name: what stands there in place of a key. */
export interface SecretName {
  secret: string
}

/** A place for a key that takes no key, and says where that belongs. @param what it is, for people */
export function namedSecretField(what: string) {
  return z
    .strictObject(
      { secret: secretNameField.describe('Its name.') },
      { error: 'must be { "secret": NAME }: put the key itself into secrets, under that name' },
    )
    .describe(`${what}: one of the job’s \`secrets\`, which is then not in the program’s environment.`)
}

/** Those among a job's secrets that something of it names, each once. */
export function namedSecrets(names: Iterable<SecretName | undefined>): Set<string> {
  return new Set([...names].flatMap((name) => (name === undefined ? [] : [name.secret])))
}
