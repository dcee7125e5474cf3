/** `cortex` in a process under test, as a bundle: who makes that puts the stand-ins in. */

import './fault-points.ts'
import '../../../bin/cortex.ts'
