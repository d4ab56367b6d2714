/*
 * A Linux program for x86-64 that runs cases in segments of its LDT: 16- and 32-bit code and stacks with bases and
 * limits. Reads cases from standard input, writes what each leaves to standard output. Every case ends in an
 * exception: INT3, which fills the code, or a fault. No C library: fs is a case's too.
 *
 * Handler and program are one: the signal handler notes how the last case ended, prepares the next one in the
 * signal's context, and returns into it.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

enum { SYS_read, SYS_write, SYS_mmap = 9, SYS_sigaction = 13, SYS_sigreturn = 15, SYS_alarm = 37, SYS_exit = 60,
       SYS_sigaltstack = 131, SYS_modify_ldt = 154 };
enum { ES, CS, SS, DS, FS, GS, SEGMENTS };
enum { CHANGES = 24, SECONDS = 60 };
enum { EFLAGS_KEPT = 0xcd5 };

#define DATA 0x20000000u
#define CODE 0x30000000u
#define SIZE 0x40000u
#define STACK 0x7e0000000000ul
#define BUFFERS 0x7d0000000000ul
#define BUFFER_SIZE 0x8000000ul

struct segment { u32 base, limit, flags; };
/* Registers in the order of their codes. */
struct test { u32 regs[8], eflags, eip; struct segment segments[SEGMENTS]; u32 seed; u8 code[16]; };
struct result { u32 regs[8], eflags, eip, trapno, error, changes; struct { u32 offset, value; } changed[CHANGES]; };

struct context {
    u64 flags, link, stack[3];
    u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
    u16 cs, gs, fs, ss;
    u64 err, trapno;
};

static long call(long n, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static struct test *next, *last, *running;
static struct result *out;
static struct segment installed[SEGMENTS];
static u32 code_at;

static void leave(int status) {
    call(SYS_exit, status, 0, 0, 0, 0, 0);
    __builtin_unreachable();
}

/* What the data area holds before a case: tests/emulator/x86/segment_cases.ts has the same. */
static u32 pattern(u32 seed, u32 i) {
    u32 h = seed + i * 0x9e3779b1u;
    h ^= h >> 15;
    h *= 0x85ebca77u;
    return h ^ h >> 13;
}

static void install(int index, const struct segment *wanted) {
    struct segment *have = &installed[index];
    if (have->base == wanted->base && have->limit == wanted->limit && have->flags == wanted->flags) return;
    struct { u32 entry, base, limit, flags; } d = { index, wanted->base, wanted->limit, wanted->flags };
    if (call(SYS_modify_ldt, 1, (long)&d, sizeof d, 0, 0, 0) != 0) leave(3);
    *have = *wanted;
}

static void note(const struct context *c) {
    struct result *r = out++;
    const u64 regs[8] = { c->rax, c->rcx, c->rdx, c->rbx, c->rsp, c->rbp, c->rsi, c->rdi };
    const u32 *data = (const u32 *)(u64)DATA;
    for (int i = 0; i < 8; i++) r->regs[i] = regs[i];
    r->eflags = c->eflags;
    r->eip = c->rip;
    r->trapno = c->trapno;
    r->error = c->err;
    r->changes = 0;
    for (u32 i = 0; i < SIZE / 4; i++) {
        if (data[i] == pattern(running->seed, i)) continue;
        if (r->changes < CHANGES) {
            r->changed[r->changes].offset = 4 * i;
            r->changed[r->changes].value = data[i];
        }
        r->changes++;
    }
}

static void finish(void) {
    const char *from = (const char *)(BUFFERS + BUFFER_SIZE);
    while (from < (const char *)out) {
        long n = call(SYS_write, 1, (long)from, (const char *)out - from, 0, 0, 0);
        if (n <= 0) leave(4);
        from += n;
    }
    leave(0);
}

static void handle(int signal, void *info, struct context *c) {
    (void)signal, (void)info;
    if (running) note(c);
    if (next == last) finish();
    running = next++;
    for (int i = 0; i < SEGMENTS; i++) install(i, &running->segments[i]);
    u32 *data = (u32 *)(u64)DATA;
    for (u32 i = 0; i < SIZE / 4; i++) data[i] = pattern(running->seed, i);
    u8 *code = (u8 *)(u64)CODE;
    for (int i = 0; i < 16; i++) code[code_at + i] = 0xcc;
    code_at = running->segments[CS].base - CODE + running->eip;
    for (int i = 0; i < 16; i++) code[code_at + i] = running->code[i];
    c->flags |= 6; /* SS is restored as it stands here. */
    c->cs = CS << 3 | 7;
    c->ss = SS << 3 | 7;
    c->rax = running->regs[0], c->rcx = running->regs[1], c->rdx = running->regs[2], c->rbx = running->regs[3];
    c->rsp = running->regs[4], c->rbp = running->regs[5], c->rsi = running->regs[6], c->rdi = running->regs[7];
    c->rip = running->eip;
    c->eflags = (running->eflags & EFLAGS_KEPT) | 0x202;
    /* Flags that the context does not hold: NT, AC, ID. */
    __asm__ volatile("push $0x202; popfq" ::: "cc", "memory");
    __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%fs; mov %3, %%gs" ::"r"(DS << 3 | 7), "r"(ES << 3 | 7),
                     "r"(FS << 3 | 7), "r"(GS << 3 | 7));
}

__asm__("restore: mov $15, %eax; syscall");
extern void restore(void);

static void *map(u64 at, u64 size, int protection) {
    enum { PRIVATE_FIXED_ANONYMOUS = 0x32 };
    if (call(SYS_mmap, at, size, protection, PRIVATE_FIXED_ANONYMOUS, -1, 0) != (long)at) leave(2);
    return (void *)at;
}

__attribute__((force_align_arg_pointer)) void _start(void) {
    map(DATA, SIZE, 3);
    u8 *code = map(CODE, SIZE, 7);
    for (u32 i = 0; i < SIZE; i++) code[i] = 0xcc;
    struct { void *at; long flags, size; } stack = { map(STACK, 0x10000, 3), 0, 0x10000 };
    char *input = map(BUFFERS, 2 * BUFFER_SIZE, 3);
    next = (struct test *)input;
    for (long n; (n = call(SYS_read, 0, (long)input, BUFFERS + BUFFER_SIZE - (u64)input, 0, 0, 0)) != 0; input += n) {
        if (n < 0) leave(4);
    }
    last = next + (input - (char *)next) / sizeof *next;
    out = (struct result *)(BUFFERS + BUFFER_SIZE);
    struct { void *handler; u64 flags; void *restorer; u64 mask; } action = { handle, 0x0c000004, restore, 0 };
    call(SYS_sigaltstack, (long)&stack, 0, 0, 0, 0, 0);
    static const int signals[] = { 4, 5, 7, 8, 11 };
    for (int i = 0; i < 5; i++) call(SYS_sigaction, signals[i], (long)&action, 0, 8, 0, 0);
    /* A case that does not end. */
    call(SYS_alarm, SECONDS, 0, 0, 0, 0, 0);
    __asm__ volatile("int3");
    leave(5);
}
