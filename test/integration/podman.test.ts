import { after, describe, it } from 'node:test'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { executorSuite } from './executor-suite.ts'
import { type Podman, podmanObstacle, startPodman } from './support/podman.ts'

const obstacle = await podmanObstacle()

if (obstacle !== null) {
  describe('container engine: Podman', () => it('runs the suite', (t) => t.skip(obstacle)))
} else {
  let podman: Podman | null = null
  after(async () => await podman?.stop())

  executorSuite('Podman', async () => {
    podman = await startPodman()
    const { docker, image } = podman
    return {
      docker,
      image,
      makeEngine: (init) => createDockerEngine({ docker }, init),
      lacks: {
        proofs: 'This Podman is in a network of its own, where a proof’s container is not reached from here',
        'seccomp-namespaces': 'Podman’s seccomp profile lets a user namespace be made: its own choice',
        'whole-logs': 'Podman 4.3 loses lines of a log that is followed while much is written',
      },
    }
  })
}
