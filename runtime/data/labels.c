/* labels.c: labels that are texts, as classes. */
#include "windows.h"

#include <stdlib.h>
#include <string.h>

static int compare_bytes(const void *a, const void *b)
{
	const Slice *x = a, *y = b;
	int order = memcmp(x->at, y->at, x->size < y->size ? x->size : y->size);
	return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* Of digits without a 0 before them, the longer is the larger. */
static int compare_numbers(const void *a, const void *b)
{
	const Slice *x = a, *y = b;
	return x->size != y->size ? (x->size > y->size) - (x->size < y->size) : compare_bytes(a, b);
}

static bool is_number(Slice s)
{
	bool digits = s.size > 0 && (s.size == 1 || s.at[0] != '0');
	for (size_t i = 0; i < s.size; i++)
		digits = digits && s.at[i] >= '0' && s.at[i] <= '9';
	return digits;
}

/* all[n], sorted, without repetition; how many are left. */
static size_t unique(Slice *all, size_t n, int (*compare)(const void *, const void *))
{
	size_t count = 0;
	qsort(all, n, sizeof *all, compare);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || compare(&all[i], &all[count - 1]) != 0)
			all[count++] = all[i];
	return count;
}

static bool name_classes(Found *found, const Slice *name, size_t count)
{
	found->class_name = calloc(count + 1, sizeof *found->class_name);
	for (size_t i = 0; found->class_name && i < count; i++) {
		found->class_name[i] = strndup(name[i].at, name[i].size);
		if (!found->class_name[i])
			return false;
		found->class_count++;
	}
	return found->class_name != NULL;
}

static bool fill(Found *found, Part *part, const Slice *label, size_t n, const Slice *name,
                 size_t classes, int (*compare)(const void *, const void *))
{
	int32_t *id = malloc((n + 1) * sizeof *id);
	for (size_t i = 0; id && i < n; i++) {
		bool none = found_unlabelled(found, label[i].at, label[i].size);
		const Slice *at = none ? NULL : bsearch(&label[i], name, classes, sizeof *name, compare);
		id[i] = none ? -1 : (int32_t)(at - name);
		found->lacks_labels |= none;
		found->names_none |= none && label[i].size;
	}
	part_add(part, "label")->array = (Array){"i32", 1, {(int64_t)n}, id};
	return id != NULL;
}

bool labels_fill(Found *found, const Slice *const label[2], const size_t count[2], char why[WHY])
{
	Slice *all = calloc(count[0] + count[1] + 1, sizeof *all);
	bool numbers = true, good = all != NULL;
	size_t n = 0;
	for (int s = 0; all && s < 2; s++)
		for (size_t i = 0; i < count[s]; i++) {
			if (found_unlabelled(found, label[s][i].at, label[s][i].size))
				continue;
			numbers = numbers && is_number(label[s][i]);
			all[n++] = label[s][i];
		}
	int (*compare)(const void *, const void *) = numbers ? compare_numbers : compare_bytes;
	size_t classes = good ? unique(all, n, compare) : 0;
	good = good && name_classes(found, all, classes);
	for (int s = 0; s < 2; s++)
		if (good && count[s])
			good = fill(found, &found->part[s], label[s], count[s], all, classes, compare);
	free(all);
	return good || because(why, "no memory for the labels");
}
