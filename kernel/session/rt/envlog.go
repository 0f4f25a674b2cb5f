package rt

/*
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { header = 64, shortest = 8, longest = 1 << 16 };

static unsigned char *gp_log;
static uint64_t gp_size;

static uint64_t gp_put(uint64_t at, const void *b, size_t n) {
	for (size_t i = 0; i < n; i++, at++)
		gp_log[header + at % gp_size] = ((const unsigned char *)b)[i];
	return at;
}

// gp_setenv does what the run-time's x_cgo_setenv does, and records the variable. Package
// syscall holds a lock, so that only one thread is in it.
static void gp_setenv(char **arg) {
	size_t name = strlen(arg[0]), value = strlen(arg[1]);
	setenv(arg[0], arg[1], 1);
	uint32_t n = name + 1 + value;
	if (value < shortest || name + value >= longest)
		return;
	uint64_t *written = (uint64_t *)gp_log, *read = (uint64_t *)(gp_log + 8);
	uint64_t at = *written;
	if (at + 4 + n - __atomic_load_n(read, __ATOMIC_ACQUIRE) > gp_size)
		return;
	at = gp_put(at, &n, 4);
	at = gp_put(at, arg[0], name);
	at = gp_put(at, "=", 1);
	at = gp_put(at, arg[1], value);
	__atomic_store_n(written, at, __ATOMIC_RELEASE);
}

static void *gp_env_log(void *mem, uint64_t size) {
	gp_log = mem;
	gp_size = size - header;
	return gp_setenv;
}
*/
import "C"

import (
	"unsafe"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// LogEnvironment makes os.Setenv record each variable in mem, which is a frame.EnvLog. The
// session process calls it once, before any cell runs. Values shorter than 8 bytes, which
// are never secrets, and those above 64 KiB are not recorded.
func LogEnvironment(mem []byte) {
	lm.CgoSetenv = C.gp_env_log(unsafe.Pointer(&mem[0]), C.uint64_t(len(mem)))
}
