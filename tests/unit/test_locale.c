/* test_locale.c: in a program whose locale writes 0,5, models and data are what they are elsewhere.
 *
 * The locale is made for the test by localedef (of libc-bin) from Debian's package locales. */
#include <CUnit/CUnit.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/sslc.h"
#include "../../runtime/runtime.h"
#include "../../runtime/train/train.h"
#include "scratch.h"

/* False: said. */
static bool german(void)
{
	char command[1024], text[8];
	Scratch s;
	scratch_open(&s);
	snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1",
	         s.folder);
	bool made = system(command) <= 256; /* 1: of warnings */
	setenv("LOCPATH", s.folder, 1);
	made = made && setlocale(LC_ALL, "de_DE.UTF-8");
	unsetenv("LOCPATH");
	snprintf(command, sizeof command, "rm -r %s", s.folder);
	CU_ASSERT_EQUAL(system(command), 0);
	snprintf(text, sizeof text, "%.1f", 0.5);
	CU_ASSERT(!made || strcmp(text, "0,5") == 0);
	if (!made)
		fprintf(stderr, "\n    not tested: localedef makes no de_DE; apt-get install locales\n");
	return made;
}

static const char MODEL[] =
    "{\"name\": \"m\", \"data\": \"csv('t.csv')\", \"encoder\": [\"linear(2)\"], \"loss\": "
    "\"mean(0.25 * encoder(x)^2)\", \"optimizer\": \"adam(lr=1.5e-2)\", \"train\": {\"batch\": 5}}";

/* The stages as text; the data in `folder`. The caller frees it. */
static char *stages(const char *folder)
{
	static const char *const stage[] = {"parse", "fold", "schedule"};
	char *text = NULL, why[WHY] = "";
	size_t size;
	FILE *out = open_memstream(&text, &size);
	sslc_program *p = sslc_open_text("m.json", MODEL, strlen(MODEL), NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sslc_reader(p));
	Data *d = data_open(sslc_reader(p), folder, why);
	if (!d)
		fprintf(stderr, "\n    %s\n", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TEST) == 1); /* the default, test=0.1 */
	for (int64_t i = 0; i < data_count(d, SPLIT_TRAIN); i++) {
		float x = 0;
		CU_ASSERT(data_sample(d, SPLIT_TRAIN, i, (void *[]){&x}, why));
		json_value(out, (double)x);
		fputc('\n', out);
	}
	CU_ASSERT(sslc_bind(p, data_shape(d)));
	sslc_print_errors(p, stderr, false);
	for (size_t i = 0; i < sizeof stage / sizeof *stage; i++)
		for (int format = 0; format < 3; format += 2)
			CU_ASSERT(
			    sslc_dump(p, i ? "step" : NULL, stage[i], format ? SSLC_JSON : SSLC_TEXT, out));
	data_close(d);
	sslc_close(p);
	fclose(out);
	return text;
}

static void commas_change_nothing(void)
{
	static const char table[] = "a\n0.5\n1.5\n2.5\n3.5\n4.5\n5.5\n6.5\n7.5\n8.5\n9.75\n";
	Scratch s;
	scratch_open(&s);
	CU_ASSERT_FATAL(file_put(scratch_path(&s, "t.csv"), table, strlen(table)));
	char *want = stages(s.folder);
	CU_ASSERT_PTR_NOT_NULL(strstr(want, "lr=0.015"));
	if (german()) {
		char *got = stages(s.folder), text[8];
		CU_ASSERT_STRING_EQUAL(got, want);
		snprintf(text, sizeof text, "%.1f", 0.5);
		CU_ASSERT_STRING_EQUAL(text, "0,5"); /* the program's own affair, still */
		setlocale(LC_ALL, "C");
		free(got);
	}
	free(want);
	scratch_close(&s);
}

CU_TestInfo test_locale[] = {
    {"commas change nothing", commas_change_nothing},
    CU_TEST_INFO_NULL,
};
