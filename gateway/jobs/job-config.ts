import type { z } from 'zod'
import type { SecretBox } from '../../node/store/secret-box.ts'
import type { JobSpec } from '../../protocol/job-spec.ts'
import type { configSchema, overridesSchema } from '../contract/job-config.ts'
import { assertSecretsStay } from './kept-secrets.ts'
import { withStoredSecrets } from './overrides.ts'

/** Some fields of a submission, as somebody gave them. */
export type JobConfig = z.output<typeof configSchema>

/** A job configuration at rest: its secrets encrypted, apart from the rest. */
export interface StoredConfig {
  config: JobConfig
  /** Sealed `secrets` and `registryCredentials`; absent where there are none. */
  sealed?: string
}

/** What an answer does not show of a configuration. */
export interface Hidden {
  /** Their names. */
  secrets: string[]
  registryCredentials: boolean
}

type Secrets = Pick<JobConfig, 'secrets' | 'registryCredentials'>

/** Keeps configurations of templates, schedules and batches. */
export interface ConfigVault {
  /** @param id of the record it is part of; the secrets open under no other. */
  seal(id: string, config: JobConfig): StoredConfig
  /**
   * Like seal, keeping the secrets that `known` has where `config` says nothing of them: they cannot be read back.
   * @throws {GatewayError} VALIDATION_ERROR where it changes what they were stored for
   */
  reseal(id: string, config: JobConfig, known: StoredConfig): StoredConfig
  /** Null where it does not open: it was sealed with another master key. */
  hidden(id: string, stored: StoredConfig): Hidden | null
  /** The whole, checked. @throws {ZodError} @throws {GatewayError} VALIDATION_ERROR where overrides change what its secrets were stored for */
  open(id: string, stored: StoredConfig, overrides?: z.output<typeof overridesSchema>): JobSpec
}

/** @param secretBox seals secrets with the gateway’s master key */
export function createConfigVault(secretBox: SecretBox): ConfigVault {
  function secretsOf(id: string, stored: StoredConfig): Secrets {
    return stored.sealed === undefined ? {} : (JSON.parse(secretBox.open(id, stored.sealed)) as Secrets)
  }

  function seal(id: string, config: JobConfig): StoredConfig {
    const { secrets, registryCredentials, ...open } = config
    if (secrets === undefined && registryCredentials === undefined) return { config: open }
    return { config: open, sealed: secretBox.seal(id, JSON.stringify({ secrets, registryCredentials })) }
  }

  return {
    seal,
    hidden(id, stored) {
      try {
        const { secrets = {}, registryCredentials } = secretsOf(id, stored)
        return { secrets: Object.keys(secrets), registryCredentials: registryCredentials !== undefined }
      } catch {
        return null
      }
    },
    reseal(id, config, known) {
      const kept = secretsOf(id, known)
      const changed = { ...kept, ...config }
      assertSecretsStay({ ...known.config, ...kept }, changed, {
        ...config,
        // A map that is there replaces the whole.
        ...(config.secrets === undefined ? {} : { secrets: { ...kept.secrets, ...config.secrets } }),
      })
      return seal(id, changed)
    },
    open: (id, stored, overrides = {}) => withStoredSecrets(stored.config, secretsOf(id, stored), overrides),
  }
}
