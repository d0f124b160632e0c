/* bound.h: for tests: a model of a text, opened and bound to the shape of its data. */
#ifndef SSLC_TEST_BOUND_H
#define SSLC_TEST_BOUND_H

#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "../../compiler/sslc.h"

/* Ends the test, with its errors on stderr, where it is no model. */
static inline sslc_program *bound_text(const char *text, const sslc_data *data,
                                       const sslc_options *options)
{
	sslc_program *p = sslc_open_text("model", text, strlen(text), options);
	bool good = p && sslc_bind(p, data);
	if (p)
		sslc_print_errors(p, stderr, false);
	CU_ASSERT_TRUE_FATAL(good);
	return p;
}

#endif
