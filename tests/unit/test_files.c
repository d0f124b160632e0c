/* test_files.c: what a run leaves on disk beside its checkpoint: the lines of metrics, whole files.
 *
 * Truths: texts written by hand, and files that must not change. */
#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../runtime/runtime.h"
#include "scratch.h"

/* -- Metrics ----------------------------------------------------------------------------------- */

#define LINE(step) "{\"step\": " #step ", \"epoch\": 1, \"loss\": 0.5, \"seconds\": 1.250}\n"

/* The file that held `before` and was resumed at `step` holds `after`. */
static bool resumes(const char *before, size_t size, int64_t step, const char *after)
{
	Scratch s;
	char why[WHY];
	scratch_open(&s);
	const char *path = scratch_path(&s, "metrics.jsonl");
	bool good = file_put(path, before, size), missing;
	Metrics *m = good ? metrics_open(path, step, &missing, why) : NULL;
	metrics_close(m);
	good = m && !missing && file_holds(path, after, strlen(after));
	scratch_close(&s);
	return good;
}

static bool resumes_text(const char *before, int64_t step, const char *after)
{
	return resumes(before, strlen(before), step, after);
}

static void metrics_are_cut_after_the_step(void)
{
	CU_ASSERT(resumes_text(LINE(10) LINE(20) LINE(30), 20, LINE(10) LINE(20)));
	CU_ASSERT(resumes_text(LINE(10) LINE(20) LINE(30), 29, LINE(10) LINE(20)));
	CU_ASSERT(resumes_text(LINE(10) LINE(20) LINE(30), 30, LINE(10) LINE(20) LINE(30)));
	CU_ASSERT(resumes_text(LINE(10) LINE(20), 9, ""));
	CU_ASSERT(resumes_text(LINE(10) LINE(20), 0, ""));
	CU_ASSERT(resumes_text(LINE(10) LINE(20), -1, ""));
	CU_ASSERT(resumes_text("", 5, ""));
	/* a line that a crash cut off, a foreign line, and the zeros that a lost write leaves */
	CU_ASSERT(resumes_text(LINE(10) "{\"step\": 11, \"ep", 20, LINE(10)));
	CU_ASSERT(resumes_text(LINE(10) "hello\n" LINE(12), 20, LINE(10)));
	CU_ASSERT(resumes(LINE(10) "\0\0\0\0", sizeof LINE(10) - 1 + 4, 20, LINE(10)));
	CU_ASSERT(resumes("\0", 1, 20, ""));
	/* a number that would be read from the line below */
	CU_ASSERT(resumes_text(LINE(10) "{\"step\": \n11\n", 20, LINE(10)));
}

