/** What providers offer beyond running a container, by name, and which of it a job asks for by what it uses. */

import { gpuRequirementsOf } from './job-gpus.ts'
import { inputsAsked } from './job-inputs.ts'
import { outputPaths } from './job-outputs.ts'
import { minimumsOf, type PublicJobSpec } from './job-spec.ts'
import { keptRequirements } from './job-volumes.ts'
import { asksForSpeed } from './measured.ts'
import type { ResolvedImage } from './platforms.ts'
import { isPlainS3 } from './s3.ts'

/** Offered by providers that publish ports at an address of their own. */
export const PUBLIC_PORTS = 'public-ports'

/** Offered by providers that heed `shmSize`, `ulimits`, `pids` and `init`. */
export const CONTAINER_OPTIONS = 'container-options'

/** Offered by providers that heed `workdir` and `user`. */
export const PROCESS_OPTIONS = 'process-options'

/** Offered by providers whose engine gives a program a terminal. */
export const TERMINAL = 'tty'

/** Offered by providers that measured what their machine does in a second. */
export const MEASURED = 'measured'

/** Offered by providers that heed `gpuRequirements`. */
export const GPU_REQUIREMENTS = 'gpu-requirements'

/** Offered by providers that heed `isolation`. */
export const ISOLATION = 'isolation'

/** Offered by providers that heed `platform` and run the bytes of the digest that a job names. */
export const PLATFORMS = 'platforms'

/** Offered by providers that count what a job sends and receives, and heed `maxNetwork`. */
export const NETWORK_LIMIT = 'network-limit'

/** Offered by providers that put a job's `inputs` into its container. */
export const INPUTS = 'inputs'

/** Offered by providers that fetch what a job brings from URLs, beside {@link INPUTS}. */
export const URL_INPUTS = 'url-inputs'

/** Offered by providers that fetch what a job brings from buckets, beside {@link INPUTS}. */
export const S3_INPUTS = 's3-inputs'

/** Offered by providers that fetch what a job brings from repositories of git, beside {@link INPUTS}. */
export const GIT_INPUTS = 'git-inputs'

/** Offered by providers that fetch the submodules of such repositories, beside {@link GIT_INPUTS}. */
export const GIT_SUBMODULES = 'git-submodules'

/** Offered by providers that run images which their requesters send. */
export const SENT_IMAGES = 'sent-images'

/** Offered by providers that keep volumes after their job, and give them to later ones. */
export const KEPT_VOLUMES = 'kept-volumes'

/** Offered by providers that keep several paths of a job apart, beside one. */
export const OUTPUT_LIST = 'output-list'

/** Offered by providers that send outputs where a job says, beside {@link OUTPUT_LIST}. */
export const OUTPUT_TO = 'output-to'

/**
 * Offered by providers that send outputs to buckets, beside {@link OUTPUT_TO}; they also ask buckets without TLS where their owner
 * allows that host.
 */
export const S3_OUTPUTS = 's3-outputs'

/** Offered by providers that give a program a standard input, beside {@link INPUTS}. */
export const STDIN = 'stdin'

/** What of a submission asks for each, as its author wrote it; any other is asked for by `constraints.capabilities`. */
const ASKED_BY: ReadonlyMap<string, string> = new Map([
  ['volumes', 'volumes'],
  ['outputs', 'outputs'],
  [OUTPUT_LIST, 'outputs as a list'],
  [OUTPUT_TO, 'outputs with to'],
  [S3_OUTPUTS, 'outputs to s3, or s3 at http://'],
  ['ports', 'ports'],
  [PUBLIC_PORTS, 'ports that are public'],
  [CONTAINER_OPTIONS, 'shmSize, ulimits, pids and init'],
  [PROCESS_OPTIONS, 'workdir and user'],
  [MEASURED, 'minCpuScore and the other minimums of speed'],
  [GPU_REQUIREMENTS, 'gpuRequirements'],
  [PLATFORMS, 'platform'],
  [ISOLATION, 'isolation'],
  [NETWORK_LIMIT, 'maxNetwork'],
  [TERMINAL, 'tty'],
  [INPUTS, 'inputs'],
  [URL_INPUTS, 'inputs from a url'],
  [S3_INPUTS, 'inputs from s3'],
  [GIT_INPUTS, 'inputs from git'],
  [GIT_SUBMODULES, 'inputs from git with submodules'],
  [SENT_IMAGES, 'imageFrom'],
  [KEPT_VOLUMES, 'volumes that are kept'],
  [STDIN, 'stdin'],
])

