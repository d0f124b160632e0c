/* bare.c: what main.c needs on a Cortex-M without an operating system: a vector table, memory as C
 * expects it, text by semihosting, and SysTick for a counter. Linked with -nostdlib and bare.ld. */
#include <stdint.h>

extern uint8_t stack_top[], data_from[], data_begin[], data_end[], bss_begin[], bss_end[];

int main(void);
void say(const char *text);
void reset(void);
uint32_t ticks(void);

#define SYSTICK ((volatile uint32_t *)0xe000e010) /* control, reload, value */
enum { WRITE = 4, EXIT = 0x18, GOOD = 0x20026, FAULT = 0x20023 };

static void semihost(uint32_t operation, const void *what)
{
	register uint32_t r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = what;
	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void say(const char *text)
{
	semihost(WRITE, text);
}

/* Up from 0 by one a clock of the processor; 24 bits. qemu -icount shift=0 lets a nanosecond pass with
 * each instruction, so that this counts instructions. */
uint32_t ticks(void)
{
	return 0xffffff - SYSTICK[2];
}

static void end(uint32_t how)
{
	semihost(EXIT, (const void *)(uintptr_t)how);
	for (;;)
		;
}

static void fault(void)
{
	say("fault\n");
	end(FAULT);
}

void reset(void)
{
	for (volatile uint8_t *at = bss_begin; at < bss_end; at++)
		*at = 0;
	for (volatile uint8_t *to = data_begin, *from = data_from; to < data_end;)
		*to++ = *from++;
#ifdef __ARM_FP
	*(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* the FPU is for all */
	__asm__ volatile("dsb\n\tisb");
#endif
	SYSTICK[1] = 0xffffff;
	SYSTICK[2] = 0;
	SYSTICK[0] = 5; /* on, by the processor's clock */
	end(main() ? FAULT : GOOD);
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    stack_top,     (void *)reset, (void *)fault, (void *)fault,
    (void *)fault, (void *)fault, (void *)fault,
};
