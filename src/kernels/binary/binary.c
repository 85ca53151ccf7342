/* binary.c - the rows of the binary family, their choice, logic and where
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/binary/binary.h"
#include <math.h>
#include <string.h>

#define ROW(ID, id, out, isa_name, isa_bits)                                                                           \
    {"mote_binary_f32_f32_" #out "_" #id "_" #isa_name, isa_bits, MOTE_BINARY_##ID, mote_binary_f32_f32_##out##_##id##_##isa_name},

static const mote_binary_row rows[] = {
#if MOTE_X86_64
#define BINARY(ID, id) ROW(ID, id, f32, avx512, MOTE_CPU_AVX512)
#define BINARY_TEST(ID, id) ROW(ID, id, bool, avx512, MOTE_CPU_AVX512)
#include "kernels/binary/binary_ops.inc"
#undef BINARY
#undef BINARY_TEST
#define BINARY(ID, id) ROW(ID, id, f32, avx2, MOTE_CPU_AVX2)
#define BINARY_TEST(ID, id) ROW(ID, id, bool, avx2, MOTE_CPU_AVX2)
#include "kernels/binary/binary_ops.inc"
#undef BINARY
#undef BINARY_TEST
#endif
#if MOTE_AARCH64
#define BINARY(ID, id) ROW(ID, id, f32, neon, MOTE_CPU_NEON)
#define BINARY_TEST(ID, id) ROW(ID, id, bool, neon, MOTE_CPU_NEON)
#include "kernels/binary/binary_ops.inc"
#undef BINARY
#undef BINARY_TEST
#endif
#define BINARY(ID, id) ROW(ID, id, f32, ref, MOTE_CPU_NONE)
#define BINARY_TEST(ID, id) ROW(ID, id, bool, ref, MOTE_CPU_NONE)
#include "kernels/binary/binary_ops.inc"
#undef BINARY
#undef BINARY_TEST
};

const mote_binary_row *mote_binary_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const mote_binary_row *mote_binary_select(mote_binary op, uint32_t cpu)
{
    const mote_binary_row *r = rows;
    while (r->op != op || (r->isa & ~cpu) != 0)
        r++;
    return r;
}

float mote_binary_fmod1(float a, float b) { return fmodf(a, b); }

/* Eight bytes at a time. A scalar operand is spread over them. */
#define LOGIC(OP)                                                                                                      \
    {                                                                                                                  \
        for (; i + 8 <= n; i += 8) {                                                                                   \
            uint64_t u = (uint64_t)a[0] * 0x0101010101010101u, v = (uint64_t)b[0] * 0x0101010101010101u;               \
            if (form != MOTE_FORM_SV)                                                                                  \
                memcpy(&u, a + i, 8);                                                                                  \
            if (form != MOTE_FORM_VS)                                                                                  \
                memcpy(&v, b + i, 8);                                                                                  \
            u = u OP v;                                                                                                \
            memcpy(y + i, &u, 8);                                                                                      \
        }                                                                                                              \
        for (; i < n; i++)                                                                                             \
            y[i] = (uint8_t)(a[form == MOTE_FORM_SV ? 0 : i] OP b[form == MOTE_FORM_VS ? 0 : i]);                      \
    }
void mote_binary_logic(mote_logic op, const uint8_t *a, const uint8_t *b, uint8_t *y, size_t n, unsigned form)
{
    size_t i = 0;
    if (n == 0)
        return;
    const uint8_t first_a = a[0], first_b = b[0]; /* y may be either */
    if (form == MOTE_FORM_SV)
        a = &first_a;
    if (form == MOTE_FORM_VS)
        b = &first_b;
    if (op == MOTE_LOGIC_AND)
        LOGIC(&)
    else if (op == MOTE_LOGIC_OR)
        LOGIC(|)
    else
        LOGIC(^)
}

void mote_binary_not(const uint8_t *a, uint8_t *y, size_t n)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t u;
        memcpy(&u, a + i, 8);
        u = ~(((u & low) + low) | u | low) >> 7; /* 1 where a byte is 0 */
        memcpy(y + i, &u, 8);
    }
    for (; i < n; i++)
        y[i] = a[i] == 0;
}

#define WHERE(type)                                                                                                    \
    {                                                                                                                  \
        const type *p = a, *q = b;                                                                                     \
        type *r = y;                                                                                                   \
        for (size_t i = 0; i < n; i++)                                                                                 \
            r[i] = c[i * dc] ? p[i * da] : q[i * db];                                                                  \
    }
void mote_binary_where(const uint8_t *c, const void *a, const void *b, void *y, size_t n, size_t size, unsigned form)
{
    size_t da = form & 1 ? 0 : 1, db = form & 2 ? 0 : 1, dc = form & 4 ? 0 : 1;
    if (size == 1)
        WHERE(uint8_t)
    else if (size == 2)
        WHERE(uint16_t)
    else if (size == 4)
        WHERE(uint32_t)
    else
        WHERE(uint64_t)
}
