"""library.py LIBRARY CHECKPOINT: a model in Python by ctypes alone: weights of `sslc run` in, features out.

  sslc compile sensor.json --shared --out sensor.so
"""

import ctypes
import sys

model = ctypes.CDLL(sys.argv[1])
model.sensor_message.restype = ctypes.c_char_p
model.sensor_block_bytes.restype = ctypes.c_size_t


def call(function, *arguments):
    error = getattr(model, "sensor_" + function)(*arguments)
    if error < 0:
        raise RuntimeError(f"{function}: {model.sensor_message(error).decode()}")
    return error


room = model.sensor_block_bytes()
memory = ctypes.create_string_buffer(room + 64)
block = ctypes.c_void_p((ctypes.addressof(memory) + 63) // 64 * 64)
file = open(sys.argv[2], "rb").read()
call("init", block, ctypes.c_size_t(room), 1, 0)
call("load", block, file, ctypes.c_size_t(len(file)), 4)  # 4: all weights must be there
x = (ctypes.c_float * 16)(*[0.1 * i for i in range(16)])
features = (ctypes.c_float * 6)()
call("encode", block, x, features)
print(" ".join(f"{value:.6f}" for value in features))
assert all(-1 <= value <= 1 for value in features) and any(features)
try:
    call("init", ctypes.c_void_p(block.value + 4), ctypes.c_size_t(room), 1, 0)
except RuntimeError as error:
    print(error)
else:
    sys.exit("a block that is not aligned was taken")
