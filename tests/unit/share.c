/* share.c: which cases of a test run: see share.h. Counts them for the test that CUnit runs. */
#include "share.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <stdlib.h>
#include <string.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

bool every_case_runs(void)
{
	const char *tests = getenv("SSLC_TESTS");
	return tests && strcmp(tests, "all") == 0;
}

/* Counts from 0 in each test. */
static unsigned next_of_test(void)
{
	static CU_pTest test;
	static unsigned next;
	next = CU_get_current_test() == test ? next + 1 : 0;
	test = CU_get_current_test();
	return next;
}

bool case_runs(void)
{
	/* of seven, which no list of processors, types or orders is as long as */
	unsigned turn = next_of_test() % 7;
	return turn == 0 || (turn == 4 && !SANITIZED) || every_case_runs();
}

bool subject_runs(void)
{
	return next_of_test() % 14 == 0 || !SANITIZED || every_case_runs();
}

bool way_runs(int way, int ways)
{
	static unsigned turn;
	turn += way == 0;
	unsigned others = (unsigned)ways - 1;
	unsigned chosen = SANITIZED ? turn % (unsigned)ways : 1 + turn % others;
	return (way == 0 && !SANITIZED) || (unsigned)way == chosen || every_case_runs();
}
