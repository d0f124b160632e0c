/* main.c: the command line: finds the command, reads its options, runs it. */
#include "command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef SSLC_VERSION
#define SSLC_VERSION "0.1.0"
#endif

typedef struct Command {
	const char *name;
	char letter;
	int (*run)(const Options *);
} Command;

static const Command commands[] = {
#define COMMAND(name, letter, ...) {#name, letter, command_##name},
#include "commands.def"
#undef COMMAND
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* Kernels keep tiles on the stack, and LLVM recurses. What is raised here holds for this thread at
 * once; others are made with a stack of that size. */
static bool has_stack(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= STEP_STACK)
		return true;
	limit.rlim_cur = limit.rlim_max < STEP_STACK ? limit.rlim_max : STEP_STACK;
	if (limit.rlim_cur == STEP_STACK && setrlimit(RLIMIT_STACK, &limit) == 0)
		return true;
	complain("the stack is limited to %llu KiB, but %llu are needed",
	         (unsigned long long)limit.rlim_cur >> 10, (unsigned long long)STEP_STACK >> 10);
	advise("ulimit -s %llu, in a shell whose limit was not lowered",
	       (unsigned long long)STEP_STACK >> 10);
	return false;
}

enum { STACK_TAKEN = STEP_STACK / 2, PAGE = 4096 };

/* A function of its own: its frame is there from its beginning. */
static __attribute__((noinline)) char take_stack(void)
{
	volatile char stack[STACK_TAKEN - PAGE];
	stack[0] = 0;
	return stack[0];
}

/* Under `ulimit -v` the stack grows as long as there is memory, and then kills. What kernels take at most of it is
 * taken here, where its lack is an error. */
static bool has_stack_memory(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return true;
	void *room = mmap(NULL, STACK_TAKEN, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED) {
		complain("there is no memory for a stack");
		return false;
	}
	munmap(room, STACK_TAKEN);
	return take_stack() == 0;
}

static int run(const Command *c, int count, char **argument)
{
	Options o = {0};
	int code = options_read(&o, c->letter, count, argument);
	if (code)
		return code;
	if (!o.help)
		return o.model && (!has_stack() || !has_stack_memory()) ? EXIT_SYSTEM : c->run(&o);
	options_help(c->letter);
	return finish_output(EXIT_GOOD);
}

/* An internal error has said what it is and aborts, in whatever frame of ours or of LLVM, in any
 * thread. So does LLVM, and C++, where there is no memory: then errno is what malloc made it. */
static void on_abort(int signal)
{
	static const char what[] = "sslc: error: there is no memory left\n";
	(void)signal;
	if (errno != ENOMEM)
		_exit(EXIT_INTERNAL);
	(void)!write(STDERR_FILENO, what, sizeof what - 1);
	_exit(EXIT_SYSTEM);
}

static int command(int count, char **argument)
{
	const char *name = count > 1 ? argument[1] : NULL;
	if (!name) {
		complain("no command is given");
		advise("sslc help lists them; begin with: sslc run models/autoencoder.json");
		return EXIT_USAGE;
	}
	if (strcmp(name, "--version") == 0) {
		puts("sslc " SSLC_VERSION);
		return finish_output(EXIT_GOOD);
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return command_help(&(Options){0});
	const char *names[COMMANDS];
	for (int i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return run(&commands[i], count - 2, argument + 2);
		names[i] = commands[i].name;
	}
	complain_unknown(name[0] == '-' ? "option" : "command", name, names,
	                 name[0] == '-' ? 0 : COMMANDS);
	advise("sslc help lists the commands");
	return EXIT_USAGE;
}

int main(int count, char **argument)
{
	signal(SIGABRT, on_abort);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its write */
	int code = command(count, argument);
	said_all();
	return code;
}
