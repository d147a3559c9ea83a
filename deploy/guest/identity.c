/*
 * Makes a guest that goes on from a copy another one: reads a line of the agent's protocol,
 *
 *     ID identity HOSTNAME MACHINE_ID SECONDS SEED [MAC]
 *
 * sets hostname, machine id, clock and the card's address, gives the kernel random numbers of its own at once, and
 * answers `ID ok` or `ID error WHY`. In a template it is what waits for the first word of the host, once it has answered
 * the `ID` it was given as an argument: no shell runs, nothing is forked and no file is opened between a copy's first
 * instruction and its readiness, for a copy's emulator has to translate all of the kernel that these go through. Without
 * a C library, to be a page in size.
 */
#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/random.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

enum { LINE_BYTES = 512, WORDS_MAX = 7, MACHINE_ID_BYTES = 32, SEED_BYTES = 32, MAC_BYTES = 6 };

static long call(long number, long a, long b, long c)
{
	long result;
#ifdef __i386__
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
#else
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
#endif
	return result;
}

static long length(const char *text)
{
	long bytes = 0;
	while (text[bytes])
		bytes++;
	return bytes;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes in hexadecimal, with `gap` characters between them. */
static int read_bytes(const char *text, unsigned char *bytes, int count, int gap)
{
	for (int i = 0; i < count; i++, text += 2 + gap) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);
		if (low < 0)
			return -1;
		bytes[i] = high << 4 | low;
	}
	return 0;
}

/* In one write, over what a template has there: `id` ends where its line can. */
static int write_machine_id(long file, char *id)
{
	if (length(id) != MACHINE_ID_BYTES)
		return -1;
	id[MACHINE_ID_BYTES] = '\n';
	long wrote = call(__NR_write, file, (long)id, MACHINE_ID_BYTES + 1);
	id[MACHINE_ID_BYTES] = 0;
	return wrote < 0 ? -1 : 0;
}

static int set_clock(const char *seconds)
{
	struct timespec now = { 0, 0 };
	for (; *seconds; seconds++) {
		if (*seconds < '0' || *seconds > '9')
			return -1;
		now.tv_sec = now.tv_sec * 10 + *seconds - '0';
	}
	return call(__NR_clock_settime, CLOCK_REALTIME, (long)&now, 0);
}

static int reseed(long random, const char *seed)
{
	struct { int bits, bytes; unsigned char seed[SEED_BYTES]; } entropy = { SEED_BYTES * 8, SEED_BYTES, { 0 } };
	if (read_bytes(seed, entropy.seed, SEED_BYTES, 0) < 0 ||
	    call(__NR_ioctl, random, RNDADDENTROPY, (long)&entropy) < 0)
		return -1;
	return call(__NR_ioctl, random, RNDRESEEDCRNG, 0);
}

static int set_mac(const char *address)
{
	struct ifreq card = { .ifr_name = "eth0", .ifr_hwaddr = { .sa_family = ARPHRD_ETHER } };
	long socket = call(__NR_socket, AF_INET, SOCK_DGRAM, 0);
	if (socket < 0 || read_bytes(address, (unsigned char *)card.ifr_hwaddr.sa_data, MAC_BYTES, 1) < 0)
		return -1;
	return call(__NR_ioctl, socket, SIOCSIFHWADDR, (long)&card);
}

static const char *take(char **word, int words, long id_file, long random)
{
	if (words < 6)
		return "five words are wanted";
	if (call(__NR_sethostname, (long)word[2], length(word[2]), 0) < 0)
		return "hostname";
	if (write_machine_id(id_file, word[3]) < 0)
		return "machine id";
	if (set_clock(word[4]) < 0)
		return "clock";
	if (reseed(random, word[5]) < 0)
		return "random numbers";
	if (words > 6 && set_mac(word[6]) < 0)
		return "card";
	return 0;
}

static void say(char *text, const char *more)
{
	for (text += length(text); *more; more++)
		*text++ = *more;
	*text = 0;
}

static void answer(const char *id, const char *verdict, const char *why)
{
	char text[2 * LINE_BYTES];
	text[0] = 0;
	say(text, id);
	say(text, verdict);
	say(text, why);
	say(text, "\n");
	call(__NR_write, 1, (long)text, length(text));
}

__attribute__((used)) static void run(long *stack)
{
	char line[LINE_BYTES];
	int in_template = stack[0] > 1;
	long id_file = call(__NR_open, (long)"/etc/machine-id", O_WRONLY | O_CREAT | (in_template ? 0 : O_TRUNC), 0444);
	long random = call(__NR_open, (long)"/dev/random", O_RDWR, 0);
	if (in_template)
		answer((char *)stack[2], " ok", "");
	char *word[WORDS_MAX];
	long end = 0;
	do {
		long got = call(__NR_read, 0, (long)line + end, sizeof line - 1 - end);
		if (got <= 0)
			break;
		end += got;
	} while (line[end - 1] != '\n' && end < (long)sizeof line - 1);
	int words = 0;
	for (char *at = line; at < line + end && words < WORDS_MAX; at++) {
		if (*at == ' ' || *at == '\n')
			*at = 0;
		else if (at == line || at[-1] == 0)
			word[words++] = at;
	}
	const char *why = take(word, words, id_file, random);
	if (words > 0)
		answer(word[0], why ? " error identity not taken: " : " ok", why ? why : "");
	for (;;)
		call(__NR_exit, why != 0, 0, 0);
}

#ifdef __i386__
__asm__(".globl _start\n_start: mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call run\n");
#else
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call run\n");
#endif
