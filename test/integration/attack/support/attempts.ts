/** Ways out of a container that all fail. */

/** What it would be, and a script that ends well if it succeeds. `$SOCKET` is the engine's. */
export const escapes: [string, string][] = [
  ['the engine’s socket is there', 'ls /var/run/docker.sock || ls /run/docker.sock || ls $SOCKET'],
  ['it mounts the disk', 'mkdir /m; for d in /dev/vda /dev/sda /dev/loop0; do mount $d /m && exit 0; done; exit 1'],
  ['it mounts anything', 'mkdir /m2; mount -t tmpfs none /m2 || mount -t proc none /m2 || mount --bind / /m2'],
  [
    'it opens a disk by a device file of its own',
    'for d in "254 0" "8 0" "259 0" "252 0" "7 0" "7 1" "7 2" "7 3"; do mknod /d b $d; head -c 1 /d && exit 0; rm /d; done; exit 1',
  ],
  [
    'it opens the machine’s memory, log, ports, or a device for file systems or virtual machines, by a device file of its own',
    'for d in "1 1" "1 2" "1 4" "1 11" "10 229" "10 232" "10 237" "10 63" "226 0" "195 0"; do mknod /c c $d && (: <>/c) && exit 0; rm /c; done; exit 1',
  ],
  ['it has a device of the machine', 'find /dev -type b | grep . || ls /dev/kvm /dev/mem /dev/fuse /dev/net/tun'],
  ['it sees the machine’s processes', '[ -d /proc/1/root/var/lib/dpkg ] || pidof dockerd'],
  ['it opens a raw socket', 'arping -c 1 -w 1 -I lo 127.0.0.1 2>&1 | grep -q "^Sent"'],
  ['it gives itself an address', 'ip addr add 10.9.9.9/24 dev lo'],
  [
    'its root is the machine’s after all',
    'mkdir /j; chroot /proc/1/root/.. ls /var/lib/dpkg || chroot /proc/1/cwd ls /boot',
  ],
  ['it enters another namespace', 'nsenter -t 1 -m -p true || unshare -m true || unshare -U true'],
  ['it changes the kernel', 'echo x >/proc/sysrq-trigger || echo 1 >/proc/sys/vm/drop_caches'],
  [
    'it sets what the kernel runs',
    'for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /sys/kernel/uevent_helper ' +
      '/proc/sys/net/ipv4/ip_forward /proc/sys/fs/binfmt_misc/register; do echo x >$f && exit 0; done; exit 1',
  ],
  ['it reads the kernel’s memory or log', 'head -c 1 /proc/kcore | grep . || dmesg | grep .'],
  ['it dumps a core outside', '[ "$(ulimit -c)" != 0 ]'],
  ['it asks for more files or memory locked than it was given', 'ulimit -n 1000000 || ulimit -l unlimited'],
]

/**
 * What of these a job may do whose kernel is its own, for it changes or shows nothing but that: by what it would be, as those
 * of {@link refusedCalls}.
 */
export const ofItsKernel: readonly string[] = [
  'it enters another namespace',
  'it reads the kernel’s memory or log',
  'it makes a user namespace',
  'it makes a mount namespace',
]

/** What more fails where programs are left the least privileges. What it would be, and a script that ends well if it succeeds. */
export const leastEscapes: [string, string][] = [
  [
    'a setuid program makes a user root',
    'sed -i "s/^root:x/root:/" /etc/passwd; cp /bin/busybox /bin/su2; chmod 4755 /bin/su2; ' +
      'su nobody -s /bin/sh -c "exec -a su /bin/su2 su root -c id" | grep uid=0',
  ],
  ['it makes a device file', 'mknod /d b 254 0 || mknod /d c 1 3'],
  ['it changes its root', 'chroot / true'],
]

/** What it would be, and a system call as `system-call.ts` takes it, harmless where it were let through. */
export const refusedCalls: [string, string][] = [
  ['it mounts', '165 none / tmpfs 0 0'],
  ['it unmounts', '166 /proc 0'],
  ['it changes its root', '155 / /'],
  ['it makes a user namespace', '272 268435456'],
  ['it makes a mount namespace', '272 131072'],
  ['it enters a namespace', '308 0 0'],
  ['it listens to the wire', '41 17 3 768'],
  ['it sends raw packets', '41 2 3 255'],
  ['it makes echo requests of its own', '41 2 3 1'],
  ['it makes neighbour advertisements of its own', '41 10 3 58'],
  ['it adds a key', '248 user x x 1 0'],
  ['it reads keys', '250 0 0 0'],
  ['it opens files of other mounts by their numbers', '304 0 x 0'],
  ['it loads a program into the kernel', '321 5 0 0'],
  ['it measures the machine', '298 0 0 0 0 0'],
  ['it loads a module', '175 0 0 x'],
  ['it loads another kernel', '246 0 0 0 0'],
  ['it restarts the machine', '169 0 0 0 0'],
  ['it sets the clock', '164 0 0'],
  ['it swaps', '167 x 0'],
  ['it reaches the machine’s ports', '172 3'],
  ['it handles page faults', '323 0'],
]

/**
 * On standard input, which is the device for interfaces (`TUNSETIFF`): with ordinary privileges its file can be made, and
 * runtimes let it be opened.
 */
export const makeInterface: [string, string] = [
  'it makes a network interface of its own',
  '16 0 1074025674 tap0000000000000000000000000000000000000000',
]

/** `BTRFS_IOC_SUBVOL_CREATE`, which wants no privilege. Its argument is a name after eight bytes that do not matter. */
export const makeSubvolume = 0x5000940e
