"""How much memory is free on this machine."""

from __future__ import annotations

LEAST = 1 << 28  # assumed to be free, whatever the machine reports


def free_memory() -> int:
    """Returns the free bytes of the machine, or of the control group if there is one."""
    free = 8 << 30
    try:
        with open("/proc/meminfo") as lines:
            free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
        with open("/sys/fs/cgroup/memory.max") as top, open("/sys/fs/cgroup/memory.current") as used:
            free = min(free, int(top.read()) - int(used.read()))
    except (OSError, ValueError, StopIteration):
        pass
    return max(free, LEAST)
