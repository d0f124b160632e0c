/* test_table.c: tables as text (CSV).
 *
 * Truth: what Python's csv module reads in the files of tests/oracle/tables; its make.py has the rules. */
#include <CUnit/CUnit.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/data/table.h"
#include "scratch.h"

static const char *table_path(const char *name)
{
	char path[400];
	snprintf(path, sizeof path, "tables/%s", name);
	return oracle_path(path);
}

/* As make.py writes it: fields with 1f between, rows with 1e behind them. */
static char *print_rows(const Table *t, size_t *size)
{
	char *text = malloc(t->size + 1);
	*size = 0;
	for (size_t row = 0; row < t->rows; row++)
		for (size_t c = 0; c < t->columns; c++) {
			Slice field = table_field(t, row, c);
			CU_ASSERT(strlen(field.at) == field.size && table_text(t, row, c) == field.at);
			memcpy(text + *size, field.at, field.size);
			*size += field.size;
			text[(*size)++] = c + 1 < t->columns ? '\x1f' : '\x1e';
		}
	return text;
}

static bool equals_python(const char *name)
{
	char path[300], why[WHY] = "";
	size_t size, want_size;
	Table t;
	snprintf(path, sizeof path, "good/%s.csv", name);
	char separator = strcmp(name, "semicolon") == 0 ? ';' : strcmp(name, "tab") == 0 ? '\t' : ',';
	if (!table_read(table_path(path), (Layout){separator, 0}, &t, why)) {
		fprintf(stderr, "\n    %s\n", why);
		return false;
	}
	snprintf(path, sizeof path, "good/%s.rows", name);
	unsigned char *want = file_get(table_path(path), &want_size);
	char *got = print_rows(&t, &size);
	bool good = want && size == want_size && memcmp(got, want, size) == 0;
	if (!good)
		fprintf(stderr, "\n    %s: not what Python reads\n", name);
	free(got);
	free(want);
	table_close(&t);
	return good;
}

static void tables_are_what_python_reads(void)
{
	char folder[512];
	int count = 0;
	snprintf(folder, sizeof folder, "%s", table_path("good"));
	DIR *d = opendir(folder);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	for (const struct dirent *e; (e = readdir(d));) {
		char name[256];
		snprintf(name, sizeof name, "%s", e->d_name);
		char *end = strstr(name, ".csv");
		if (!end)
			continue;
		*end = 0;
		CU_ASSERT(equals_python(name));
		count++;
	}
	closedir(d);
	CU_ASSERT(count >= 25);
}

static void rows_know_their_lines(void)
{
	static const struct {
		const char *text;
		size_t rows;
		uint32_t line[4];
	} cases[] = {
	    {"a\nb\nc", 3, {1, 2, 3}},
	    {"\n\na\r\n\r\nb\n", 2, {3, 5}},
	    {"\"a\nb\"\nc\n", 2, {1, 3}},
	    {"a\rb\r\rc\r", 3, {1, 2, 4}},
	    {"x,\"1\r\n2\r\n\"\ny,z", 2, {1, 4}},
	    {"\"\n\n\"\n\"\n\"\nq", 3, {1, 4, 6}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Table t;
		char why[WHY];
		CU_ASSERT_FATAL(
		    table_parse("t", cases[i].text, strlen(cases[i].text), (Layout){',', 0}, &t, why));
		CU_ASSERT_EQUAL_FATAL(t.rows, cases[i].rows);
		CU_ASSERT(memcmp(t.line, cases[i].line, t.rows * sizeof *t.line) == 0);
		table_close(&t);
	}
}

static void wrong_tables_say_where(void)
{
	static const struct {
		const char *name, *word;
	} cases[] = {
	    {"quote_inside",
	     "line 2, column 2: a quote stands in a field that does not begin with one"},
	    {"quote_after_space", "line 1, column 2: a quote stands in a field"},
	    {"text_behind_quote", "line 2, column 1: text stands behind the quote"},
	    {"no_end_of_quote", "line 2, column 2: a quote begins that does not end"},
	    {"fewer_fields", "line 4 has 2 fields, but line 1 has 3"},
	    {"more_fields", "line 2 has 3 fields, but line 1 has 2"},
	    {"latin1", "the byte at offset 7, in line 2, is 0xe9"},
	    {"nul", "the byte at offset 6 is 0"},
	    {"utf16", "is UTF-16"},
	    {"is not there", "No such file"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char path[128], why[WHY] = "";
		Table t;
		snprintf(path, sizeof path, "bad/%s.csv", cases[i].name);
		bool good = table_read(table_path(path), (Layout){',', 0}, &t, why);
		if (good || !strstr(why, cases[i].word))
			fprintf(stderr, "\n    %s: %s\n", path, good ? "accepted" : why);
		CU_ASSERT(!good && strstr(why, cases[i].word) && strstr(why, path));
		CU_ASSERT_PTR_NULL(t.text);
	}
}

/* Every prefix is read or refused, and what is behind its end is not looked at. */
static void cut_tables_are_safe(void)
{
	size_t size;
	unsigned char *whole = file_get(table_path("good/lines_in_field.csv"), &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	for (size_t n = 0; n <= size; n++) {
		unsigned char *tight = malloc(n ? n : 1); /* on the heap for ASan to see its end */
		Table t;
		char why[WHY] = "";
		memcpy(tight, whole, n);
		bool good = table_parse("t", tight, n, (Layout){',', 0}, &t, why);
		CU_ASSERT(good == !*why);
		table_close(&t);
		free(tight);
	}
	free(whole);
}

CU_TestInfo test_table[] = {
    {"tables are what Python reads", tables_are_what_python_reads},
    {"rows know their lines", rows_know_their_lines},
    {"wrong tables say where", wrong_tables_say_where},
    {"cut tables are safe", cut_tables_are_safe},
    CU_TEST_INFO_NULL,
};
