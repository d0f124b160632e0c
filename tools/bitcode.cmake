# bitcode.cmake: CLANG, SOURCE, TARGET (a triple), NAME -> OUT, a C file with the bitcode of a freestanding C file as
# bytes: `NAME` of runtime/embed/bitcode.h. Small rather than quick, and as it is written: whoever links the bitcode
# optimizes for the machine, which has no vectors, perhaps, and no memcpy to make a loop of bytes into.
execute_process(
	COMMAND ${CLANG} -std=c17 -target ${TARGET} -emit-llvm -c -Os -ffreestanding -fno-builtin -fno-vectorize -fno-slp-vectorize
		-fno-unroll-loops -fno-stack-protector -fno-asynchronous-unwind-tables -Wall -Wextra -Werror "${SOURCE}" -o "${OUT}.bc"
	COMMAND_ERROR_IS_FATAL ANY)
file(READ "${OUT}.bc" bytes HEX)
string(LENGTH "${bytes}" length)
math(EXPR length "${length} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE "${OUT}" "/* Made by tools/bitcode.cmake. */\n#include \"runtime/embed/bitcode.h\"\n\n"
	"_Alignas(8) const unsigned char ${NAME}[] = {\n${bytes}};\nconst size_t ${NAME}_bytes = ${length};\n")
