/*
 * dirty MIB PAGES_PER_SECOND: writes to its memory at that rate and checks every page before it writes it again, for
 * tests of what must not lose a byte: live migration, suspend, warm start. Freestanding: a few KiB of static ELF.
 *
 * Each word of a page says which page it is, in which round it was written, and where it stands; a page of another
 * round, another place or another machine's memory is counted as bad. Fifty times a second /run/dirty is given one
 * line: COUNTER ROUNDS PAGES_CHECKED PAGES_BAD.
 */
typedef unsigned long word;
enum { PAGE = 4096, STRIDE = 8, WORDS = PAGE / sizeof(word), TICK_NS = 20000000, TICKS = 50 };
enum { SYS_pwrite = 18, SYS_open = 2, SYS_mmap = 9, SYS_nanosleep = 35, SYS_exit = 60, SYS_clock_gettime = 228 };
static const char path[] = "/run/dirty";

static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static word parse(const char *text) {
    word value = 0;
    while (*text >= '0' && *text <= '9') value = value * 10 + (word)(*text++ - '0');
    return value;
}

static long now(void) {
    long time[2];
    call(SYS_clock_gettime, 1, (long)time, 0, 0, 0, 0);
    return time[0] * 1000000000 + time[1];
}

static word stamp(word page, word round, word at) {
    word mixed = (page * 0x9E3779B97F4A7C15 + round) * 0xC2B2AE3D27D4EB4F + at;
    return mixed ^ (mixed >> 29);
}

/* Twenty digits each, so that a line never becomes shorter. */
static char *print(char *end, word value) {
    for (int digit = 19; digit >= 0; digit--, value /= 10) end[digit] = (char)('0' + value % 10);
    end[20] = ' ';
    return end + 21;
}

static void report(long file, word counter, word rounds, word checked, word bad) {
    char line[84];
    char *end = print(print(print(print(line, counter), rounds), checked), bad);
    end[-1] = '\n';
    call(SYS_pwrite, file, (long)line, end - line, 0, 0, 0);
}

__attribute__((used)) static void run(word *stack) {
    char **arguments = (char **)(stack + 1);
    if (stack[0] != 3) call(SYS_exit, 2, 0, 0, 0, 0, 0);
    word pages = parse(arguments[1]) * 256, perTick = parse(arguments[2]) / TICKS;
    word *memory = (word *)call(SYS_mmap, 0, (long)(pages * PAGE), 3, 0x22, -1, 0);
    long file = call(SYS_open, (long)path, 01101, 0600, 0, 0, 0); /* O_WRONLY | O_CREAT | O_TRUNC */
    if ((long)memory < 0 || file < 0 || pages == 0) call(SYS_exit, 1, 0, 0, 0, 0, 0);
    word counter = 0, round = 1, next = 0, checked = 0, bad = 0;
    for (long due = now();; due += TICK_NS) {
        for (word left = perTick; left > 0; left--) {
            word page = next * 0x9E3779B1 % pages; /* a prime: every page once a round, in no order */
            word *at = memory + page * WORDS;
            int isGood = 1;
            for (word i = 0; i < WORDS; i += STRIDE) {
                if (round > 1 && at[i] != stamp(page, round - 1, i)) isGood = 0;
                at[i] = stamp(page, round, i);
            }
            if (round > 1) checked++;
            bad += !isGood;
            if (++next == pages) next = 0, round++;
        }
        report(file, ++counter, round - 1, checked, bad);
        long rest = due + TICK_NS - now();
        if (rest < -1000000000) due = now(); /* it was paused, or cannot keep up: no hurry to catch up */
        long pause[2] = {0, rest};
        if (rest > 0) call(SYS_nanosleep, (long)pause, 0, 0, 0, 0, 0);
    }
}

__asm__(".globl _start\n_start:\n    mov %rsp, %rdi\n    and $-16, %rsp\n    call run\n");
