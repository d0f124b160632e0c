// stream.cpp: a C++ program that trains on a stream, one sample at a time, and never stores the data;
// then writes what was learnt as a safetensors file, from which `sslc run --init` goes on.
//
//   sslc compile sensor.json --out sensor.o && c++ stream.cpp sensor.o
#include <cmath>
#include <cstdio>
#include <vector>

#include "sensor.h"

SENSOR_ALIGNED static unsigned char block[SENSOR_BLOCK_BYTES];

static bool failed(int32_t error)
{
	if (error)
		std::fprintf(stderr, "%s\n", sensor_message(error));
	return error != 0;
}

int main(int count, char **argument)
{
	if (count != 2 || failed(sensor_init(block, sizeof block, 1, 0)))
		return 1;
	float first = 0, last = 0;
	for (int step = 0; step < 1000; step++) {
		float x[SENSOR_STEP_X_COUNT], loss;
		for (int i = 0; i < SENSOR_STEP_X_COUNT; i++)
			x[i] = std::sin(0.4f * static_cast<float>(step * SENSOR_STEP_X_COUNT + i));
		if (failed(sensor_step(block, x, &loss)))
			return 1;
		(step < 10 ? first : step >= 990 ? last : loss) += loss / 10;
	}
	std::printf("mean loss of 10 steps: first %.4f, last %.4f\n", first, last);
	std::vector<unsigned char> file(sensor_export_bytes(0));
	if (failed(sensor_export(block, file.data(), file.size(), 0)))
		return 1;
	std::FILE *out = std::fopen(argument[1], "wb");
	if (!out || std::fwrite(file.data(), 1, file.size(), out) != file.size() || std::fclose(out))
		return 1;
	return last < first / 4 ? 0 : 1;
}
