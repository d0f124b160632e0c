/* main.c: runs CUnit suites: all, or those named on the command line. Exit status 1 when any
 * assertion failed. One row a suite; a suite is an array of tests in the file of its name. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#define SUITE(name) extern CU_TestInfo test_##name[];
#include "suites.def"
#undef SUITE

/* Six fields in CUnit 2.1-3: setup and teardown stand before the tests, hence the names. */
static CU_SuiteInfo suites[] = {
#define SUITE(name) {.pName = #name, .pTests = test_##name},
#include "suites.def"
#undef SUITE
    CU_SUITE_INFO_NULL,
};

static CU_SuiteInfo *find(const char *name)
{
	for (CU_SuiteInfo *s = suites; s->pName; s++)
		if (strcmp(s->pName, name) == 0)
			return s;
	return NULL;
}

static int usage(const char *name)
{
	fprintf(stderr, "no suite named '%s'; there are:", name);
	for (CU_SuiteInfo *s = suites; s->pName; s++)
		fprintf(stderr, " %s", s->pName);
	fprintf(stderr, "\n");
	return 2;
}

int main(int argc, char **argv)
{
	setenv("SSLC_CACHE", "off", 1); /* tests are of the code that is made now */
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	CU_ErrorCode registered = CUE_SUCCESS;
	if (argc == 1)
		registered = CU_register_suites(suites);
	for (int i = 1; i < argc && registered == CUE_SUCCESS; i++) {
		CU_SuiteInfo *found = find(argv[i]);
		if (!found)
			return usage(argv[i]);
		registered = CU_register_suites((CU_SuiteInfo[]){*found, CU_SUITE_INFO_NULL});
	}
	if (registered != CUE_SUCCESS) {
		fprintf(stderr, "CUnit: %s\n", CU_get_error_msg());
		return 1;
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	/* CU_basic_run_tests answers 0 even when a test failed. */
	bool failed = CU_get_number_of_failures() != 0 || CU_get_number_of_tests_run() == 0;
	CU_cleanup_registry();
	return failed;
}
