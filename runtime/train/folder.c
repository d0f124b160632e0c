/* folder.c: the folder of a run: locked, made, and cleared of the run before.
 *
 * The lock is one of POSIX on a file in the folder: it ends with the process, however that ends,
 * and its holder is known. The file is removed before the lock is given back; so whoever gets the
 * lock of a file that is removed since begins again. */
#include "train.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool run_path(const char *directory, const char *file, char path[RUN_PATH], Failure *f)
{
	if (snprintf(path, RUN_PATH, "%s/%s", directory, file) < RUN_PATH)
		return true;
	return fail(f, FAILURE_SYSTEM, "the name of the folder is too long: '%.200s...'", directory);
}

/* -- The lock ---------------------------------------------------------------------------------- */

#define LOCK ".lock"

/* The command line of a process; empty if it is not to be known. */
static void command_text(pid_t process, char text[160])
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)process);
	FILE *file = fopen(path, "re");
	size_t size = file ? fread(text, 1, 159, file) : 0;
	if (file)
		fclose(file);
	while (size && !text[size - 1])
		size--;
	text[size] = 0;
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 127)
			text[i] = ' ';
}

static bool is_taken(const char *directory, pid_t process, Failure *f)
{
	char command[160];
	command_text(process, command);
	fail(f, FAILURE_SYSTEM, "another run writes into '%s': process %ld%s%s%s", directory,
	     (long)process, command[0] ? " (" : "", command, command[0] ? ")" : "");
	return fail_help(f, "wait for its end, or name another folder with --out");
}

typedef enum LockState { LOCKED, AGAIN, FAILED } LockState;

static LockState lock_file(int file, const char *directory, Failure *f)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, holder = lock;
	struct stat about;
	if (fcntl(file, F_SETLK, &lock) == 0)
		return fstat(file, &about) == 0 && about.st_nlink == 0 ? AGAIN : LOCKED;
	if (errno != EACCES && errno != EAGAIN)
		return LOCKED; /* a file system without locks: as good as it gets there */
	if (fcntl(file, F_GETLK, &holder) != 0 || holder.l_type == F_UNLCK)
		return AGAIN; /* it ended just now */
	is_taken(directory, holder.l_pid, f);
	return FAILED;
}

bool folder_lock(FolderLock *l, const char *directory, Failure *f)
{
	while (!l->is_held) {
		if (!run_path(directory, LOCK, l->path, f))
			return false;
		l->file = open(l->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
		if (l->file < 0 && (errno == ENOENT || errno == ENOTDIR))
			return true;
		if (l->file < 0)
			return fail(f, FAILURE_SYSTEM, "cannot write into '%s': %s: %s", directory, LOCK,
			            strerror(errno));
		LockState state = lock_file(l->file, directory, f);
		l->is_held = state == LOCKED;
		if (state != LOCKED)
			close(l->file);
		if (state == FAILED)
			return false;
	}
	return true;
}

void folder_unlock(FolderLock *l)
{
	if (!l->is_held)
		return;
	unlink(l->path);
	close(l->file);
	*l = (FolderLock){0};
}

/* -- Making room ------------------------------------------------------------------------------- */

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

bool folder_forget(const char *directory, Failure *f)
{
	static const char *const found[] = {FEATURES_FILE, RESULTS_FILE, PROFILE};
	char path[RUN_PATH];
	for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
		if (!run_path(directory, found[i], path, f))
			return false;
		if (unlink(path) != 0 && errno != ENOENT)
			return fail(f, FAILURE_SYSTEM, "cannot remove %s of another run: %s", path,
			            strerror(errno));
	}
	return true;
}

bool folder_prepare(FolderLock *l, const Engine *e, const TrainOptions *o, bool *moved, Failure *f)
{
	char from[RUN_PATH], to[RUN_PATH], model[RUN_PATH], why[WHY];
	size_t size = strlen(e->model->text);
	if (!run_path(o->directory, CHECKPOINT, from, f) ||
	    !run_path(o->directory, CHECKPOINT_BEFORE, to, f) ||
	    !run_path(o->directory, "model.json", model, f) || !make_folders(o->directory, f) ||
	    !folder_lock(l, o->directory, f))
		return false;
	*moved = !o->resume && rename(from, to) == 0;
	if (!o->resume && !*moved && errno != ENOENT)
		return fail(f, FAILURE_SYSTEM, "cannot move %s out of the way: %s", from, strerror(errno));
	if (!o->resume && !folder_forget(o->directory, f))
		return false;
	return bytes_write(model, (const void *[]){e->model->text}, &size, 1, why) ||
	       fail(f, FAILURE_SYSTEM, "%s", why);
}
