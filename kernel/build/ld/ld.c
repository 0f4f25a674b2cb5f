/* Stands between the Go linker and the system's linker.

   The Go linker calls a C compiler for every link: three times on a file
   trivial.c to learn which flags it takes, then once to link. A cell has no C
   code and needs none of the flags, so the first three succeed at once and the
   last goes straight to the linker. That is half of the time of a small link.

   GP_LD is the linker, GP_VERSIONS a version script. With GP_FAR=1 the data lies
   far after the code (Far in package rt), so that a session can place the code of all
   cells together, and their data together. Then nothing is made read-only after its
   relocation. GP_LIBS, of packages with C
   code, are the folders of the C compiler's libraries, with colons between: the
   libraries that the packages name are linked then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ends(const char *s, const char *suffix) {
	size_t n = strlen(s), k = strlen(suffix);
	return n >= k && strcmp(s + n - k, suffix) == 0;
}

static int starts(const char *s, const char *prefix) { return strncmp(s, prefix, strlen(prefix)) == 0; }

int main(int argc, char **argv) {
	for (int i = 1; i < argc; i++)
		if (ends(argv[i], "trivial.c")) return 0;
	const char *ld = getenv("GP_LD"), *versions = getenv("GP_VERSIONS");
	char *libs = getenv("GP_LIBS");
	int c = libs && *libs, most = 2 * argc + 36;
	for (char *p = c ? libs : ""; *p; p++)
		if (*p == ':') most += 2;
	char **args = calloc(most, sizeof *args);
	if (!ld || !args) return 1;
	int n = 0;
	args[n++] = (char *)ld;
	args[n++] = "-shared";
	args[n++] = "-z"; args[n++] = "now";
	const char *far = getenv("GP_FAR");
	if (far && *far) {
		args[n++] = "-z"; args[n++] = "norelro";
		args[n++] = "--section-start=.init_array=0x4000000";
	} else {
		args[n++] = "-z"; args[n++] = "relro";
	}
	args[n++] = "-z"; args[n++] = "muldefs"; /* two versions of one C code, of which each library's own is called */
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
			args[n++] = "-o";
			args[n++] = argv[++i];
		} else if (ends(argv[i], ".o")) {
			args[n++] = argv[i];
		}
	}
	if (c) {
		args[n++] = "--as-needed";
		for (int i = 1; i < argc; i++) /* libhost is in the process */
			if ((starts(argv[i], "-l") && strcmp(argv[i], "-lhost") != 0) || starts(argv[i], "-L") || ends(argv[i], ".a"))
				args[n++] = argv[i];
			else if (starts(argv[i], "-Wl,-rpath,")) {
				args[n++] = "-rpath";
				args[n++] = argv[i] + strlen("-Wl,-rpath,");
			}
		for (char *d = strtok(libs, ":"); d; d = strtok(NULL, ":")) {
			args[n++] = "-L";
			args[n++] = d;
		}
	}
	if (versions && *versions) {
		size_t size = strlen(versions) + 32;
		char *flag = malloc(size);
		if (!flag) return 1;
		snprintf(flag, size, "--version-script=%s", versions);
		args[n++] = flag;
	}
	execvp(ld, args);
	perror(ld);
	return 1;
}
