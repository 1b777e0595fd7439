"""The rival torch: copies between pinned memory and a GPU, as `Tensor.copy_` makes them.

Protocol: bench/rival.h. "BYTES COUNT": COUNT copies of BYTES to the GPU, or of -BYTES from it, between
two events on a stream of their own, are answered with seconds. The argument is the number of the GPU.
"""
import sys

import torch


def clock(stream, to, source, count):
    begin = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)
    with torch.cuda.stream(stream):
        begin.record()
        for _ in range(count):
            to.copy_(source, non_blocking=True)
        end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e-3


def main():
    torch.cuda.set_device(int(sys.argv[1]))
    stream = torch.cuda.Stream()
    pairs = {}
    print("ready torch", torch.__version__, flush=True)
    for line in sys.stdin:
        size, count = (int(float(word)) for word in line.split())
        if abs(size) not in pairs:
            pairs.clear()
            host = torch.randint(256, (abs(size),), dtype=torch.uint8).pin_memory()
            pairs[abs(size)] = host, torch.empty(abs(size), dtype=torch.uint8, device="cuda")
            torch.cuda.synchronize()
        host, device = pairs[abs(size)]
        to, source = (device, host) if size > 0 else (host, device)
        seconds = clock(stream, to, source, count)
        if not torch.equal(host.cuda(), device):
            sys.exit("what was copied did not arrive")
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
