/* folder.c: the folder of a run: made, and cleared of the run before. */
#include "train.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

bool run_path(const char *directory, const char *file, char path[RUN_PATH], Failure *f)
{
	if (snprintf(path, RUN_PATH, "%s/%s", directory, file) < RUN_PATH)
		return true;
	return fail(f, FAILURE_SYSTEM, "the name of the folder is too long: '%.200s...'", directory);
}

/* Makes every folder of the path. */
static bool make_folders(const char *directory, Failure *f)
{
	char path[RUN_PATH];
	snprintf(path, sizeof path, "%s", directory);
	for (char *at = path + 1;; at++) {
		char here = *at;
		if (here && here != '/')
			continue;
		*at = 0;
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			return fail(f, FAILURE_SYSTEM, "cannot make the folder '%s': %s", path,
			            strerror(errno));
		*at = here;
		if (!here)
			break;
	}
	struct stat info;
	return (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) ||
	       fail(f, FAILURE_SYSTEM, "'%s' is no folder", path);
}

bool folder_prepare(const Engine *e, const TrainOptions *o, bool *moved, Failure *f)
{
	char from[RUN_PATH], to[RUN_PATH], model[RUN_PATH], why[WHY];
	size_t size;
	const char *text = sslc_model_text(e->program, &size);
	if (!run_path(o->directory, CHECKPOINT, from, f) ||
	    !run_path(o->directory, CHECKPOINT_BEFORE, to, f) ||
	    !run_path(o->directory, "model.json", model, f) || !make_folders(o->directory, f))
		return false;
	*moved = !o->resume && rename(from, to) == 0;
	if (!o->resume && !*moved && errno != ENOENT)
		return fail(f, FAILURE_SYSTEM, "cannot move %s out of the way: %s", from, strerror(errno));
	return bytes_write(model, (const void *[]){text}, &size, 1, why) ||
	       fail(f, FAILURE_SYSTEM, "%s", why);
}