static void metrics_go_on_behind_what_stays(void)
{
	Scratch s;
	char why[WHY];
	bool missing;
	scratch_open(&s);
	const char *path = scratch_path(&s, "metrics.jsonl"),
	           *want =
	               LINE(10) "{\"step\": 11, \"epoch\": 2, \"loss\": -0.125, \"seconds\": 0.500}\n"
	                        "{\"step\": 12, \"epoch\": 2, \"loss\": null, \"seconds\": 1.000}\n"
	                        "{\"step\": 13, \"epoch\": 2, \"loss\": null, \"seconds\": 1.500}\n";
	CU_ASSERT(file_put(path, LINE(10) LINE(20), 2 * strlen(LINE(10))));
	Metrics *m = metrics_open(path, 10, &missing, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	metrics_line(m, 11, 2, "loss", -0.125, 0.5);
	metrics_line(m, 12, 2, "loss", (double)NAN, 1);
	metrics_line(m, 13, 2, "loss", -(double)INFINITY, 1.5);
	CU_ASSERT(metrics_flush(m));
	CU_ASSERT(file_holds(path, want, strlen(want)));
	metrics_close(m);
	CU_ASSERT(file_holds(path, want, strlen(want)));
	CU_ASSERT_PTR_NULL(metrics_open(scratch_path(&s, "no/folder"), 10, &missing, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no/folder"));
	scratch_close(&s);
}

static void metrics_that_are_gone_begin_anew(void)
{
	Scratch s;
	char why[WHY];
	bool missing = false;
	scratch_open(&s);
	const char *path = scratch_path(&s, "metrics.jsonl"),
	           *want = "{\"step\": 11, \"epoch\": 2, \"loss\": -0.125, \"seconds\": 0.500}\n";
	Metrics *m = metrics_open(path, 10, &missing, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT(missing);
	metrics_line(m, 11, 2, "loss", -0.125, 0.5);
	CU_ASSERT(metrics_flush(m));
	metrics_close(m);
	CU_ASSERT(file_holds(path, want, strlen(want)));
	scratch_close(&s);
}

/* Anew or resumed, through a symbolic or a hard link: another file of the same name is written. */
static void metrics_do_not_cut_what_a_link_points_to(void)
{
	static const char text[] = LINE(10) LINE(20) LINE(30);
	for (int hard = 0; hard < 2; hard++)
		for (int64_t step = -1; step < 20; step += 20) {
			Scratch s;
			char why[WHY], path[600];
			bool missing;
			scratch_open(&s);
			snprintf(path, sizeof path, "%s/metrics.jsonl", s.folder);
			const char *target = scratch_path(&s, "precious");
			CU_ASSERT(file_put(target, text, strlen(text)));
			CU_ASSERT((hard ? link : symlink)(target, path) == 0);
			Metrics *m = metrics_open(path, step, &missing, why);
			CU_ASSERT_PTR_NOT_NULL_FATAL(m);
			metrics_line(m, 21, 2, "loss", 1, 1);
			metrics_close(m);
			CU_ASSERT(file_holds(target, text, strlen(text)));
			CU_ASSERT(unlink(path) == 0);
			scratch_close(&s);
		}
}

/* -- Whole files ------------------------------------------------------------------------------- */

static bool write_text(const char *path, const char *text, char why[WHY])
{
	const void *parts[] = {text, "", text};
	size_t half = strlen(text) / 2;
	parts[2] = text + half;
	return bytes_write(path, parts, (size_t[]){half, 0, strlen(text) - half}, 3, why);
}

static void files_are_replaced_whole(void)
{
	Scratch s;
	char why[WHY];
	struct stat about;
	scratch_open(&s);
	const char *path = scratch_path(&s, "f");
	mode_t mask = umask(027);
	CU_ASSERT(write_text(path, "a text that is longer", why));
	umask(mask);
	CU_ASSERT(file_holds(path, "a text that is longer", 21));
	CU_ASSERT(stat(path, &about) == 0 && (about.st_mode & 0777) == 0640);
	CU_ASSERT(write_text(path, "short", why));
	CU_ASSERT(file_holds(path, "short", 5));
	CU_ASSERT(write_text(path, "", why));
	CU_ASSERT(file_holds(path, "", 0));
	CU_ASSERT_EQUAL(scratch_count(&s), 1);
	scratch_close(&s);
}

/* The disk is full behind the first 4096 bytes: the file limit of the process is such a disk. */
static void a_failed_write_keeps_the_old_file(void)
{
	static char large[100000];
	Scratch s;
	char why[WHY] = "";
	struct rlimit before, low;
	scratch_open(&s);
	const char *path = scratch_path(&s, "f");
	memset(large, 'x', sizeof large - 1);
	CU_ASSERT(file_put(path, "old", 3));
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	low = (struct rlimit){4096, before.rlim_max};
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &low), 0);
	bool good = write_text(path, large, why);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, handler);
	CU_ASSERT_FALSE(good);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, path));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "File too large"));
	CU_ASSERT(file_holds(path, "old", 3));
	CU_ASSERT_EQUAL(scratch_count(&s), 1);
	CU_ASSERT(write_text(path, large, why));
	CU_ASSERT(file_holds(path, large, sizeof large - 1));
	scratch_close(&s);
}

/* Root may write anywhere, so it steps down for the attempt. */
static void a_read_only_folder_stays_as_it_is(void)
{
	Scratch s;
	char why[WHY] = "";
	uid_t user = geteuid();
	scratch_open(&s);
	const char *path = scratch_path(&s, "f");
	CU_ASSERT(file_put(path, "old", 3));
	CU_ASSERT_EQUAL_FATAL(chmod(s.folder, 0555), 0);
	if (user == 0)
		CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
	bool good = write_text(path, "new", why);
	if (user == 0)
		CU_ASSERT_EQUAL_FATAL(seteuid(user), 0);
	CU_ASSERT_FALSE(good);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "Permission denied"));
	CU_ASSERT_EQUAL_FATAL(chmod(s.folder, 0755), 0);
	CU_ASSERT(file_holds(path, "old", 3));
	CU_ASSERT_EQUAL(scratch_count(&s), 1);
	scratch_close(&s);
}

