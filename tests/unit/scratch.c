/* scratch.c: a folder of its own for a test that writes files, and paths of the stored oracles. */
#include "scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void scratch_open(Scratch *s)
{
	const char *base = getenv("TMPDIR");
	snprintf(s->folder, sizeof s->folder, "%s/sslc_tests.XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(s->folder)) {
		perror(s->folder);
		abort();
	}
}

const char *scratch_path(Scratch *s, const char *name)
{
	snprintf(s->path, sizeof s->path, "%s/%s", s->folder, name);
	return s->path;
}

static int each(const Scratch *s, bool remove_it)
{
	DIR *folder = opendir(s->folder);
	int count = 0;
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		char path[768];
		snprintf(path, sizeof path, "%s/%s", s->folder, entry->d_name);
		if (remove_it)
			remove(path);
	}
	if (folder)
		closedir(folder);
	return count;
}

void scratch_close(Scratch *s)
{
	each(s, true);
	rmdir(s->folder);
}

int scratch_count(const Scratch *s)
{
	return each(s, false);
}

bool file_put(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");
	bool good = file && fwrite(bytes, 1, size, file) == size;
	return (file ? fclose(file) == 0 : false) && good;
}

unsigned char *file_get(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	fseek(file, 0, SEEK_END);
	*size = (size_t)ftell(file);
	rewind(file);
	unsigned char *bytes = calloc(1, *size + 1);
	if (bytes && fread(bytes, 1, *size, file) != *size) {
		free(bytes);
		bytes = NULL;
	}
	fclose(file);
	return bytes;
}

bool file_holds(const char *path, const void *bytes, size_t size)
{
	size_t found;
	unsigned char *at = file_get(path, &found);
	bool same = at && found == size && memcmp(at, bytes, size) == 0;
	free(at);
	return same;
}

const char *oracle_path(const char *name)
{
	static char path[1024];
	snprintf(path, sizeof path, "%s/tests/oracle/%s", SSLC_SOURCE, name);
	return path;
}
