/** Words that a job says of GPUs; see `protocol/gpus.ts`. */
export { GPU_INTERCONNECTS, GPU_VENDORS } from '../../protocol/gpus.ts'
