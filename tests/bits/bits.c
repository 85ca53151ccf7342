/* bits.c - prints a checksum of what each kernel family computes: equal lines from every compiler, dialect and machine
 * SPDX-License-Identifier: Apache-2.0
 *
 * The rows of a family must agree among themselves (tests/kernels); here the best row for this CPU and the plain C row speak for the others. */
#include "base/platform.h"
#include "base/half.h"
#include "base/str.h"
#include "kernels/unary/unary.h"
#include <inttypes.h>
#include <stdio.h>

enum { N = 4099 };
static float x[N], y[N];

/* Numbers of all sizes and signs, and the special ones. */
static void fill(float *to, size_t n, uint64_t seed)
{
    static const uint32_t special[] = {0, 0x80000000u, 1, 0x80000001u, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0x3f800000u, 0xbf800000u};
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t r = (uint32_t)(seed >> 32);
        if (r % 16 == 0)
            to[i] = mote_f32_from_bits(special[r / 16 % (sizeof special / sizeof *special)]);
        else if (r % 4 == 0)
            to[i] = mote_f32_from_bits((uint32_t)(seed >> 20));
        else
            to[i] = ((float)(r >> 8) - 0x1p23f) * 0x1p-20f; /* [-8, 8) */
    }
}

/* Every NaN counts as the same one: which NaN comes out is the machine's choice. */
static void print(const char *what, float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] != v[i])
            v[i] = mote_f32_from_bits(0x7fc00000u);
    printf("%-28s %016" PRIx64 "\n", what, mote_str_hash((mote_str){(const char *)v, n * sizeof *v}));
}

static void unary(void)
{
    static const float params[2] = {0.25f, 1.5f};
    for (int op = 0; op < MOTE_UNARY_COUNT; op++)
        for (int plain = 0; plain < 2; plain++) {
            const mote_unary_row *row = mote_unary_select((mote_unary)op, plain ? MOTE_CPU_NONE : mote_cpu_features());
            char name[32];
            snprintf(name, sizeof name, "unary %d%s", op, plain ? " plain" : "");
            fill(x, N, (uint64_t)op + 1);
            row->fn(x, y, N, params);
            print(name, y, N);
        }
}

int main(void)
{
    unary();
    return 0;
}
