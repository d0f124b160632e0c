/* bitcode.c: the folder as one file, to be compiled to bitcode for emitted objects. */
#include "bytes.c"
#include "embed.c"
#include "export.c"
#include "json.c"
#include "load.c"
#include "state.c"
#include "x86.c"
