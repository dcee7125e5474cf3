"""Every packet that is routed to this TUN device comes back late, or never: rough-link.py DEVICE SECONDS SHARE_LOST"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000

name, delay, lost = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
print("ready", flush=True)

chance = random.Random(1)
waiting, count = [], 0
while True:
    pause = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    if select.select([device], [], [], pause)[0]:
        try:
            packet = os.read(device, 65536)
        except BlockingIOError:
            continue
        if chance.random() >= lost:
            count += 1
            heapq.heappush(waiting, (time.monotonic() + delay, count, packet))
    while waiting and waiting[0][0] <= time.monotonic():
        os.write(device, heapq.heappop(waiting)[2])
