/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MOVDIR64B and MOVDIRI in the forms a processor has to know, and those it has
 * to refuse (spec/dsa-device.md 7).  Each line of output is what happened: 1
 * for the right bytes, -1 for no exception, or the exception's number.
 */
#include "payload.h"

#define BYTES 64
#define PAGE 4096
#define FIRST_SPARE 0x600000            /* memory that nobody else uses */
#define NOT_MAPPED 0x800000             /* the page that test_faults() hides */
#define LARGE_PAGE_SHIFT 21
#define CPUID_MOVDIRI (1u << 27)
#define CPUID_MOVDIR64B (1u << 28)
#define SHIFT 0x1000                    /* base of the segment in start.S */

static uint8_t *const source = (uint8_t *)FIRST_SPARE;
static uint8_t *const target = (uint8_t *)(FIRST_SPARE + 2 * PAGE);

static uint32_t features(void)
{
    uint32_t a = 7, b, c = 0, d;

    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c;
}

static void copy64(void *to, void *from)
{
    asm volatile("movdir64b (%0), %1" : : "r"(from), "r"(to) : "memory");
}

/* Only the low halves of both registers count */
static void copy_address32(void *to, void *from)
{
    uint64_t dirt = 0x5a5a5a5a00000000;

    asm volatile("movdir64b (%k0), %k1"
                 : : "r"((uint64_t)from | dirt), "r"((uint64_t)to | dirt)
                 : "memory");
}

/* The same opcode and operands (%rsi), %rdi with other prefixes */
#define RAW(name, bytes)                                                  \
    static void name(void *to, void *from)                                \
    {                                                                     \
        asm volatile(".byte " bytes : : "D"(to), "S"(from) : "memory");   \
    }
RAW(raw_no_prefix, "0x0f, 0x38, 0xf8, 0x3e")
RAW(raw_f3, "0xf3, 0x0f, 0x38, 0xf8, 0x3e")
RAW(raw_f2, "0xf2, 0x0f, 0x38, 0xf8, 0x3e")
RAW(raw_f3_66, "0x66, 0xf3, 0x0f, 0x38, 0xf8, 0x3e")
RAW(raw_f2_66, "0x66, 0xf2, 0x0f, 0x38, 0xf8, 0x3e")
RAW(raw_lock, "0xf0, 0x66, 0x0f, 0x38, 0xf8, 0x3e")
RAW(raw_register, "0x66, 0x0f, 0x38, 0xf8, 0xfe")
RAW(raw_rex_w, "0x66, 0x48, 0x0f, 0x38, 0xf8, 0x3e")
RAW(raw_movdiri_66, "0x66, 0x0f, 0x38, 0xf9, 0x37")
RAW(raw_movdiri_register, "0x0f, 0x38, 0xf9, 0xf7")

static void store64(void *to, void *from)
{
    asm volatile("movdiri %0, (%1)"
                 : : "r"(*(uint64_t *)from), "r"(to) : "memory");
}

static void store32(void *to, void *from)
{
    asm volatile("movdiri %0, (%1)"
                 : : "r"(*(uint32_t *)from), "r"(to) : "memory");
}

static void fill(void)
{
    for (int i = 0; i < 2 * PAGE; i++) {
        source[i] = i * 7 + (i >> 8) + 1;
        target[i] = 0;
    }
}

/* Whether exactly @n bytes from @from are at @at, and zeros around them */
static bool arrived(const uint8_t *at, const uint8_t *from, int n)
{
    bool good = at[-1] == 0 && at[n] == 0;

    for (int i = 0; i < n; i++) {
        good = good && at[i] == from[i];
    }
    return good;
}

static void check_copy(const char *name, Attempt *what, int to, int from,
                       int n)
{
    int exception;

    fill();
    exception = attempt(what, target + to, source + from);
    report(name, exception == NO_EXCEPTION ?
                 arrived(target + to, source + from, n) : exception);
}

static void check_refused(const char *name, Attempt *what, int to)
{
    int exception;

    fill();
    exception = attempt(what, target + to, source);
    report(name, arrived(target + to, target + BYTES * 4, BYTES) ?
                 exception : 0);
}

static void test_forms(void)
{
    check_copy("aligned", copy64, BYTES, 0, BYTES);
    check_copy("source-unaligned", copy64, BYTES, 13, BYTES);
    check_copy("source-crosses-page", copy64, BYTES, PAGE - 20, BYTES);
    check_copy("end-of-page", copy64, PAGE - BYTES, 0, BYTES);
    check_copy("rex.w", raw_rex_w, BYTES, 0, BYTES);
    check_copy("address32", copy_address32, BYTES, 0, BYTES);
    fill();
    shifted_copy(target + PAGE - SHIFT, source);
    report("es-base", arrived(target + PAGE, source, BYTES));
}

/* All bytes are read before the first is written */
static void test_overlap(void)
{
    uint8_t before[BYTES];

    fill();
    for (int i = 0; i < BYTES; i++) {
        before[i] = target[BYTES - 20 + i] = source[i];
    }
    copy64(target + BYTES, target + BYTES - 20);
    target[BYTES - 1] = 0;
    report("overlap", arrived(target + BYTES, before, BYTES));
}

static void test_refused(void)
{
    check_refused("misaligned", copy64, 32);
    check_refused("no-prefix", raw_no_prefix, BYTES);
    check_refused("f3", raw_f3, BYTES);
    check_refused("f2", raw_f2, BYTES);
    check_refused("f3-66", raw_f3_66, BYTES);
    check_refused("f2-66", raw_f2_66, BYTES);
    check_refused("lock", raw_lock, BYTES);
    check_refused("register", raw_register, BYTES);
}

/* The page at NOT_MAPPED is absent: nothing is written unless all is read */
static void test_faults(void)
{
    uint8_t *last = (uint8_t *)NOT_MAPPED - 16;
    bool untouched = true;

    page_directories[NOT_MAPPED >> LARGE_PAGE_SHIFT] = 0;
    asm volatile("invlpg (%0)" : : "r"(NOT_MAPPED) : "memory");
    fill();
    report("source-absent", attempt(copy64, target + BYTES, last));
    for (int i = 0; i < PAGE; i++) {
        untouched = untouched && target[i] == 0;
    }
    report("target-untouched", untouched);
    report("target-absent", attempt(copy64, (void *)NOT_MAPPED, source));
}

static void test_movdiri(void)
{
    check_copy("movdiri64", store64, 40, 3, 8);
    check_copy("movdiri32", store32, 44, 3, 4);
    check_copy("movdiri-unaligned", store64, 41, 0, 8);
    check_refused("movdiri-66", raw_movdiri_66, BYTES);
    check_refused("movdiri-register", raw_movdiri_register, BYTES);
}

void other_main(unsigned int number)
{
    (void)number;
}

void main(void)
{
    report("cpuid-movdir64b", !!(features() & CPUID_MOVDIR64B));
    report("cpuid-movdiri", !!(features() & CPUID_MOVDIRI));
    if (features() & CPUID_MOVDIR64B) {
        test_forms();
        test_overlap();
        test_faults();
    }
    test_refused();
    test_movdiri();
    finish();
}
