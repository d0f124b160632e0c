# llvm.cmake: what to link of LLVM: LLVM_LIBRARIES_OF_SSLC.
#
# libLLVM.so holds every target, and has 340,000 addresses to be set before main: 12 ms of each start. So the programs
# hold the archives that they need, at fixed addresses; but not with sanitizers, which link long enough already, nor
# where the archives are not installed.

find_library(LLVM_SHARED NAMES LLVM-19 LLVM HINTS ${LLVM_LIBRARY_DIRS} REQUIRED)
set(LLVM_LIBRARIES_OF_SSLC ${LLVM_SHARED})
if(NOT SSLC_STATIC_LLVM OR SSLC_SANITIZE OR SSLC_FUZZ)
	return()
endif()

execute_process(
	COMMAND ${LLVM_TOOLS_BINARY_DIR}/llvm-config --link-static --libfiles core analysis bitreader linker object orcjit passes native
		x86 aarch64 arm riscv webassembly
	OUTPUT_VARIABLE archives OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE missing)
separate_arguments(archives)
find_library(ZSTD_LIBRARY NAMES zstd libzstd.so.1)
set(static -Wl,--start-group ${archives} -Wl,--end-group -Wl,--gc-sections -no-pie
	-Wl,-Bstatic -lstdc++ -Wl,-Bdynamic -static-libgcc ${ZSTD_LIBRARY} ZLIB::ZLIB dl m)

include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES ${LLVM_INCLUDE_DIRS})
set(CMAKE_REQUIRED_LIBRARIES ${static})
check_c_source_compiles("#include <llvm-c/Core.h>\nint main(void) { return LLVMContextCreate() == 0; }" LLVM_STATIC_WORKS)
if(NOT missing AND LLVM_STATIC_WORKS)
	set(LLVM_LIBRARIES_OF_SSLC ${static})
endif()
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_LIBRARIES)
