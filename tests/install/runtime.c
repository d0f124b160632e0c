/* runtime.c: a program of someone else, of the runtime alone: writes an array, and reads it as data. */
#include <runtime.h>
#include <train/train.h>

int main(void)
{
	const float x[3][2] = {{1, 2}, {3, 4}, {5, 6}};
	const sslc_argument path = {.text = "x.npy"};
	char why[WHY] = "";
	Pool *pool = pool_open(2);
	Data *data = NULL;
	if (npy_write("x.npy", "f32", 2, (const int64_t[]){3, 2}, x, why))
		data = data_open(&(sslc_call){"npy", &path, 1}, NULL, why);
	int64_t count = data ? data_count(data, SPLIT_TRAIN) + data_count(data, SPLIT_TEST) : 0;
	printf("%lld samples%s\n", (long long)count, why);
	data_close(data);
	pool_close(pool);
	return count == 3 && pool ? 0 : 1;
}