/** The fields that ask for these capabilities, for people. */
export function askedBy(capabilities: readonly string[]): string {
  return [...new Set(capabilities.map((one) => ASKED_BY.get(one) ?? 'constraints.capabilities'))].join(', ')
}

/** What a job asks of a provider by what it uses, so that one without it declines rather than refuses the award. @param image as in `requirementsOf` */
export function capabilitiesFor(spec: PublicJobSpec, image: ResolvedImage | null): string[] {
  return [
    ...(spec.volumes.length > 0 ? ['volumes'] : []),
    ...(keptRequirements(spec.volumes).length > 0 ? [KEPT_VOLUMES] : []),
    ...(spec.outputs === undefined ? [] : ['outputs']),
    ...(Array.isArray(spec.outputs) ? [OUTPUT_LIST] : []),
    ...(outputPaths(spec.outputs).some(({ to }) => to !== undefined) ? [OUTPUT_TO] : []),
    ...(needsS3Outputs(spec) ? [S3_OUTPUTS] : []),
    ...(spec.ports.some((port) => port.expose && port.public !== true) ? ['ports'] : []),
    ...(spec.ports.some((port) => port.public === true) ? [PUBLIC_PORTS] : []),
    ...(hasContainerOptions(spec) ? [CONTAINER_OPTIONS] : []),
    ...(spec.workdir === undefined && spec.user === undefined ? [] : [PROCESS_OPTIONS]),
    ...(spec.tty === true ? [TERMINAL] : []),
    ...(asksForSpeed(minimumsOf(spec.constraints)) ? [MEASURED] : []),
    ...(gpuRequirementsOf(spec.gpuRequirements) === null ? [] : [GPU_REQUIREMENTS]),
    ...(spec.platform === undefined && image === null ? [] : [PLATFORMS]),
    ...(spec.isolation === undefined ? [] : [ISOLATION]),
    ...(spec.maxNetwork === undefined || spec.network === 'none' ? [] : [NETWORK_LIMIT]),
    ...(inputsAsked(spec).length === 0 ? [] : [INPUTS]),
    ...(inputsAsked(spec).some(({ from }) => from.url !== undefined) ? [URL_INPUTS] : []),
    ...(inputsAsked(spec).some(({ from }) => from.s3 !== undefined) ? [S3_INPUTS] : []),
    ...(inputsAsked(spec).some(({ from }) => from.git !== undefined) ? [GIT_INPUTS] : []),
    ...(inputsAsked(spec).some(({ from }) => from.git?.submodules === true) ? [GIT_SUBMODULES] : []),
    ...(spec.imageFrom === undefined ? [] : [SENT_IMAGES]),
    ...(spec.stdin === undefined ? [] : [STDIN]),
  ]
}

function needsS3Outputs(spec: PublicJobSpec): boolean {
  const isPlain = inputsAsked(spec).some(({ from }) => from.s3 !== undefined && isPlainS3(from.s3))
  return isPlain || outputPaths(spec.outputs).some(({ to }) => to?.s3 !== undefined)
}

function hasContainerOptions({ shmSize, ulimits, pids, init }: PublicJobSpec): boolean {
  return [shmSize, ulimits?.nofile, pids, init].some((option) => option !== undefined)
}
