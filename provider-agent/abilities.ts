import {
  GIT_INPUTS,
  GIT_SUBMODULES,
  INPUTS,
  OUTPUT_LIST,
  OUTPUT_TO,
  S3_INPUTS,
  S3_OUTPUTS,
  SENT_IMAGES,
  URL_INPUTS,
} from '../protocol/capabilities.ts'
import type { ContainerAccess } from './engine/access.ts'
import type { InputVolumes } from './engine/input-volumes.ts'
import { hasGit } from './inputs/git-program.ts'

/** What jobs can ask for whatever the engine can, where there is a way into containers, and what holds what jobs bring. */
export function abilitiesOf(has: {
  access?: ContainerAccess | undefined
  inputVolumes?: InputVolumes | undefined
}): string[] {
  const { access, inputVolumes } = has
  return [
    ...(access === undefined ? [] : ['outputs', OUTPUT_LIST, OUTPUT_TO, S3_OUTPUTS, 'exec']),
    ...(inputVolumes === undefined ? [] : [INPUTS, URL_INPUTS, S3_INPUTS, SENT_IMAGES]),
    ...(inputVolumes !== undefined && hasGit() ? [GIT_INPUTS, GIT_SUBMODULES] : []),
  ]
}
