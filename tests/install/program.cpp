// program.cpp: what compiler.c and runtime.c do, of someone who writes C++: compiles a model, and writes an array.
#include <runtime.h>
#include <sslc.h>
#include <train/train.h>

#include <cstring>

static const char model[] =
    R"json({"data": "normal(4, 2)", "encoder": ["linear(2)"], "loss": "mse(encoder(x), x)", "train": {"batch": 4}})json";

int main()
{
	sslc_program *p = sslc_open_text("user", model, std::strlen(model), nullptr);
	sslc_data data{};
	data.count = 1;
	data.train_count = 4;
	data.field[0].name = "x";
	data.field[0].dtype = "f32";
	data.field[0].rank = 1;
	data.field[0].dim[0] = 2;
	bool is_compiled = sslc_bind(p, &data) && sslc_function(p, "step");
	sslc_close(p);

	const float x[2] = {1, 2};
	const int64_t count = 2;
	char why[WHY] = "";
	Failure failure{};
	Watch watch{};
	bool is_written = npy_write("x.npy", "f32", 1, &count, x, why) && watch_open(&watch, &failure);
	bool is_quiet = watch_signal(&watch) == 0;
	watch_close(&watch);
	return is_compiled && is_written && is_quiet ? 0 : 1;
}
