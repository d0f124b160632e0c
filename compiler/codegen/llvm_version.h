/* llvm_version.h: private: the only place that may look at LLVM's version. */
#ifndef SSLC_LLVM_VERSION_H
#define SSLC_LLVM_VERSION_H

#include <llvm/Config/llvm-config.h>

_Static_assert(LLVM_VERSION_MAJOR == 19,
               "sslc is written for LLVM 19: after a change of version, read what its C API "
               "changed (thread-safe contexts, masked intrinsics) and mend it in codegen/");

#endif