/* What a killed write left goes with the next write of the same file; what is being written, is of
 * another form or no file stays. */
static void rests_are_removed_and_nothing_else(void)
{
	static const char *const stays[] = {
	    "f.sslc-backup1", "f.sslc-Ab12",    "f.Ab12Cd",      "f.backup",          "f.sslc-Ab1-Cd",
	    "g.sslc-Ab12Cd",  "xf.sslc-Ab12Cd", "f.sslc-Locked", "f.sslc-Ab12Cd.txt", "f.sslc-Ab12Cd7",
	};
	enum { STAYS = sizeof stays / sizeof *stays };
	Scratch s;
	char why[WHY], rest[600];
	scratch_open(&s);
	for (int i = 0; i < STAYS; i++)
		CU_ASSERT(file_put(scratch_path(&s, stays[i]), "old", 3));
	int writer = open(scratch_path(&s, "f.sslc-Locked"), O_RDONLY);
	CU_ASSERT(flock(writer, LOCK_EX) == 0);
	snprintf(rest, sizeof rest, "%s/f.sslc-Ab12Cd", s.folder);
	CU_ASSERT(file_put(rest, "cut off", 7));
	CU_ASSERT(symlink("g.sslc-Ab12Cd", scratch_path(&s, "f.sslc-linked")) == 0);
	CU_ASSERT(write_text(scratch_path(&s, "f"), "new", why));
	CU_ASSERT(access(rest, F_OK) != 0);
	for (int i = 0; i < STAYS; i++)
		CU_ASSERT(file_holds(scratch_path(&s, stays[i]), "old", 3));
	CU_ASSERT_EQUAL(scratch_count(&s), STAYS + 2);
	close(writer);
	scratch_close(&s);
}

static void folders_are_neither_written_nor_read(void)
{
	Scratch s;
	char why[WHY] = "", name[5000];
	size_t size;
	scratch_open(&s);
	const char *path = scratch_path(&s, "folder");
	CU_ASSERT_EQUAL_FATAL(mkdir(path, 0755), 0);
	CU_ASSERT_FALSE(write_text(path, "new", why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "directory"));
	CU_ASSERT_EQUAL(scratch_count(&s), 1);
	CU_ASSERT_PTR_NULL(bytes_read(path, 10, &size, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "is a folder"));
	CU_ASSERT_FALSE(write_text(scratch_path(&s, "no/folder"), "new", why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "No such file"));
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = 0;
	CU_ASSERT_FALSE(write_text(name, "new", why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "too long"));
	scratch_close(&s);
}

static void the_limit_of_a_file_is_exact(void)
{
	Scratch s;
	char why[WHY] = "";
	size_t size = 0;
	scratch_open(&s);
	size_t large = (1 << 17) + 1; /* more than one turn of the reader */
	char *bytes = malloc(large);
	for (size_t i = 0; i < large; i++)
		bytes[i] = (char)(i * i % 251);
	const char *path = scratch_path(&s, "f");
	CU_ASSERT(file_put(path, bytes, large));
	unsigned char *found = bytes_read(path, large, &size, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	CU_ASSERT(size == large && memcmp(found, bytes, large) == 0 && found[large] == 0);
	free(found);
	CU_ASSERT_PTR_NULL(bytes_read(path, large - 1, &size, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "larger than 131072 bytes"));
	free(bytes);
	scratch_close(&s);
}

CU_TestInfo test_files[] = {
    {"metrics are cut after the step", metrics_are_cut_after_the_step},
    {"metrics go on behind what stays", metrics_go_on_behind_what_stays},
    {"metrics that are gone begin anew", metrics_that_are_gone_begin_anew},
    {"metrics do not cut what a link points to", metrics_do_not_cut_what_a_link_points_to},
    {"files are replaced whole", files_are_replaced_whole},
    {"a failed write keeps the old file", a_failed_write_keeps_the_old_file},
    {"a read-only folder stays as it is", a_read_only_folder_stays_as_it_is},
    {"rests are removed and nothing else", rests_are_removed_and_nothing_else},
    {"folders are neither written nor read", folders_are_neither_written_nor_read},
    {"the limit of a file is exact", the_limit_of_a_file_is_exact},
    CU_TEST_INFO_NULL,
};
