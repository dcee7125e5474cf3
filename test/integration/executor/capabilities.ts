/**
 * The bits of the capabilities that a job's container has, by `--privileges`: CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5,
 * SETGID 6, SETUID 7, NET_BIND_SERVICE 10; and FSETID 4, SETPCAP 8, SYS_CHROOT 18, MKNOD 27, AUDIT_WRITE 29, SETFCAP 31,
 * but not NET_RAW 13.
 */
const least = [0, 1, 3, 5, 6, 7, 10]
const bits = { least, ordinary: [...least, 4, 8, 18, 27, 29, 31] }

/** As `/proc/PID/status` gives them, read as a number. */
export function capabilityMask(privileges: keyof typeof bits): number {
  return bits[privileges].reduce((mask, bit) => mask + 2 ** bit, 0)
}
